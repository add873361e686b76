"""What the parser says of words that it cannot take, in the voice of all other errors: the option, what is wrong."""

import re
from collections.abc import Callable, Sequence

from quaero_cli.errors import UsageError

_Rewrite = Callable[[re.Match[str]], tuple[str, str | None]]  # the message, and a better hint where there is one


def _range(match: re.Match[str]) -> tuple[str, str | None]:
    option, value, low, high = match.groups()
    return f"{option}: {value} is not from {low} to {high}", None


# Tried in turn on the parser's sentence; what fits none is shown as it is.
_REWRITES: Sequence[tuple[re.Pattern[str], _Rewrite]] = (
    (
        re.compile(r"no such command '(.*)'\. did you mean '?([\w-]+).*", re.IGNORECASE),
        lambda match: (f"no such command {match[1]!r}", f"did you mean {match[2]!r}?"),
    ),
    (
        re.compile(r"(no such option: \S+?)\.? \(?(?:did you mean|possible options:) ([\w-]+).*", re.IGNORECASE),
        lambda match: (match[1], f"did you mean {match[2]!r}?"),
    ),
    (
        re.compile(r"got unexpected extra arguments?(?:\(s\))? \((.*)\)"),
        lambda match: (
            f"unexpected argument {match[1]!r}",
            "parameters are given with -p: -p KEY=VALUE" if "=" in match[1] else None,
        ),
    ),
    (re.compile(r"option '(.+)' requires an argument"), lambda match: (f"{match[1]}: needs a value", None)),
    (re.compile(r"option '(.+)' does not take a value"), lambda match: (f"{match[1]}: takes no value", None)),
    (re.compile(r"invalid value for '(.+?)': (.+) is not in the range (\S+)<=x<=(\S+)"), _range),
    (
        re.compile(r"invalid value for '(.+?)': (.+) is not in the range x>=(\S+)"),
        lambda match: (f"{match[1]}: {match[2]} is below {match[3]}", None),
    ),
    (
        re.compile(r"invalid value for '(.+?)': (.+) is not a valid int(?:eger)?(?: range)?"),
        lambda match: (f"{match[1]}: {match[2]} is not a whole number", None),
    ),
)


def usage_error(error: Exception) -> UsageError | None:
    """Return what the parser has to say about the words of the command as one of our errors; None for other errors.

    Told by its shape: Typer's own classes have changed their home between the versions that we take.
    """
    if not hasattr(error, "format_message") or not hasattr(error, "exit_code"):
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "quaero"
    message, hint = reworded(str(error.format_message()))
    return UsageError(message, hint=hint or f"see: {command} --help")


def reworded(sentence: str) -> tuple[str, str | None]:
    """Return a sentence of the parser as a message of ours, with a hint where it names the way out."""
    message = " ".join(sentence.rstrip(".").split())
    message = message[:1].lower() + message[1:]
    for pattern, rewrite in _REWRITES:
        if found := pattern.fullmatch(message):
            return rewrite(found)
    return message, None
