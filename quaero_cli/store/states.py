"""Changes of state, each an UPDATE inside the writer's transaction. A final status is written once, never left."""

from quaero_cli.model import (
    JobChanged,
    JobClaimed,
    Status,
    StepChanged,
    StepOutput,
    StepProgressed,
)
from quaero_cli.store.encode import clean_text, encode_json
from quaero_cli.store.engine import Connection

_OPEN = "status IN ('pending', 'running')"


def change_job(connection: Connection, key: int, fact: JobChanged) -> None:
    """Move a job on, if this attempt still holds it: a runner that lost its job cannot finish it."""
    moment = "finished_at" if fact.status.final else "started_at"
    connection.execute(
        f"UPDATE job SET status = ?, error = ?, {moment} = ? WHERE key = ? AND attempt = ? AND {_OPEN}",
        (fact.status, fact.error and clean_text(fact.error), fact.time_us, key, fact.attempt),
    )


def claim_job(connection: Connection, key: int, fact: JobClaimed) -> None:
    """Let a job that came to this machine run, as the attempt that it is in its cluster."""
    connection.execute(
        f"UPDATE job SET status = '{Status.RUNNING}', attempt = ?, started_at = ?"
        f" WHERE key = ? AND status = '{Status.PENDING}'",
        (fact.attempt, fact.time_us, key),
    )


def change_step(connection: Connection, key: int, fact: StepChanged) -> None:
    """Move a step on, or a running one to its next attempt; it started with the first."""
    progress = ", progress = 100" if fact.status.good else ""
    connection.execute(
        f"UPDATE step SET status = ?, error = ?, {_moment(fact.status)}, attempt = max(attempt, ?){progress}"
        f" WHERE key = ? AND {_OPEN}",
        (fact.status, fact.error and clean_text(fact.error), fact.time_us, fact.attempt, key),
    )


def _moment(status: Status) -> str:
    return "finished_at = ?" if status.final else "started_at = coalesce(started_at, ?)"


def progress_step(connection: Connection, key: int, fact: StepProgressed) -> None:
    """Keep how far a step is."""
    connection.execute(
        "UPDATE step SET progress = coalesce(?, progress), progress_text = coalesce(?, progress_text) WHERE key = ?",
        (fact.progress, None if fact.text is None else clean_text(fact.text), key),
    )


def set_outputs(connection: Connection, key: int, fact: StepOutput) -> None:
    """Keep a step's outputs."""
    connection.execute("UPDATE step SET outputs = ? WHERE key = ?", (encode_json(dict(fact.outputs)), key))
