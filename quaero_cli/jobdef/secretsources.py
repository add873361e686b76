"""Reads `[secrets]`: names and where each value comes from; and the values themselves, when a job starts.

A definition holds no value, only `env:VARIABLE` or `file:PATH` (from the definition's folder). The values live in the
memory of the process that runs the job, in the environment of its children, and nowhere else.
"""

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from quaero_cli.jobdef.model import JobDefinition
from quaero_cli.jobdef.place import Place, plain_name, shown
from quaero_cli.jobdef.table import Table
from quaero_cli.jobdef.values import check_string
from quaero_cli.masking.forms import MAX_SECRET, MIN_SECRET

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = 'write "env:VARIABLE" or "file:PATH"'


def read_secret_sources(table: Table, env: Mapping[str, str]) -> dict[str, str]:
    """Return the sources by name. Raises DefinitionError for one that is neither of the two forms."""
    for name, value in table.values.items():
        if not _VARIABLE.fullmatch(name):
            raise table.place.error(f"{shown(name)} cannot be the name of a variable")
        place = table.place.at(plain_name(name))
        kind, _, rest = check_string(value, place).partition(":")
        if kind not in ("env", "file") or not rest:
            # Not shown: whoever has this wrong may have put the secret itself here.
            raise place.error("is no source of a secret", hint=_FORMS)
        if kind == "env" and not _VARIABLE.fullmatch(rest):
            raise place.error(f"{shown(rest)} cannot be the name of a variable", hint=_FORMS)
        if name in env:
            raise place.error("stands in [env], too", hint="take it out of one of the two")
    return dict(table.values)


def reveal(definition: JobDefinition, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a definition's secrets, for a job that starts now.

    `environment` is that of the process. A file's last line end is no part of its secret. Raises DefinitionError,
    which names the secret and never shows a value, for one that is missing, or that could not be masked.
    """
    found = {}
    for name, source in definition.secrets.items():
        place = Place(f"{definition.path}: secrets: {name}")
        kind, _, rest = source.partition(":")
        value = _variable(rest, environment, place) if kind == "env" else _content(definition, rest, place)
        found[name] = _checked(value, place)
    return found


def _variable(name: str, environment: Mapping[str, str], place: Place) -> str:
    if name not in environment:
        raise place.error(f"the variable {name} is not set", hint="set it where the job is started")
    return environment[name]


def _content(definition: JobDefinition, name: str, place: Place) -> str:
    path = definition.path.absolute().parent / Path(name)
    try:
        # Looked at first: opening a FIFO would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise place.error(f"not a file: {path}")
        with path.open("rb") as file:
            data = file.read(MAX_SECRET + 3)
        text = data.decode()
    except OSError as error:
        raise place.error(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise place.error(f"{path} is not UTF-8", hint="keep binary keys as base64") from error
    return text.removesuffix("\n").removesuffix("\r")


def _checked(value: str, place: Place) -> str:
    if not value:
        raise place.error("is empty")
    if "\0" in value:
        raise place.error("holds a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise place.error("is not UTF-8")
    if len(value) < MIN_SECRET:
        raise place.error(
            f"is shorter than {MIN_SECRET} characters, and could not be masked", hint="use a longer one"
        )
    if len(value.encode()) > MAX_SECRET:
        raise place.error(f"is larger than {MAX_SECRET // 1024} KiB", hint="hand over the path of the file in [env]")
    return value
