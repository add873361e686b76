"""Finds the function that a `python` step calls.

A file is run under a private module name, so that no two files meet and none hides a library; it is read anew when
its content has changed, and never writes byte code beside itself. The definition's folder (for a file: its own) is at
the end of `sys.path` while the import runs, and only then: imports at the top of a module find their neighbours, no
library can be hidden by one, and nothing else of the process notices.

Importing runs the author's code, so it may take its time and raise anything: `load` is called in a thread.
"""

import importlib
import itertools
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quaero_cli.errors import StepFailed

_SHAPE = 'write "package.module:function" or "file.py:function"'
_numbers = itertools.count(1)
_files: dict[Path, tuple[bytes, types.ModuleType]] = {}  # a file's source and what it became


def load(call: str, directory: Path) -> Callable[..., Any]:
    """Return the function that `call` names; a file's path is relative to `directory`.

    Raises StepFailed when there is no such module, file or function. What the module itself raises passes through.
    """
    place, colon, name = call.rpartition(":")
    if not colon or not place or not name:
        raise StepFailed(f"call = {call!r} names no function", hint=_SHAPE)
    found: Any = _run_file(directory / place) if place.endswith(".py") else _import(place, directory)
    for part in name.split("."):
        if not hasattr(found, part):
            raise StepFailed(f"{place} has no {name!r}", hint=_near(found))
        found = getattr(found, part)
    if not callable(found):
        raise StepFailed(f"{call} is {type(found).__name__}, not a function")
    function: Callable[..., Any] = found
    return function


def _near(module: object) -> str | None:
    names = [name for name, item in vars(module).items() if isinstance(item, types.FunctionType) and name[0] != "_"]
    return f"its functions are {', '.join(names)}" if names else None


def _import(name: str, directory: Path) -> types.ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise StepFailed(f"{name!r} is not the name of a module", hint=_SHAPE)
    try:
        with _on_path(directory):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            hint = f"it is looked for among the installed packages and in {directory}"
            raise StepFailed(f"no module {name!r}", hint=hint) from error
        raise


def _run_file(path: Path) -> types.ModuleType:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise StepFailed(f"{path} cannot be read: {error.strerror}") from error
    known, module = _files.get(path, (None, None))
    if module is not None and known == source:
        return module
    try:
        code = compile(source, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f" line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise StepFailed(f"{path}{line}: {getattr(error, 'msg', error)}") from error
    fresh = types.ModuleType(f"_quaero_{path.stem}_{next(_numbers)}")
    fresh.__file__ = str(path)
    sys.modules[fresh.__name__] = fresh  # where dataclasses and pickle look for it
    try:
        with _on_path(path.parent):
            exec(code, vars(fresh))
    except BaseException:
        del sys.modules[fresh.__name__]
        raise
    if module is not None:
        sys.modules.pop(module.__name__, None)  # its functions that still run keep what they need
    _files[path] = source, fresh
    return fresh


@contextmanager
def _on_path(directory: Path) -> Iterator[None]:
    entry = str(directory)
    sys.path.append(entry)
    importlib.invalidate_caches()  # a module that was written a moment ago is to be found
    try:
        yield
    finally:
        _remove_last(sys.path, entry)


def _remove_last(entries: list[str], entry: str) -> None:
    """Take out what was appended; an equal one of somebody else's stays."""
    for place in range(len(entries) - 1, -1, -1):
        if entries[place] == entry:
            del entries[place]
            return
