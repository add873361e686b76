"""A live display on a fake terminal that shows what a person would see, with a clock that is moved by hand."""

from datetime import UTC

from screen import Screen
from terminal_facts import NOW

from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.display import TICK_S
from quaero_cli.terminal.live import LiveDisplay


class Stage:
    """A live display with its terminal, and a clock that is moved by hand."""

    def __init__(self, columns=100, rows=30, *, reflows=True, env=None, **options):
        self.env = {
            "COLUMNS": str(columns),
            "LINES": str(rows),
            **({} if reflows else {"TERM": "linux"}),
            **(env or {}),
        }
        self.screen = Screen(columns, rows, reflows=reflows)
        self.time = 0.0
        self.writes = []
        out = Terminal(self, self.env, tty=True)
        self.display = LiveDisplay(
            out, Terminal(self, {}, tty=True), clock=lambda: self.time, now=lambda: NOW + self.time, tz=UTC, **options
        )

    encoding = "utf-8"

    def write(self, text):
        self.writes.append(text)
        self.screen.feed(text)

    def flush(self):
        pass

    def pass_time(self, seconds):
        ticks = int(seconds / TICK_S)
        for _ in range(ticks):
            self.time += TICK_S
            self.display.tick()

    def resize(self, columns):
        self.env["COLUMNS"] = str(columns)
        self.screen.resize(columns)
