"""Query strings, read strictly: what is unknown, missing, repeated or out of range is an error that says so. Pure.

Lenient readers turn mistakes into wrong answers: `LIMIT -1` is everything, `int()` takes `1_000` and digits of any
script, and a misspelt `job_id` would show another scope's entries.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from quaero_cli.errors import FilterError

T = TypeVar("T")

_INTEGER = re.compile(r"[0-9]{1,15}", re.ASCII)
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_JOB_ID = re.compile(r"[0-9a-z]{1,26}", re.ASCII)
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
# Pairs in one query string; a hundred jobs and as many steps.
_MAX_PAIRS = 250
_MAX_SHOWN = 60  # characters of a wrong value that are shown back


class BadParameter(FilterError):
    """A query parameter, or a header that acts as one, cannot be used."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one parameter may be. `read` raises ValueError; `allowed` says in words what it takes."""

    allowed: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any]  # the same for machines, as JSON Schema
    most: int = 1  # how often it may be given
    required: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """What was given, by name, each value read by its rule."""

    given: Mapping[str, Sequence[Any]]

    def one(self, name: str, default: T) -> Any | T:  # noqa: ANN401  # what its rule reads
        """Return the value of a parameter that may be given once."""
        return self.given[name][0] if name in self.given else default

    def all(self, name: str) -> tuple[Any, ...]:
        """Return the values of a repeatable parameter, in order, each once."""
        return tuple(dict.fromkeys(self.given.get(name, ())))

    def __contains__(self, name: str) -> bool:
        return name in self.given


def read_query(raw: bytes, rules: Mapping[str, Rule]) -> Values:
    """Return what a query string says. Raises BadParameter."""
    given: dict[str, list[Any]] = {}
    for name, text in _pairs(raw):
        rule = rules.get(name)
        if rule is None:
            raise BadParameter(_shown(name), "there is no such parameter", _known(rules))
        if len(given.setdefault(name, [])) >= rule.most:
            times = "once" if rule.most == 1 else f"at most {rule.most} times"
            raise BadParameter(name, f"may be given {times}", rule.allowed)
        try:
            given[name].append(rule.read(text))
        except ValueError:
            raise BadParameter(name, f"{_shown(text)!r} is not allowed", rule.allowed) from None
    for name, rule in rules.items():
        if rule.required and name not in given:
            raise BadParameter(name, "is missing", rule.allowed)
    return Values(given)


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    if not raw:
        return []
    try:
        if _BAD_ESCAPE.search(raw):
            raise ValueError("%")
        text = raw.decode("ascii")
        return parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MAX_PAIRS
        )
    except ValueError:  # UnicodeDecodeError, too
        raise BadParameter("query", "cannot be read", "name=value pairs in percent-encoded UTF-8") from None


def _known(rules: Mapping[str, Rule]) -> str:
    return "nothing; the parameters are: " + ", ".join(rules) if rules else "nothing; there are no parameters"


def _shown(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


# ------------------------------------------------------------------ kinds of values


def integer(lowest: int, highest: int) -> Rule:
    """Return the rule of a whole number, both ends included."""

    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError(text)
        return int(text)

    schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    return Rule(f"an integer from {lowest} to {highest}", read, schema)


def choice(options: Mapping[str, Any], *, most: int = 1, required: bool = False) -> Rule:
    """Return the rule of one of a few words; each stands for a value."""

    def read(text: str) -> Any:  # noqa: ANN401  # what the table holds
        if text not in options:
            raise ValueError(text)
        return options[text]

    return Rule("one of: " + ", ".join(options), read, {"type": "string", "enum": list(options)}, most, required)


def matching(pattern: re.Pattern[str], allowed: str, *, most: int = 1, required: bool = False) -> Rule:
    """Return the rule of a text that matches as a whole."""

    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(text)
        return text

    return Rule(allowed, read, {"type": "string", "pattern": f"^{pattern.pattern}$"}, most, required)


def job_id(*, most: int = 1) -> Rule:
    """Return the rule of a job's ID. What no job can have for one is of an unknown job: 404, as it is in a path."""
    return matching(_NAME, "a job's ID, lower-case letters and digits", most=most)


def name(*, most: int = 1) -> Rule:
    """Return the rule of a name: of a step, a definition."""
    return matching(_NAME, "a name of 1 to 200 characters", most=most)


def is_job_id(text: str) -> bool:
    """Return whether a text can be a job's ID at all."""
    return _JOB_ID.fullmatch(text) is not None
