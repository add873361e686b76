"""Exit codes of the process: the command line's contract as one table."""

from collections.abc import Mapping

_BY_STATUS: Mapping[str, int] = {
    "completed": 0,
    "warning": 0,
    "failed": 1,
    "cancelled": 3,
    "interrupted": 5,
}

# What is not a job's status. The codes of errors are their classes' own (`quaero_cli.errors`).
TIMEOUT = 124
CTRL_C = 130


def exit_code(status: str) -> int:
    """Return the exit code that tells a job's final status. ValueError for one that is not final."""
    try:
        return _BY_STATUS[status]
    except KeyError:
        raise ValueError(f"not the final status of a job: {status!r}") from None
