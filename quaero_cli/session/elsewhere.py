"""Jobs that a cluster's workers run, seen from the view's side: made here, shown here, cancelled from here.

The job is a row of this store, with its queue; `quaero serve --engine` on the same data directory hands it over, and
brings back all that it says. So showing it is the same as showing any other.
"""

import signal
from dataclasses import replace
from functools import partial

import trio

from quaero_cli.errors import OutputError, StateError, UsageError
from quaero_cli.model import LogQuery
from quaero_cli.model.taking import DEFAULT_QUEUE, is_queue
from quaero_cli.session.cluster import has_view
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.prepare import Prepared
from quaero_cli.session.run import RunResult, code_of
from quaero_cli.session.show import Shown, say_soon, show
from quaero_cli.session.signals import watch_signals
from quaero_cli.settings import Settings
from quaero_cli.store import queue
from quaero_cli.store.artifacts import copy_artifacts, remove_artifacts
from quaero_cli.store.dispatch import Waiting
from quaero_cli.store.reader import open_reader
from quaero_cli.stream.nudge import nudge
from quaero_cli.stream.wakeups import Wakeups
from quaero_cli.terminal.display import Display


def check_queue(name: str) -> str:
    """Return the name of a queue. Raises UsageError for what cannot be one."""
    if not is_queue(name):
        raise UsageError(f"--queue: {name[:60]!r} is no name of a queue", hint="a-z, 0-9, - and _, for example: gpu")
    return name


def submit_elsewhere(
    settings: Settings, prepared: Prepared, queue_name: str | None = None, *, lazy: bool = False
) -> Waiting:
    """Make a job for the workers of a queue; return what is to be handed over. Reads and writes the store.

    Whoever hands over is to be told: by a nudge, if it is another process.
    `queue_name` None: that of the job which it repeats, else the one that the definition names.
    `lazy`: the disk has it only after `store.logsync.make_durable`.

    Raises UsageError for a parameter that is secret, StateError when nobody here hands jobs over, and what
    `store.queue.enqueue` raises.
    """
    for parameter in prepared.definition.parameters:
        if parameter.secret and prepared.parameters[parameter.name] is not None:
            raise UsageError(
                f"{prepared.definition.id}: the parameter {parameter.name} is secret: no other machine is told it",
                hint="declare it in [secrets]; each worker then reads it from its own environment or files",
            )
    if not has_view(settings):
        raise StateError(
            "no part of a cluster serves this data directory",
            hint="start one: quaero serve --engine nats://HOST, or sqlite:///FILE on one machine; or add --on here",
        )
    queue_name = queue_name or prepared.job.queue or prepared.definition.queue or DEFAULT_QUEUE
    job = replace(prepared.job, queue=queue_name)
    enqueue = partial(queue.enqueue_elsewhere, settings.database, job, lazy=lazy)
    if job.retry_of is None or job.kept is None:
        return enqueue()
    try:
        copy_artifacts(settings.database, job.retry_of, job.id, [step.name for step in job.kept.steps])
        return enqueue()
    except BaseException:
        remove_artifacts(settings.database, job.id)  # its ID is new, so they are the copies
        raise


async def follow_elsewhere(settings: Settings, job_id: str, display: Display, query: LogQuery) -> RunResult:
    """Show a job that runs elsewhere to its end; Ctrl-C cancels it. Raises what `session.run.run` raises."""
    asked: list[signal.Signals] = []
    wakeups = Wakeups(settings.wake, settings.database)
    shown = Shown(code_of=partial(code_of, asked))
    mine = LogQuery((job_id,), query.steps, query.level, query.worker, query.text)
    unshown: OutputError | None = None
    with unwrapped():
        async with trio.open_nursery() as nursery:
            tell = partial(say_soon, nursery, display, shown)

            def ask(number: signal.Signals) -> None:
                asked.append(number)
                nursery.start_soon(_request_cancel, settings, job_id)
                tell(f"{number.name}: cancelling job {job_id}; again to stop watching it")

            await nursery.start(wakeups.run)
            await nursery.start(watch_signals, ask, nursery.cancel_scope.cancel, display.abandon)
            try:
                with display:
                    await show(
                        settings.database, wakeups, mine, display, shown,
                        limit=0, after=0, interval=settings.stream.batch_interval,
                    )  # fmt: skip
            except BrokenPipeError:
                pass  # the reader has seen enough; the job goes on where it runs
            except OutputError as error:
                unshown = error
            nursery.cancel_scope.cancel()
    with open_reader(settings.database) as reader:
        status = reader.summary(job_id)["status"]
    if unshown is not None:
        raise OutputError(unshown.message, hint=f"the job goes on where it runs: quaero tail {job_id} -n all")
    return RunResult(job_id, status, shown.code if shown.ended else code_of(asked, status))


async def _request_cancel(settings: Settings, job_id: str) -> None:
    try:
        await trio.to_thread.run_sync(queue.request_cancel, settings.database, job_id)
    except StateError:
        return  # it has just ended
    nudge(settings.wake, errand=True)
