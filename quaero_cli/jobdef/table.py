"""A typed look at one TOML table: take a key, get a value of its type or an error that names the key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quaero_cli.jobdef.durations import parse_duration
from quaero_cli.jobdef.model import Value
from quaero_cli.jobdef.place import Place, plain_name, shown, suggestion
from quaero_cli.jobdef.values import check_bool, check_choice, check_float, check_int, check_string, check_strings

# Names of steps, parameters and constants: what a placeholder can spell, and what is safe in a step ID.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
NAME_HINT = "use letters, digits, _ and -, at most 64"


def check_name(name: str, what: str, place: Place) -> str:
    """Return `name` when a placeholder can spell it."""
    if not _NAME.fullmatch(name):
        raise place.error(f"{shown(name)} cannot be the name of {what}", hint=NAME_HINT)
    return name


@dataclass(frozen=True, slots=True)
class Table:
    """A table and where it stands. Every reader raises the place's error for a value of another type."""

    values: Mapping[str, Any]
    place: Place

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        """Raise for the first key that is not known."""
        for key in self.values:
            if key not in known:
                raise self.place.error(f"unknown key {shown(key)}", hint=suggestion(key, known))

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.values

    def string(self, key: str, default: str = "") -> str:
        """A string."""
        return check_string(self.values[key], self.place.at(key)) if key in self.values else default

    def boolean(self, key: str, default: bool) -> bool:
        """True or false."""
        return check_bool(self.values[key], self.place.at(key)) if key in self.values else default

    def integer(self, key: str, default: int, *, minimum: int) -> int:
        """An integer of at least `minimum`."""
        if key not in self.values:
            return default
        value = check_int(self.values[key], self.place.at(key))
        if value < minimum:
            raise self.place.at(key).mismatch(f"at least {minimum}", value)
        return value

    def number(self, key: str, default: float, *, minimum: float) -> float:
        """A number of at least `minimum`."""
        if key not in self.values:
            return default
        value = check_float(self.values[key], self.place.at(key))
        if value < minimum:
            raise self.place.at(key).mismatch(f"at least {minimum:g}", value)
        return value

    def duration(self, key: str, *, positive: bool = True) -> float | None:
        """Seconds, longer than zero unless `positive` is false; None when the key is not there."""
        if key not in self.values:
            return None
        return parse_duration(self.values[key], self.place.at(key), positive=positive)

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(check_strings(self.values[key], self.place.at(key))) if key in self.values else ()

    def choice(self, key: str, choices: tuple[str, ...]) -> Value:
        """One of the choices; the first when the key is not there."""
        if key not in self.values:
            return choices[0]
        return check_choice(choices, self.values[key], self.place.at(key))

    def table(self, key: str, *, hint: str | None = None) -> "Table":
        """A table; an empty one when the key is not there."""
        place = self.place.at(plain_name(key))
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise place.mismatch("a table", value, hint=hint)
        return Table(value, place)
