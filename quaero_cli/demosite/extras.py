"""Pages that are no articles and list none: about, press, archive, calendar, the private ones, search, errors."""

from collections.abc import Iterable, Mapping
from html import escape

from quaero_cli.demosite.desks import desks
from quaero_cli.demosite.draw import Draw
from quaero_cli.demosite.edition import BROKEN, ELSEWHERE, NAME, PRIVATE, Edition, calendar_paths
from quaero_cli.demosite.markup import Head, bullets, document, link

_EVENTS = (
    "organ recital", "night market", "chess in the park", "book fair", "open workshop", "lantern walk",
    "town meeting", "film matinée", "repair café", "bird count", "open choir rehearsal", "a short history of fog",
)  # fmt: skip
_EVENTS_A_MONTH = 6

_ABOUT = (
    f"{NAME} is a newspaper that does not exist. A small grammar writes its stories, always the same ones for the "
    "same seed, and quaero serves them from your own computer: a crawl can be tried out without asking anybody.",
    "It has what newspapers on the web have: sections and tags, feeds and site maps, moved pages, dead links, "
    "copies, slow answers, and corners that robots are asked to stay out of.",
)
_CONTACT = (
    "Write to the editors, who do not exist either. Letters are read on Fridays, over plum cake.",
    "Corrections are printed on the page where the mistake was, in the same size of type.",
)
_IMPRINT = (
    f"{NAME}, 1 Loopback Lane, 127.0.0.1. Editor in chief: the seed. Printed on recycled bytes.",
    "Responsible for the content: nobody, since none of it happened.",
)
_PRIVATE_TEXT = "For subscribers. robots.txt asks robots to stay away: a crawler that stored this page is impolite."

_DEAD_LINKS = {
    "/archive/1998/the-lost-column": "The lost column (1998)",
    "/science/2019/02/vanished-glacier": "The glacier that vanished (2019)",
    "/authors/nobody": "All stories by our former colleague",
    "/files/missing-report.pdf": "Annual report 2007 (PDF)",
    "/tags/unobtainium": "Everything about unobtainium",
    "/events/harbour-festival-2019": "Harbour festival 2019: the programme",
}


def about_page(base: str) -> str:
    """Return the page about the newspaper: the only one that leads to the calendar."""
    more = f'<p>{link(calendar_paths()[0], "Calendar of events")} · <a href="{ELSEWHERE}">Our sister paper</a></p>'
    return _plain("About us", "/about", _ABOUT, base, more)


def contact_page(base: str) -> str:
    """Return the page with the addresses."""
    more = (
        f'<h2 id="letter">The Morning Letter</h2><p>{link("mailto:letter@gazette.invalid", "Subscribe by mail")} or '
        f"{link('tel:+000000', 'call us')}.</p>"
    )
    return _plain("Contact", "/contact", _CONTACT, base, more)


def imprint_page(base: str) -> str:
    """Return the imprint."""
    return _plain("Imprint", "/imprint", _IMPRINT, base)


def press_page(files: Iterable[tuple[str, str]], base: str) -> str:
    """Return the page with the downloads: `files` are addresses and what they are called."""
    items = bullets([link(path, text) for path, text in files], "plain")
    return _plain(
        "Press and downloads", "/press", ("Everything here is free to use, and none of it is HTML.",), base, items
    )


def archive_page(edition: Edition, base: str) -> str:
    """Return the page of all that has moved, was copied or is gone."""
    moved = [path for path in edition.redirects if path not in ("/latest", "/chain/2", "/chain/3", "/loop/b")]
    names: Mapping[str, str] = {
        "/chain/1": "A story that moved three times",
        "/loop/a": "A story that never arrives",
        "/go/elsewhere": "Our correspondent elsewhere",
    }
    first = bullets(
        [link(path, names.get(path, f"Story no. {path[5:-5]} at its old address")) for path in moved], "plain"
    )
    copies = bullets(
        [link(path, f"Mirror of: {article.headline}") for path, article in edition.mirrors.items()], "plain"
    )
    dead = bullets([link(path, _DEAD_LINKS[path]) for path in BROKEN], "plain")
    more = f"<h2>Moved</h2>{first}<h2>Mirrored</h2>{copies}<h2>Cuttings without a shelf</h2>{dead}"
    return _plain("From the archive", "/archive", ("Some of these links are older than the paper.",), base, more)


def calendar_page(path: str, seed: int, base: str) -> str:
    """Return a month of events, with a link to the next month."""
    months = calendar_paths()
    place = months.index(path)
    year, month = path.split("/")[2:]
    draw = Draw(seed, path)
    name = desks()[0].numbers.months[int(month) - 1]
    days = sorted(draw.between(1, 28) for _ in range(_EVENTS_A_MONTH))
    events = [f"{day} {name}: {draw.pick(_EVENTS)}, {draw.pick(desks()[0].names.places)}" for day in days]
    near = [("Previous month", place - 1), ("Next month", place + 1)]
    turn = " · ".join(link(months[at], text) for text, at in near if 0 <= at < len(months))
    more = bullets([escape(event) for event in events], "plain") + f'<nav class="pages">{turn}</nav>'
    return _plain(f"Events in {name} {year}", path, (), base, more)


def private_page(path: str, base: str) -> str:
    """Return a page that robots.txt forbids; it leads to the others of its kind."""
    others = bullets([link(other, other) for other in PRIVATE if other != path], "plain")
    return _plain("For subscribers only", path, (_PRIVATE_TEXT,), base, others)


def search_page(base: str) -> str:
    """Return the search page, which robots.txt forbids, too."""
    text = "The search is run by our archivist, by hand. Expect an answer within a week."
    return _plain("Search", "/search", (text,), base)


def error_page(status: int, base: str) -> str:
    """Return the page of an error: 404, 410 or 500."""
    title, text = {
        404: ("Page not found", "Somebody must have wrapped fish in it."),
        410: ("Gone for good", "This page was withdrawn, and it will not come back."),
        500: ("Our printing press is on fire", "Somebody asked for it."),
    }[status]
    more = f"<p>{link('/', 'Back to the front page')}</p>"
    return _plain(title, None, (text,), base, more)


def _plain(title: str, path: str | None, texts: Iterable[str], base: str, more: str = "") -> str:
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in texts)
    main = f'<main class="page"><h1>{escape(title)}</h1>{paragraphs}{more}</main>'
    return document(Head(title, f"{title}: {NAME}", path, index=path is not None), main, base)
