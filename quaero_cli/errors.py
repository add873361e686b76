"""Every error that quaero raises on purpose: one tree, and each class knows its exit code.

The three sides are *your job file or your words* (`DefinitionError`, `UsageError`, `NotFoundError`), *the
world* (`StoreError`, `ServerError`, `StepFailed`) and *our fault* (any exception that is not in this tree).
A message says what, where and with which value: lower case, no full stop. `hint` names the way out.
Exit codes are those of the command line's contract.
"""


class QuaeroError(Exception):
    """Root of the tree; shown as one line, plus a `hint:` line where there is one."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(QuaeroError):
    """The command line asks for something that cannot be: an unknown option value, a bad cursor."""

    exit_code = 2


class FilterError(UsageError):
    """A filter or parameter of a question cannot be used; `allowed` says what it takes."""

    def __init__(self, name: str, problem: str, allowed: str) -> None:
        super().__init__(f"{name}: {problem}", hint=f"{name} takes {allowed}")
        self.parameter = name
        self.allowed = allowed


class DefinitionError(QuaeroError):
    """A job file cannot be used. The message begins with the file and names the step and the key."""

    exit_code = 2


class ParameterError(UsageError):
    """A parameter is unknown, missing, or its value does not fit its declaration; `parameter` says which."""

    parameter: str | None = None


class OverlapError(UsageError):
    """The definition runs already and its `overlap` refuses a second job."""


class NotFoundError(QuaeroError):
    """No such job or definition."""

    exit_code = 4


class StateError(QuaeroError):
    """The job's state does not allow what was asked (cancel a finished one, delete a running one)."""

    exit_code = 2


class ExistsError(StateError):
    """There is a job of this ID already: what made it derives the ID, and somebody else was first."""


class StoreError(QuaeroError):
    """The data directory or the database cannot be used: permissions, full disk, damage, unsafe engine."""

    exit_code = 6


class ServerError(QuaeroError):
    """The server cannot listen or cannot be reached."""

    exit_code = 7


class OutputError(QuaeroError):
    """What is shown cannot be written: the disk behind a redirected stdout is full."""


class StepFailed(QuaeroError):
    """A step or a worker failed for a reason the job's author should read. Raised by step types."""
