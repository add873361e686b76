"""Turns templates into sentences: the small grammar behind every text of the demo site.

A template is plain text with two marks: `[a|b|c]` is a choice, `{name}` is a fact of the article (its town, its
people), a figure made on the spot (`{percent}`, `{count}`, `{money}` ...), or a sentence of the desk's list of that
name, which may hold marks of its own.

Why no two articles become near-duplicates: a list is a deck of cards that is shuffled for each article and dealt
without return, so an article never says the same sentence twice, and two articles share a template only by the
chance of the deal; where they do, the choices and the facts inside it are drawn anew. Each article's topic and
town are a pair of their own (`newsroom.py`), and they stand in most sentences. `tests/test_demosite.py` measures it.
"""

import re
from collections.abc import Callable, Mapping

from quaero_cli.demosite.desks import Desk, capital
from quaero_cli.demosite.draw import Draw

_MARK = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}")
# "a" before a spoken vowel becomes "an"; but "a one-way", "a European", "a union", "a used". Figures: 8, 11, 18.
_ARTICLE = re.compile(r"\b([Aa]) (?=[aei]|o(?!ne\b)|u(?!ni|s)|8|1[18]\b)(?!eu)", re.ASCII | re.IGNORECASE)
_MERGERS = {"von dem": "vom", "zu dem": "zum", "zu der": "zur", "bei dem": "beim"}
_MERGED = re.compile(rf"\b(?:{'|'.join(_MERGERS)})\b")
_ELISION = re.compile(r"\bde (?=[AEIOUÉÈaeiouéè])")


class Writer:
    """Writes one article's sentences. `facts` may be added to; a name in it wins over a list of that name."""

    def __init__(self, desk: Desk, draw: Draw, facts: Mapping[str, str]) -> None:
        self.facts = dict(facts)
        self.numbers = desk.numbers
        self._desk = desk
        self._draw = draw
        self._decks: dict[str, list[str]] = {}
        self._figures: dict[str, Callable[[], str]] = {
            "percent": lambda: str(draw.between(3, 48)),
            "count": self._count,
            "money": self._money,
            "few": lambda: draw.pick(self.numbers.few),
            "old": lambda: str(draw.between(1888, 1974)),
            "soon": lambda: str(draw.between(2027, 2031)),
            "year": lambda: str(draw.between(1987, 2024)),
            "weekday": lambda: draw.pick(self.numbers.weekdays),
            "month": lambda: draw.pick(self.numbers.months),
        }

    def left(self, rule: str) -> int:
        """Return how many sentences of a list this article has not used yet."""
        deck = self._decks.get(rule)
        return len(self._desk.rules.get(rule, ())) if deck is None else len(deck)

    def sentence(self, rule: str) -> str:
        """Write a sentence from a list, its first letter in upper case."""
        return capital(self.phrase(rule))

    def phrase(self, rule: str) -> str:
        """Write a sentence or a part of one from a list, as it stands there."""
        return self.fill(self._deal(rule))

    def fill(self, template: str) -> str:
        """Replace all marks of a template."""
        text = self._fill(template)
        match self._desk.language:
            case "en":
                return _ARTICLE.sub(r"\1n ", text)
            case "fr":
                return _ELISION.sub("d\u2019", text)
            case _:
                return _MERGED.sub(lambda match: _MERGERS[match[0]], text)

    def _fill(self, template: str) -> str:
        return _MARK.sub(self._mark, template)

    def _mark(self, match: re.Match[str]) -> str:
        choice, name = match.groups()
        if choice is not None:
            return self._fill(self._draw.pick(choice.split("|")))
        if name in self.facts:
            return self.facts[name]
        if name in self._figures:
            return self._figures[name]()
        return self._fill(self._deal(name))

    def _deal(self, rule: str) -> str:
        """Take the next card of a list's deck; an empty deck is shuffled again."""
        deck = self._decks.get(rule)
        if not deck:
            deck = self._decks[rule] = self._draw.shuffled(self._desk.rules[rule])
        return deck.pop()

    def _count(self) -> str:
        magnitude = self._draw.pick((10, 100, 1000))
        return self.numbers.count(self._draw.between(12, 98) * magnitude)

    def _money(self) -> str:
        amount = self.numbers.tenths(self._draw.between(3, 390))
        return self._draw.pick(self.numbers.money).replace("#", amount)
