"""A submitted job, as its submitter holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import trio

from quaero_cli.engine.job import JobRun
from quaero_cli.model import Status


@dataclass(slots=True)
class Handle:
    """A submitted job. `done` is set when its end is stored."""

    id: str
    status: Status = Status.PENDING
    done: trio.Event = field(default_factory=trio.Event)
    run: JobRun | None = None
    waiting: trio.CancelScope = field(default_factory=trio.CancelScope)  # around the wait for its turn
    cancelled: str | None = None  # why, once somebody asked
    error: str | None = None  # why it did not end well, and what its steps left: known when it has ended; masked
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def cancel(self, reason: str) -> None:
        """Cancel the job: at once when it runs or waits for its turn, before its first step otherwise."""
        self.cancelled = self.cancelled or reason
        self.waiting.cancel()
        if self.run is not None:
            self.run.cancel(self.cancelled)

    def fail(self, reason: str) -> None:
        """End the job as failed if it runs; one that waits for its turn waits on."""
        if self.run is not None:
            self.run.fail(reason)

    def attach(self, run: JobRun) -> None:
        """The job runs now; what was asked before counts."""
        self.run = run
        if self.cancelled is not None:
            run.cancel(self.cancelled)
