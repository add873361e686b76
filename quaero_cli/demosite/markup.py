"""What every page of the demo site shares: masthead, navigation, footer, small helpers. Text in, HTML out.

Addresses within the site are written without host, as on most real sites; `base` (such as `http://127.0.0.1:8080`)
stands only where a real site has absolute addresses: canonical link, OpenGraph, JSON-LD, feeds.
"""

from dataclasses import dataclass
from html import escape

from quaero_cli.demosite.desks import desks
from quaero_cli.demosite.edition import LINKED_SEARCH, MOTTO, NAME, PRIVATE, section_path
from quaero_cli.demosite.newsroom import NEWEST, Article

_FOOTER = (
    ("/about", "About us"),
    ("/contact", "Contact"),
    ("/imprint", "Imprint"),
    ("/authors/", "Our authors"),
    ("/archive", "From the archive"),
    ("/press", "Press and downloads"),
    (PRIVATE[1], "For subscribers"),
    (LINKED_SEARCH, "Search: lichen"),
    ("/rss.xml", "RSS"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """A page's head. `canonical` None: the page does not say what its address is."""

    title: str
    description: str
    canonical: str | None
    language: str = "en"
    desk: str = ""
    extra: str = ""
    charset: str | None = "utf-8"  # None: only the HTTP header tells
    index: bool = True


def link(href: str, text: str, attributes: str = "") -> str:
    """Return an anchor; both parts are escaped."""
    return f'<a href="{escape(href)}"{" " + attributes if attributes else ""}>{escape(text)}</a>'


def bullets(items: list[str], css: str = "") -> str:
    """Return an unordered list of items that are HTML already."""
    opening = f'<ul class="{css}">' if css else "<ul>"
    return opening + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def stamp(article: Article) -> str:
    """Return an article's date as a `time` element."""
    return f'<time datetime="{article.published.isoformat()}">{escape(article.day)}</time>'


def head(page: Head, base: str) -> str:
    """Return a page's `head` element."""
    title = page.title if page.title == NAME else f"{page.title} | {NAME}"
    lines = [
        f'<meta charset="{page.charset}">' if page.charset else "",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f'<meta name="description" content="{escape(page.description)}">',
        "" if page.index else '<meta name="robots" content="noindex">',
        f'<link rel="canonical" href="{escape(base + page.canonical)}">' if page.canonical else "",
        '<link rel="stylesheet" href="/style.css">',
        '<link rel="icon" type="image/svg+xml" href="/favicon.svg">',
        f'<link rel="alternate" type="application/rss+xml" title="{NAME}" href="/rss.xml">',
        page.extra,
    ]
    return "<head>\n" + "\n".join(line for line in lines if line) + "\n</head>"


def document(page: Head, main: str, base: str) -> str:
    """Return a whole page around `main`."""
    sections = "".join(
        link(section_path(desk), desk.title, 'aria-current="page"' if desk.slug == page.desk else "")
        for desk in desks()
    )
    footer = "".join(f"<li>{link(href, text)}</li>" for href, text in _FOOTER)
    return f"""<!DOCTYPE html>
<html lang="{page.language}">
{head(page, base)}
<body class="desk-{page.desk or "home"}">
<header class="masthead">
<p class="edition"><span>{NEWEST:%A, {NEWEST.day} %B %Y}</span><span>{escape(MOTTO)}</span></p>
<p class="name"><a href="/">{escape(NAME)}</a></p>
<nav class="sections" aria-label="Sections">{sections}{link("/latest", "Latest story", 'class="latest"')}</nav>
</header>
{main}
<footer class="colophon">
<nav aria-label="Service"><ul>{footer}</ul></nav>
<p>Every story on this site is made up by a machine, names and numbers included. It is the demonstration site of
quaero, and lives on your own computer only.</p>
</footer>
</body>
</html>
"""


def og(pairs: list[tuple[str, str]]) -> str:
    """Return OpenGraph meta elements."""
    return "\n".join(f'<meta property="{name}" content="{escape(content)}">' for name, content in pairs)
