"""Who writes what and when: the list of articles, without their bodies, from the number of articles and a seed.

An article's facts depend on the seed and its number alone, so a larger site begins with the articles of a smaller
one (older dates aside: a site of many articles puts them closer together). Bodies are written when asked for.

The first forty articles carry the peculiarities that a crawler must cope with; `Quirks` tells them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from quaero_cli.demosite.desks import Desk, capital, desks
from quaero_cli.demosite.draw import Draw
from quaero_cli.demosite.story import Story
from quaero_cli.demosite.writer import Writer

# The newest article's time. It must lie in the past wherever the site is run: extractors drop dates to come.
NEWEST = datetime(2026, 10, 30, 17, 0, tzinfo=UTC)
_PACE = timedelta(hours=31)  # between two articles, so that 200 of them fill most of a year
_OLDEST = timedelta(days=3650)  # a site of thousands of articles is packed into ten years

# Of twelve articles one is German and one is French; the English desks take turns at the others.
_CYCLE, _GERMAN, _FRENCH = 12, 5, 11

# Length of a body in words, drawn evenly between the two. Above 820 the sentences of a desk run out.
_LENGTH: Mapping[str, tuple[int, int]] = {"en": (260, 820), "de": (170, 260), "fr": (170, 260)}

_BYLINES = (
    ("Zoë Müller-Åkesson", "Zoë covers everything that grows, freezes or erupts."),
    ("Daniel Okonkwo", "Daniel reports from parliaments, picket lines and waiting rooms."),
    ("Margarethe Lund", "Margarethe has reviewed some four thousand first nights, and slept through two."),
    ("José Álvarez", "José rides, runs and writes, in this order."),
    ("Nguyễn Thị Hạnh", "Hạnh takes machines apart and describes what falls out."),
    ("Fiona MacLeod", "Fiona reads balance sheets for the jokes."),
    ("Søren Kjær", "Søren travels by night train and files at dawn."),
    ("Priya Raghavan", "Priya explains numbers to people and people to numbers."),
    ("Tomáš Dvořák", "Tomáš lives in the archive and comes out for lunch."),
    ("Elena Conti", "Elena edits the weekend pages and the crossword."),
    ("Heinrich Böttcher", "Heinrich schreibt über alles zwischen Rathaus und Moor."),
    ("Amélie Carpentier", "Amélie raconte les villes, les canaux et ceux qui y vivent."),
)
_GERMAN_AUTHOR, _FRENCH_AUTHOR = 10, 11


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody with a byline."""

    name: str
    about: str

    @property
    def path(self) -> str:
        """The author's page."""
        return f"/authors/{slug(self.name)}"


@dataclass(frozen=True, slots=True)
class Quirks:
    """What is out of the ordinary about an article's page."""

    latin1: bool = False  # served as ISO-8859-1, and only the header says so
    delay: float = 0.0  # seconds before the answer
    gzip: bool = False  # compressed when the client accepts it
    date_in_text: bool = False  # no meta data tells the date
    author_in_text: bool = False  # no meta data tells the author
    plain: bool = False  # neither JSON-LD nor OpenGraph
    print_version: bool = False  # links to its print version
    relative: bool = False  # links with ../ and fragments


_QUIRKS: Mapping[int, Quirks] = {
    3: Quirks(gzip=True),
    4: Quirks(delay=0.3),
    5: Quirks(latin1=True),
    8: Quirks(relative=True),
    9: Quirks(date_in_text=True),
    11: Quirks(latin1=True),
    13: Quirks(delay=0.55),
    14: Quirks(author_in_text=True),
    18: Quirks(delay=0.8),
    19: Quirks(latin1=True),
    26: Quirks(plain=True),
}


@dataclass(frozen=True, slots=True, eq=False)
class Article:
    """One article without its body. `path` is percent-encoded nowhere: it is plain ASCII."""

    number: int  # 0 is the newest
    desk: Desk
    headline: str
    standfirst: str
    author: Author
    published: datetime
    tags: tuple[str, ...]
    path: str
    facts: Mapping[str, str] = field(repr=False)
    seed: int
    quirks: Quirks

    @property
    def language(self) -> str:
        """`en`, `de` or `fr`."""
        return self.desk.language

    @property
    def day(self) -> str:
        """The date in the article's language, for people."""
        numbers = self.desk.numbers
        month = numbers.months[self.published.month - 1]
        return numbers.date.format(day=self.published.day, month=month, year=self.published.year)

    def story(self) -> Story:
        """Write the body; the same one every time."""
        draw = Draw(self.seed, self.number, "body")
        shortest, longest = _LENGTH[self.language]
        return Story(Writer(self.desk, draw, self.facts), draw, shortest=shortest, longest=longest)


