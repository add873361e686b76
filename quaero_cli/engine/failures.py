"""Exceptions of step code as words for the job's author. Pure."""

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import trio

import quaero_cli
from quaero_cli.errors import QuaeroError, StepFailed
from quaero_cli.jobdef.place import hide
from quaero_cli.plaindata import text_of

TRACEBACK_BYTES = 16 * 1024  # kept of a traceback, its end: where it happened
MAX_ERROR = 4096  # characters of a reason: it is sent with every status
TRACEBACKS = 3  # kept of a group of failures
_OURS = tuple(f"{Path(module).parent}/" for module in (quaero_cli.__file__, trio.__file__))


class FailedElsewhere(StepFailed):
    """What another machine did has failed; `fields` is what it tells about that."""

    def __init__(self, message: str, fields: Mapping[str, Any]) -> None:
        super().__init__(message, hint=fields.get("hint"))
        self.fields = fields


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group, or the exception itself."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def is_cancellation(error: BaseException) -> bool:
    """Whether Trio's way of ending a task is part of it, which nobody may keep."""
    return any(isinstance(each, trio.Cancelled) for each in leaves(error))


def describe(error: BaseException) -> str:
    """Return one line that says what failed: a StepFailed's own words, else the kind and the message."""
    found = list(leaves(error))
    first = next((each for each in found if isinstance(each, QuaeroError)), found[0])
    if isinstance(first, QuaeroError):
        text = first.message
    else:
        said = text_of(first)
        text = f"{type(first).__name__}: {said}" if said else type(first).__name__
    if len(text) > MAX_ERROR:
        hiding = hide.get()
        text = f"{(text if hiding is None else hiding(text))[:MAX_ERROR]}…"
    return text if len(found) == 1 else f"{text} (and {len(found) - 1} more)"


def hint(error: BaseException) -> str | None:
    """Return the way out that the failure names, if it names one."""
    return next((each.hint for each in leaves(error) if isinstance(each, QuaeroError) and each.hint), None)


def traceback_fields(error: BaseException) -> dict[str, Any]:
    """Return the fields that an entry about this failure carries: its traceback, unless it was raised on purpose."""
    if isinstance(error, FailedElsewhere):
        return dict(error.fields)
    fields: dict[str, Any] = {}
    way_out = hint(error)
    if way_out is not None:
        fields["hint"] = way_out
    unexpected = [each for each in leaves(error) if not isinstance(each, QuaeroError)]
    if unexpected:
        texts = ["".join(_own_lines(each)) for each in unexpected[:TRACEBACKS]]
        fields["traceback"] = _end("\n".join(texts))
    return fields


def _end(text: str) -> str:
    """Return the end of a text in whole lines, so that nothing that must be masked is cut into two."""
    if len(text) <= TRACEBACK_BYTES:
        return text
    kept: list[str] = []
    room = TRACEBACK_BYTES
    for line in reversed(text.splitlines()):
        if len(line) > room and kept:
            break
        kept.append(line if len(line) <= room else f"(a line of {len(line)} characters)")
        room -= len(kept[-1]) + 1
    return "\n".join(reversed(kept))


def _own_lines(error: BaseException) -> Iterator[str]:
    """Yield a traceback without the frames of quaero and Trio that stand above the author's first one."""
    about = traceback.TracebackException.from_exception(error)
    while about.stack and about.stack[0].filename.startswith(_OURS):
        del about.stack[0]
    yield from about.format()
