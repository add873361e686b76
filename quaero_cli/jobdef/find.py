"""Definitions by their id, over folders of which the first wins; and the list of all, with the broken ones.

A definition's id is its `id` key, else its file's name, so finding one means looking into the files. A file that
cannot be parsed counts under its name: it must not give way in silence to another file of that id further down.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quaero_cli.errors import DefinitionError, NotFoundError, QuaeroError
from quaero_cli.jobdef.load import load, read_id
from quaero_cli.jobdef.model import JobDefinition, StepType
from quaero_cli.jobdef.place import Place, shown, suggestion
from quaero_cli.jobdef.source import read_document, read_text
from quaero_cli.jobdef.table import Table

_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class Found:
    """One definition file: what it holds, or why it cannot be used; and the file that wins over it, if any."""

    id: str
    path: Path
    definition: JobDefinition | None
    error: QuaeroError | None
    shadowed_by: Path | None = None


def find(ref: str, folders: Sequence[Path], step_types: Mapping[str, StepType]) -> JobDefinition:
    """Return the definition that `ref` means: a path that ends in `.toml`, else an id.

    Raises NotFoundError, or DefinitionError when it does not load or two files of one folder have that id.
    """
    if ref.endswith(_SUFFIX):
        path = Path(ref)
        if not path.exists():
            raise NotFoundError(f"no such file: {shown(ref)}", hint="list the definitions with: quaero defs")
        return load(path, step_types)
    seen: list[str] = []
    for folder in _distinct(folders):
        ids = {path: peek_id(path) for path in _files(folder)}
        matches = [path for path, job_id in ids.items() if job_id == ref]
        if len(matches) > 1:
            raise _duplicate(ref, matches[0], matches[1:])
        if matches:
            return load(matches[0], step_types)
        seen += ids.values()
    raise _unknown(ref, seen, folders)


def require_known(ref: str, folders: Sequence[Path]) -> None:
    """Raise NotFoundError unless a definition has the id `ref`, whether it can be used or not."""
    seen = [peek_id(path) for folder in _distinct(folders) for path in _files(folder)]
    if ref not in seen:
        raise _unknown(ref, seen, folders)


def _unknown(ref: str, seen: Sequence[str], folders: Sequence[Path]) -> NotFoundError:
    hint = suggestion(ref, dict.fromkeys(seen)) or "looked in " + ", ".join(str(folder) for folder in folders)
    return NotFoundError(f"no definition with the id {shown(ref)}", hint=hint)


def listing(folders: Sequence[Path], step_types: Mapping[str, StepType]) -> list[Found]:
    """Return every definition file of the folders, in the order in which they win, then by file name."""
    found: list[Found] = []
    winners: dict[str, Path] = {}
    for folder in _distinct(folders):
        here = _list_folder(folder, step_types)
        found += [replace(item, shadowed_by=winners.get(item.id)) for item in here]
        for item in here:
            winners.setdefault(item.id, item.path)
    return found


def peek_id(path: Path) -> str:
    """Return the id of a definition file without checking the rest; its name when it has none that can be read."""
    place = Place(str(path))
    try:
        return read_id(Table(read_document(read_text(path), place), place), path)
    except DefinitionError:
        return path.stem


def _list_folder(folder: Path, step_types: Mapping[str, StepType]) -> list[Found]:
    try:
        here = [_look(path, step_types) for path in _files(folder)]
    except DefinitionError as error:
        return [Found(id=folder.name, path=folder, definition=None, error=error)]
    return [_with_duplicates(item, here) for item in here]


def _look(path: Path, step_types: Mapping[str, StepType]) -> Found:
    try:
        definition = load(path, step_types)
    except DefinitionError as error:
        return Found(id=peek_id(path), path=path, definition=None, error=error)
    return Found(id=definition.id, path=path, definition=definition, error=None)


def _with_duplicates(item: Found, here: list[Found]) -> Found:
    """The file as it is, or with an error when others of its folder claim its id: then none of them can be run."""
    others = [other.path for other in here if other.id == item.id and other.path != item.path]
    if not others or item.error:
        return item
    return replace(item, definition=None, error=_duplicate(item.id, item.path, others))


def _duplicate(job_id: str, path: Path, others: list[Path]) -> QuaeroError:
    names = ", ".join(other.name for other in others)
    problem = f"the id {shown(job_id)} is also that of {names}"
    return Place(str(path)).error(problem, hint="give each file an id of its own")


def _files(folder: Path) -> list[Path]:
    """The definition files of a folder by name; none when there is no such folder. Raises DefinitionError."""
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Place(str(folder)).error(f"cannot be read: {error.strerror}") from error
    return [path for path in paths if path.suffix == _SUFFIX and path.name[0] != "." and not path.is_dir()]


def _distinct(folders: Sequence[Path]) -> Iterator[Path]:
    """Each folder once: in a checkout the working directory's folder is the shipped one, too."""
    seen: set[Path] = set()
    for folder in folders:
        real = folder.resolve()
        if real not in seen:
            seen.add(real)
            yield folder
