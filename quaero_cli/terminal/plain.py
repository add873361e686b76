"""Displays without a live region: for pipes, files and CI (`plain`), messages alone (`raw`), and silence (`quiet`).

stdout has entries and nothing else, so that it can be counted, searched and compared. The log itself says how steps
went; stderr repeats only what a reader who filters the log must not miss: steps that ended badly, and the end.
"""

import time
from types import TracebackType
from typing import ClassVar, Self

from quaero_cli.model import Counts, LogsView, Status, StatusView, StepView
from quaero_cli.stream.events import Gap
from quaero_cli.terminal import words
from quaero_cli.terminal.ci import Groups
from quaero_cli.terminal.clean import clean, clean_lines
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.endings import ending
from quaero_cli.terminal.lines import LineFormat
from quaero_cli.terminal.page import page_for

_WORTH_TELLING = {Status.WARNING, Status.FAILED, Status.CANCELLED, Status.SKIPPED, Status.INTERRUPTED}


class QuietDisplay:
    """Shows notices and gaps, nothing else; the other displays without a region build on it."""

    reads: ClassVar[bool] = False

    def __init__(self, out: Terminal, err: Terminal) -> None:
        self._out = out
        self._err = err

    @property
    def moves(self) -> bool:
        """Never."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def logs(self, view: LogsView) -> None:
        """Show nothing."""

    def status(self, view: StatusView) -> None:
        """Show nothing."""

    def ended(self, job_id: str, status: str, exit_code: int, counts: Counts | None = None) -> None:
        """Show nothing."""

    def gap(self, event: Gap) -> None:
        """Tell it on stderr."""
        self.notice(words.gap(event))

    def notice(self, text: str) -> None:
        """Say it on stderr."""
        self._err.write("".join(f"{line}\n" for line in clean_lines(text)))

    def tick(self) -> None:
        """Do nothing: nothing moves here."""

    def suspend(self) -> None:
        """Do nothing: the terminal is as it was."""

    def abandon(self) -> None:
        """Do nothing: the terminal is as it was."""


class RawDisplay(QuietDisplay):
    """Shows the messages as they were logged, byte for byte: no sanitising, so it has to be asked for."""

    reads = True

    def logs(self, view: LogsView) -> None:
        """Write the messages at once, each with a newline."""
        self._out.write("".join([f"{entry['message']}\n" for entry in view["logs"]]))


class PlainDisplay(QuietDisplay):
    """Shows entries as lines with whole timestamps (UTC); in groups, where a CI service folds its log."""

    reads = True

    def __init__(
        self, out: Terminal, err: Terminal, *, many: bool = False, announce_end: bool = True, mark: str = ""
    ) -> None:
        super().__init__(out, err)
        self._format = LineFormat(out.paint, jobs=many, unicode=out.unicode, mark=mark)
        self._groups = Groups(out.folding, time.time) if out.folding is not None and not many else None
        self._many = many
        self._announce_end = announce_end
        self._last: dict[str, StatusView] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._groups is not None:
            self._out.write(self._groups.close())

    def logs(self, view: LogsView) -> None:
        """Write the entries at once."""
        if self._groups is not None:
            self._out.write(self._groups.batch(view["logs"], self._format.line))
        else:
            self._out.write(self._format.batch(view["logs"]))

    def status(self, view: StatusView) -> None:
        """Tell the steps that have ended badly since the last status.

        The first one is where we come in; `run` is there from the beginning, so that to it all of them are news.
        """
        job_id = view["job"]["id"]
        last = self._last.get(job_id)
        self._last[job_id] = view
        self._format.expect_steps(view["steps"])
        if last is None and self._announce_end:
            return
        before = {step["id"]: step["status"] for step in last["steps"]} if last else {}
        for step in view["steps"]:
            if step["status"] in _WORTH_TELLING and before.get(step["id"]) != step["status"]:
                self.notice(self._step_ending(job_id, step))

    def ended(self, job_id: str, status: str, exit_code: int, counts: Counts | None = None) -> None:
        """Tell how the job ended."""
        view = self._last.pop(job_id, None)
        if self._announce_end:
            self._err.write(ending(job_id, status, view, counts, page_for(self._err, time.time())))

    def _step_ending(self, job_id: str, step: StepView) -> str:
        took = words.elapsed(step["started_at"], step["finished_at"], 0) if step["finished_at"] else ""
        text = f"step {clean(step['name'])} {step['status']}{f' after {took}' if took else ''}"
        reason = f": {clean(step['error'])}" if step["error"] else ""
        return f"{f'{job_id} ' if self._many else ''}{text}{reason}"
