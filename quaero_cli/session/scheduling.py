"""The scheduler's place in a session that serves: its jobs are submitted like any other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from quaero_cli.jobdef.model import JobDefinition, StepType
from quaero_cli.schedule.folders import Folders
from quaero_cli.schedule.look import Looker
from quaero_cli.schedule.loop import Scheduler
from quaero_cli.session.actions import start as start_job
from quaero_cli.session.core import Session
from quaero_cli.session.prepare import fire_job_id, new_job_id, prepare
from quaero_cli.store.queue import now_us


def make_scheduler(session: Session, folders: Sequence[Path], step_types: Mapping[str, StepType]) -> Scheduler:
    """Return the scheduler for the definitions in `folders`; the caller runs it, and cancels it."""
    database = session.settings.database

    async def start(definition: JobDefinition, fire: int | None) -> str:
        prepared = prepare(definition, {}, trigger="schedule")
        job_id = new_job_id() if fire is None else fire_job_id(definition.id, fire)
        job = replace(prepared.job, id=job_id, scheduled_for=fire)
        started, _ = await start_job(session, replace(prepared, job=job))
        return started

    log = session.source_log("scheduler")
    return Scheduler(database, Looker(database, Folders(folders, step_types)), start, log, now_us)
