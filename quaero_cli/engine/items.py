"""The items of a fan-out, when it starts: from a value, from file names, from the lines of a file."""

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import trio

from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import ForEach
from quaero_cli.jobdef.place import plain_name, shown
from quaero_cli.jobdef.placeholders import Scope, resolve
from quaero_cli.jobdef.values import text_of

# Each item has a row, a label and a state that is counted; more of them belong into a step that reads them itself.
MAX_ITEMS = 100_000
# Characters of an item that stand for it in lists.
MAX_LABEL = 200
_JSON_NAMES = (".ndjson", ".jsonl")


async def find_items(for_each: ForEach, scope: Scope, directory: Path) -> list[Any]:
    """Return the items, in the order of the list or the file, or of the file names. Raises StepFailed.

    `directory` is the definition's: patterns and files are meant from there. Disks are read in a thread.
    """
    if for_each.glob is not None:
        pattern = text_of(resolve(for_each.glob, scope))
        items: Any = await trio.to_thread.run_sync(_names, pattern, directory)
    elif for_each.file is not None:
        path = directory / text_of(resolve(for_each.file, scope))
        items = await trio.to_thread.run_sync(_lines, path)
    else:
        items = resolve(for_each.items, scope)
        if not isinstance(items, list):
            raise StepFailed(f"for_each must be a list, not {shown(items)}: {for_each.items}", hint=_hint(items))
    if len(items) > MAX_ITEMS:
        raise StepFailed(f"for_each has {len(items)} items, and {MAX_ITEMS} are the most")
    return list(items)


def label_of(item: object) -> str:
    """Return an item in one short text."""
    text = text_of(item)
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


def _hint(items: object) -> str | None:
    """A shell step's output is text unless it is written as JSON."""
    return """in shell: echo 'KEY=["a", "b"]' >>"$QUAERO_OUTPUT\"""" if isinstance(items, str) else None


def _names(pattern: str, directory: Path) -> list[str]:
    """Sorted; relative ones as the pattern has them, from the definition's folder."""
    return sorted(glob.glob(pattern, root_dir=directory, recursive=True))


def _lines(path: Path) -> list[Any]:
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            return list(_read(file, plain_name(path.name), path.suffix in _JSON_NAMES))
    except UnicodeDecodeError as error:
        raise StepFailed(f"{plain_name(path.name)} is not UTF-8", hint="save it as UTF-8") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StepFailed(f"{shown(str(path))} cannot be read: {reason}") from error


def _read(lines: Iterator[str], name: str, only_json: bool) -> Iterator[Any]:
    """Yield an item a line: JSON where the file's name says so or the line is an object, else the line itself."""
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if not text.strip():
            continue
        if only_json or text.startswith("{"):
            try:
                yield orjson.loads(text)
                continue
            except ValueError as error:
                if only_json:
                    raise StepFailed(f"{name} line {number}: not JSON: {shown(text)}") from error
        yield text
