"""The desks of the newspaper: what each section writes about and in which words, read from `grammar/*.toml`.

The words are data. A desk's file holds its title, its topics and its lists of templates; the six English desks
share the names, the numbers and the general sentences of `english.toml`. `writer.py` turns templates into text.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_GRAMMAR = Path(__file__).with_name("grammar")

# The order of the navigation. English desks share `english.toml`; the other two stand alone.
ENGLISH = ("science", "technology", "world", "culture", "sport", "business")
FOREIGN = ("german", "french")

Rules = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a language writes figures and dates."""

    thousands: str
    decimal: str
    money: tuple[str, ...]
    few: tuple[str, ...]
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    date: str

    def count(self, value: int) -> str:
        """Write a whole number with the language's separator."""
        return f"{value:,}".replace(",", self.thousands)

    def tenths(self, value: int) -> str:
        """Write `value` tenths as a decimal fraction."""
        return f"{value // 10}{self.decimal}{value % 10}"


@dataclass(frozen=True, slots=True)
class Names:
    """First names, last names and places of a language's stories."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """One section of the newspaper."""

    slug: str
    title: str
    language: str
    tags: tuple[str, ...]
    topics: tuple[Mapping[str, str], ...]  # what a story may be about: the facts that name it
    orgs: tuple[str, ...]
    roles: tuple[str, ...]
    outsiders: tuple[str, ...]
    rules: Rules
    numbers: Numbers
    names: Names


def _read(name: str) -> dict[str, Any]:
    with (_GRAMMAR / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def _rules(*sources: Mapping[str, list[str]]) -> Rules:
    """Join lists of the same name; the desk's own sentences come first."""
    merged: dict[str, tuple[str, ...]] = {}
    for source in sources:
        for name, templates in source.items():
            merged[name] = (*merged.get(name, ()), *templates)
    return merged


def _topics(desk: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """Return a desk's topics: listed, or every modifier with every noun (English needs no cases)."""
    if "topics" in desk:
        return tuple({**topic, "le_cap": capital(topic.get("le", ""))} for topic in desk["topics"])
    things = [f"{modifier} {noun}" for modifier in desk["modifiers"] for noun in desk["nouns"]]
    return tuple({"thing": thing, "thing_cap": capital(thing)} for thing in things)


def _numbers(table: Mapping[str, Any]) -> Numbers:
    lists = {key: tuple(table[key]) for key in ("money", "few", "weekdays", "months")}
    return Numbers(thousands=table["thousands"], decimal=table["decimal"], date=table["date"], **lists)


def _desk(name: str, shared: Mapping[str, Any]) -> Desk:
    own = _read(name)
    source = {**shared, **own}
    return Desk(
        slug=own["slug"],
        title=own["title"],
        language=own["language"],
        tags=tuple(own["tags"]),
        topics=_topics(own),
        orgs=tuple(own["orgs"]),
        roles=tuple(own["roles"]),
        outsiders=tuple(own["outsiders"]),
        rules=_rules(own["rules"], shared.get("rules", {})),
        numbers=_numbers(source["numbers"]),
        names=Names(**{key: tuple(value) for key, value in source["names"].items()}),
    )


@cache
def desks() -> tuple[Desk, ...]:
    """Return all desks in the order of the navigation."""
    shared = _read("english")
    return (*(_desk(name, shared) for name in ENGLISH), *(_desk(name, {}) for name in FOREIGN))


def capital(text: str) -> str:
    """Return `text` with its first letter in upper case."""
    return text[:1].upper() + text[1:]
