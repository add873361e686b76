"""A news site as files, for a web server to hand out: `write_site`. The same for the same number of articles.

Shaped like a real one where that costs a crawler something: pages of 28 KB with 59 links, of which most lead to
pages that are known, with fragments and `../` among them; styles, scripts and empty slots that are no text; articles
with JSON-LD and OpenGraph. Every page can be reached from `/`. The text is the demo site's.
"""

import json
from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path

from quaero_cli.demosite.draw import Draw
from quaero_cli.demosite.newsroom import newsroom, slug
from quaero_cli.demosite.story import Paragraph

_SEED = 7
_SECTIONS = ("world", "politics", "business", "tech", "science", "health", "sport", "culture", "travel", "opinion")
_ABOUT = ("contact", "privacy", "terms", "jobs", "advertise", "cookies", "newsletter", "archive", "help", "imprint")
_AUTHORS = 97
# Articles of the demo site whose paragraphs are dealt anew: each page draws two dozen of two thousand.
_SOURCES = 240
_LINKED = 28  # other articles that an article leads to: 8 in its text, 20 as teasers
_IN_TEXT = 8
_ON_THE_FRONT = 80
_IN_A_SECTION = 60
# Links of a page that is nothing but links.
_ON_A_LIST = 1_000

_STYLE = "\n".join(
    f".c{n}{{margin:{n % 9}px;padding:{n % 7}px;color:#{n * 4097 % 0xFFFFFF:06x};font:{10 + n % 8}px/1.4 sans-serif}}"
    for n in range(60)
)
_SCRIPT = "window.layer=window.layer||[];" + "".join(f"function f{n}(a){{return a*{n}+{n * 7}}}" for n in range(70))
_SLOTS = "".join(
    f'<div class="ad-slot c{n}" data-slot="{n}" data-cfg="{"x" * 120}"><span class="lbl">Advertisement</span></div>'
    for n in range(12)
)
_NAV = "".join(f'<li class="nav c{n}"><a href="/{name}/">{name.title()}</a></li>' for n, name in enumerate(_SECTIONS))
_FOOT = "".join(f'<li><a href="/about/{name}.html">{name.title()}</a></li>' for name in _ABOUT)


def write_site(folder: Path, articles: int) -> int:
    """Write the site below `folder` and return how many pages can be reached from its first one."""
    pages = 0
    for path, html in _pages(articles):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html)
        pages += 1
    (folder / "robots.txt").write_text("User-agent: *\nDisallow: /private/\n")
    return pages


