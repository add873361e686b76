"""`quaero logs export`: a whole log to a file or a pipe."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.errors import OutputError, UsageError

if TYPE_CHECKING:
    from quaero_cli.model import Entry
    from quaero_cli.store.reader import Reader

EPILOG = "Example: quaero logs export last --format ndjson -o last.ndjson"
FORMATS = ("txt", "ndjson")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs", epilog=EPILOG)(logs)


def logs(
    action: Annotated[str, typer.Argument(metavar="export", help="Write the whole log, entries of all levels.")],
    job: common.JobArgument,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="txt, or ndjson.")] = "txt",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to this file instead of stdout.")
    ] = None,
    home: common.Home = None,
) -> None:
    """Write a job's whole log, as it is stored at this moment."""
    from quaero_cli.store.reader import open_reader

    if action != "export":
        raise UsageError(f"logs: cannot {action}", hint="quaero logs export JOB")
    if format not in FORMATS:
        raise UsageError(f"--format: no format {format!r}", hint="one of: " + ", ".join(FORMATS))
    with open_reader(common.prepared_settings(home).database) as reader:
        job_id = reader.find_job(job)
        if output is None or str(output) == "-":
            _write(reader, job_id, _maker(format), common.out().write)
        else:
            written = _to_file(reader, job_id, _maker(format), output)
            common.err().write(f"{written} entr{'y' if written == 1 else 'ies'} written to {output}\n")


def _maker(format: str) -> "Callable[[Sequence[Entry]], str]":
    """Return what makes text of entries: the same as the server's exports."""
    if format == "ndjson":
        from quaero_cli.terminal.ndjson import to_json

        return lambda page: "".join([to_json(entry) + "\n" for entry in page])
    from quaero_cli.terminal.lines import LineFormat
    from quaero_cli.terminal.palette import Paint

    return LineFormat(Paint(color=False)).batch


def _write(
    reader: "Reader", job_id: str, make: "Callable[[Sequence[Entry]], str]", write: Callable[[str], object]
) -> int:
    written = 0
    for page in reader.whole(job_id):
        write(make(page))
        written += len(page)
    return written


def _to_file(reader: "Reader", job_id: str, make: "Callable[[Sequence[Entry]], str]", target: Path) -> int:
    """Write beside `target` and put it in its place when it is whole. Raises OutputError."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("x", encoding="utf-8", errors="backslashreplace") as file:
            written = _write(reader, job_id, make, file.write)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(f"{target}: {error.strerror or error}", hint="choose another file with -o") from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return written
