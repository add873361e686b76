"""For tests of python steps: a file of Python with a step that calls into it, and logging as nobody had set it up."""

import contextlib
import logging
import sys
import types
from collections.abc import Iterator

from fakes import FakeContext

from quaero_cli.model import Level
from quaero_cli.steps.python import python


@contextlib.contextmanager
def bare_logging() -> Iterator[None]:
    """Logging as in a process that has set up nothing (pytest's handlers put aside); a step must leave it so."""
    root = logging.getLogger()
    aside, root.handlers = root.handlers, []
    try:
        yield
        assert (root.level, root.handlers) == (logging.WARNING, [])
    finally:
        root.handlers = aside


class Job:
    """A folder with one Python file, and a step that calls into it."""

    def __init__(self, folder, source: str = "") -> None:
        self.ctx = FakeContext(folder, step_name="py")
        self.write(source)

    def write(self, source: str, name: str = "file.py") -> None:
        (self.ctx.directory / name).write_text(source)

    async def call(self, function: str, **args):
        return await python(self.ctx, call=f"file.py:{function}", args=args)

    def modules(self) -> list[types.ModuleType]:
        """What the file has become."""
        path = str(self.ctx.directory / "file.py")
        return [module for module in sys.modules.values() if getattr(module, "__file__", None) == path]

    def logged(self) -> list[tuple[Level, str, str | None]]:
        return [(line.level, line.message, line.source) for line in self.ctx.lines]
