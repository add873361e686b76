"""Where settings come from: an option, the environment, `quaero.toml`, the default; the first that says something.

`quaero.toml` is one file: that of `--config` (or QUAERO_CONFIG), else the first of `./quaero.toml`, the data
directory's, and `quaero/quaero.toml` in the user's configuration directory. Files are not merged, so that there is
one place to look at.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from quaero_cli.errors import UsageError
from quaero_cli.settings import KNOWN, Given, Setting, Settings, build, shown

NAME = "quaero.toml"
# A file of settings is a few lines; anything larger is not one.
_MAX_BYTES = 64 * 1024


def configured(home: Path, config: str | None, environment: Mapping[str, str]) -> Settings:
    """Return the settings of this process. Raises UsageError, with the file and the key."""
    file = _find(home, config, environment)
    given = {} if file is None else from_tables(_read(file), file)
    return build(home, {**given, **from_environment(environment)}, file=file)


def places(home: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where a file of settings is looked for, the first wins."""
    yield Path(NAME)
    yield home / NAME
    yield Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "quaero" / NAME


def _find(home: Path, config: str | None, environment: Mapping[str, str]) -> Path | None:
    named = config or environment.get("QUAERO_CONFIG")
    if named:
        return Path(named).expanduser()
    return next((place for place in places(home, environment) if place.is_file()), None)


def _read(file: Path) -> dict[str, object]:
    import tomllib

    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{file}: is larger than {_MAX_BYTES // 1024} KiB", hint="is it a file of settings?")
        return tomllib.loads(data.decode())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="is --config or QUAERO_CONFIG right?") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, or nested a thousand deep
        raise UsageError(f"{file}: {error}", hint="a file of settings is TOML in UTF-8") from error


def from_tables(table: Mapping[str, object], file: Path) -> dict[str, Given]:
    """Return the values of a `quaero.toml` by name. Raises UsageError for an unknown key, with the nearest one."""
    return dict(_walk(table, "", file))


def _walk(table: Mapping[str, object], prefix: str, file: Path) -> Iterable[tuple[str, Given]]:
    names = [each.name for each in KNOWN]
    for key, value in table.items():
        name = prefix + key
        if name in names:
            yield name, Given(value, f"{file}: {name}")
        elif isinstance(value, Mapping) and any(each.startswith(f"{name}.") for each in names):
            yield from _walk(value, f"{name}.", file)
        elif any(each.startswith(f"{name}.") for each in names):
            raise UsageError(f"{file}: {name} must be a table, not {shown(value)}", hint=f"write it as [{name}]")
        else:
            raise UsageError(f"{file}: unknown key {name[:100]!r}", hint=_nearest(name, names))


def _nearest(name: str, names: list[str]) -> str:
    import difflib

    found = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if not found:
        last = name.rpartition(".")[2]
        found = [each for each in names if each.endswith(f".{last}")]
    return f"did you mean {found[0]!r}?" if found else "the settings are: " + ", ".join(names)


def from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    """Return the values that environment variables give, by name. Raises UsageError for one that cannot be read."""
    given: dict[str, Given] = {}
    for setting in KNOWN:
        text = environment.get(setting.variable)
        if text:
            given[setting.name] = Given(_parsed(setting, text), setting.variable)
    return given


def _parsed(setting: Setting, text: str) -> object:
    """Return a variable's text as a value of the setting's type; text that is none comes back as it is."""
    if isinstance(setting.default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(setting.default, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if isinstance(setting.default, str):
        return text
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return text if isinstance(setting.default, int) else float(text)
    except ValueError:
        return text