def slug(text: str) -> str:
    """Return `text` as a part of a path: lower case, ASCII, words joined by hyphens."""
    for umlaut, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "oe"), ("ł", "l"), ("æ", "ae")):
        text = text.replace(umlaut, plain).replace(umlaut.upper(), plain)
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def newsroom(articles: int, seed: int) -> tuple[Article, ...]:
    """Return that many articles, newest first."""
    pace = min(_PACE, _OLDEST / max(articles, 1))
    plans = {desk.slug: _Plan(desk, seed) for desk in desks()}
    written: dict[str, int] = dict.fromkeys(plans, 0)
    result = []
    for number in range(articles):
        desk = _desk_of(number)
        turn = written[desk.slug]
        written[desk.slug] += 1
        result.append(plans[desk.slug].article(number, turn, pace))
    return tuple(result)


def authors() -> tuple[Author, ...]:
    """Return everybody with a byline."""
    return tuple(Author(name, about) for name, about in _BYLINES)


def _desk_of(number: int) -> Desk:
    *english, german, french = desks()
    place = number % _CYCLE
    if place == _GERMAN:
        return german
    if place == _FRENCH:
        return french
    return english[(number - number // _CYCLE * 2 - (place > _GERMAN)) % len(english)]


class _Plan:
    """Deals a desk's topics and places, so that no two of its articles have the same pair of them."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk = desk
        self._seed = seed
        draw = Draw(seed, desk.slug)
        self._topics = draw.shuffled(desk.topics)
        self._places = draw.shuffled(desk.names.places)

    def article(self, number: int, turn: int, pace: timedelta) -> Article:
        """Plan the desk's article number `turn`, which is number `number` of the site."""
        desk, draw = self._desk, Draw(self._seed, number, "plan")
        topic = self._topics[turn % len(self._topics)]
        # One place further in each round through the topics, so that the pairs do not come back with it.
        place = self._places[(turn % len(self._topics) + turn // len(self._topics)) % len(self._places)]
        facts = {**topic, "place": place}
        facts.update(_people(desk, draw, facts))
        writer = Writer(desk, draw, facts)
        headline = writer.sentence("headline")
        published = (NEWEST - number * pace - timedelta(minutes=draw.below(240))).replace(second=0, microsecond=0)
        name = slug(f"{topic.get('thing') or topic.get('kurz') or topic['court']} {place}")
        return Article(
            number=number,
            desk=desk,
            headline=headline,
            standfirst=writer.sentence("standfirst"),
            author=_author(desk, draw),
            published=published,
            tags=tuple(sorted(draw.shuffled(desk.tags)[: draw.between(1, 2)])),
            path=f"/{desk.slug}/{published:%Y/%m}/{name}-{number:04}",
            facts=facts,
            seed=self._seed,
            quirks=_QUIRKS.get(number, Quirks(print_version=number % 10 == 0)),
        )


def _people(desk: Desk, draw: Draw, topic: Mapping[str, str]) -> dict[str, str]:
    """Cast a story: two persons with their parts, two bodies, a second place."""
    names = desk.names
    first, last = draw.shuffled(names.first), draw.shuffled(names.last)
    cast = {
        "person": f"{first[0]} {last[0]}",
        "surname": last[0],
        "person2": f"{first[1]} {last[1]}",
        "surname2": last[1],
        "founder": last[2],
        "founder2": last[3],
        "place2": draw.pick([place for place in names.places if place != topic["place"]]),
    }
    writer = Writer(desk, draw, {**topic, **cast})
    org, org2 = draw.shuffled(desk.orgs)[:2]
    writer.facts["org"] = cast["org"] = writer.fill(org)
    cast["org_cap"] = capital(cast["org"])
    # The second body is another one, and so is its founder.
    writer.facts["founder"] = last[4]
    writer.facts["org2"] = cast["org2"] = writer.fill(org2)
    cast["role"] = writer.fill(draw.pick(desk.roles))
    cast["role2"] = writer.fill(draw.pick(desk.outsiders))
    return cast


def _author(desk: Desk, draw: Draw) -> Author:
    staff: Sequence[Author] = authors()
    match desk.language:
        case "de":
            return staff[_GERMAN_AUTHOR]
        case "fr":
            return staff[_FRENCH_AUTHOR]
        case _:
            return draw.pick(staff[:_GERMAN_AUTHOR])