def write_links(folder: Path, links: int) -> int:
    """Write pages that lead to `links` further ones, which are not there; return how many pages lead to them."""
    folder.mkdir(parents=True)
    pages = range(-(-links // _ON_A_LIST))
    numbers = iter(range(links))
    for page in pages:
        listed = "".join(f'<a href="{_far_name(number)}">.</a>' for number in islice(numbers, _ON_A_LIST))
        (folder / f"list-{page}.html").write_text(f"<title>List</title>{listed}")
    lists = "".join(f'<a href="list-{page}.html">.</a>' for page in pages)
    (folder / "index.html").write_text(f"<title>Lists</title>{lists}")
    return len(pages)


def _far_name(number: int) -> str:
    """An address of the usual length."""
    day = f"2026/{number % 12 + 1:02}/{number % 28 + 1:02}"
    return f"{day}/a-headline-of-the-usual-length-about-some-event-{number}.html"


def _pages(articles: int) -> Iterator[tuple[str, str]]:
    """Every page's path and text."""
    draw = Draw(_SEED, "site")
    written = newsroom(_SOURCES, _SEED)
    texts = [
        block.text
        for article in written
        if article.language == "en"
        for block in article.story().blocks
        if isinstance(block, Paragraph)
    ]
    titles = [article.headline for article in written if article.language == "en"]
    names = [_name(number, draw.pick(titles), draw) for number in range(articles)]
    site = _Site(names, texts, draw)
    for number in range(articles):
        yield names[number], site.article(number)
    for n, section in enumerate(_SECTIONS):
        yield (
            f"{section}/index.html",
            site.listing(section.title(), range(n, articles, max(10, articles // _IN_A_SECTION))),
        )
    for name in _ABOUT:
        yield f"about/{name}.html", _document(name.title(), f"<main><p>{escape(texts[len(name)])}</p></main>")
    for author in range(min(_AUTHORS, articles)):
        yield f"author/{author}.html", site.listing(f"Author {author}", range(author, articles, _AUTHORS))
    yield "index.html", site.listing("Home", range(0, articles, max(1, articles // _ON_THE_FRONT)))


def _name(number: int, title: str, draw: Draw) -> str:
    day = f"2026/{draw.between(1, 10):02}/{draw.between(1, 28):02}"
    return f"{_SECTIONS[number % len(_SECTIONS)]}/{day}/{slug(title)[:60]}-{number}.html"


class _Site:
    """Writes pages that lead to each other."""

    def __init__(self, names: Sequence[str], texts: Sequence[str], draw: Draw) -> None:
        self._names = names
        self._texts = texts
        self._draw = draw

    def article(self, number: int) -> str:
        """An article, with the articles before and after it and those that its text and its margin lead to."""
        count = len(self._names)
        linked = [(number * 31 + n * n * 17 + n + 1) % count for n in range(_LINKED)]
        title, author = self._title(number), number % _AUTHORS
        section, *day, _ = self._names[number].split("/")
        date = "-".join(day)
        body = "".join(self._body(linked[:_IN_TEXT]))
        teasers = "".join(self._teaser(other, n) for n, other in enumerate(linked[_IN_TEXT:]))
        around = "".join(
            f'<a rel="{rel}" href="../../../../{self._names[(number + step) % count]}">{rel}</a> '
            for rel, step in (("prev", -1), ("next", 1))
        )
        tags = "".join(f'<a class="tag" href="/{name}/">{name}</a>' for name in _SECTIONS[:4])
        main = (
            f'<main><article class="story" itemscope><h1>{escape(title)}</h1><div class="byline">By '
            f'<a href="/author/{author}.html" rel="author">Author {author}</a> <time datetime="{date}T08:00:00Z">'
            f'{date}</time></div>{body}<div class="tags">{tags}</div>{around}</article></main>'
            f'<aside class="related"><h2>Related stories</h2>{teasers}</aside>{_SLOTS}'
        )
        return _document(title, main, self._head(number, title, section, date))

    def listing(self, title: str, numbers: Sequence[int]) -> str:
        """A page of teasers."""
        return _document(title, f"<main><h1>{title}</h1>{''.join(map(self._teaser, numbers, numbers))}</main>")

    def _title(self, number: int) -> str:
        return self._names[number].rpartition("/")[2].removesuffix(".html").replace("-", " ").title()

    def _body(self, linked: Sequence[int]) -> Iterator[str]:
        left = list(linked)
        for n in range(self._draw.between(19, 31)):
            words = self._draw.pick(self._texts).split(" ")
            half = len(words) // 2
            before, word, after = (
                escape(" ".join(part)) for part in (words[:half], words[half : half + 1], words[half + 1 :])
            )
            if n % 2 == 0 and left:
                fragment = "#part-3" if n % 4 == 0 else ""
                word = f'<a href="/{self._names[left.pop()]}{fragment}">{word}</a>'
            yield f'<p class="text">{before} {word} {after}</p>'
            if n == 3:
                caption = escape(" ".join(words[:12]))
                yield f'<figure><img src="/img/{half}.jpg" alt=""><figcaption>{caption}</figcaption></figure>'

    def _teaser(self, number: int, color: int) -> str:
        text, title = escape(self._draw.pick(self._texts)[:110]), escape(self._title(number))
        link = f'<a href="/{self._names[number]}">{title}</a>'
        return f'<article class="teaser c{color % 60}"><h3>{link}</h3><p>{text}</p></article>'

    def _head(self, number: int, title: str, section: str, date: str) -> str:
        author, image = f"Author {number % _AUTHORS}", f"/img/{number}.jpg"
        data = {
            "@context": "https://schema.org", "@type": "NewsArticle", "headline": title,
            "datePublished": f"{date}T08:00:00Z", "author": {"@type": "Person", "name": author}, "image": image,
        }  # fmt: skip
        return (
            f'<link rel="canonical" href="/{self._names[number]}"><meta name="author" content="{author}">'
            f'<meta property="og:title" content="{escape(title)}"><meta property="og:type" content="article">'
            f'<meta property="og:image" content="{image}"><meta name="keywords" content="{section}, news">'
            f'<meta property="article:published_time" content="{date}T08:00:00Z">'
            f'<script type="application/ld+json">{json.dumps(data)}</script>'
        )


def _document(title: str, main: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} | Static Times</title>'
        f"{head}<style>{_STYLE}</style><script>{_SCRIPT}</script></head><body>"
        f'<header><a href="/" class="logo">The Static Times</a><nav><ul>{_NAV}</ul></nav></header>{main}'
        f"<footer><ul>{_FOOT}</ul><p>&copy; 2026 The Static Times</p></footer></body></html>"
    )
