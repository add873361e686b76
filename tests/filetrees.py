"""Trees of HTML files, and what a walk over their links reaches: the oracle of a crawl, made without the crawler.

Only the standard library reads the files here, so that a mistake of the crawler's own parsers is not made twice.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

_HOST = "http://tree.test"


@dataclass(frozen=True)
class Walk:
    """Addresses (paths with their queries, unescaped) of the pages that are reached, and of links to nothing."""

    pages: set[str]
    broken: set[str]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag in ("a", "area") and href:
            self.found.append(href.strip())


def walk(root: Path, start: str) -> Walk:
    """Follow the links of the files below `root` from the page at `start` (a path that begins with a slash)."""
    pages, broken, seen, waiting = set[str](), set[str](), {start}, deque([start])
    while waiting:
        address = waiting.popleft()
        path = unquote(address.partition("?")[0])
        file = root / path.lstrip("/")
        if file.is_dir() and not path.endswith("/"):
            following = [quote(path) + "/"]  # as servers redirect
        else:
            file = file / "index.html" if path.endswith("/") else file
            if not file.is_file():
                broken.add(plain(address))
                continue
            if file.suffix != ".html":
                continue
            pages.add(plain(address))
            following = list(_links(file, address))
        for each in following:
            if plain(each) not in seen:
                seen.add(plain(each))
                waiting.append(each)
    return Walk(pages, broken)


def _links(file: Path, address: str) -> Iterator[str]:
    links = _Links()
    links.feed(file.read_text(encoding="utf-8", errors="replace"))
    for href in links.found:
        url = urlsplit(urljoin(_HOST + address, href))
        if f"{url.scheme}://{url.netloc}" == _HOST:
            yield url.path + (f"?{url.query}" if url.query else "")


def plain(address: str) -> str:
    """An address as it is compared: however it was escaped."""
    return unquote(address)


def grow(root: Path, pages: int, seed: int) -> None:
    """Make a tree with links of all kinds: relative, absolute, to folders, escaped, with fragments, dead ones."""
    draw = random.Random(seed)
    folders = ["", "library/", "library/deep/", "how to/", "h\u00e4fen/"]
    names = [f"{draw.choice(folders)}page{n}.html" for n in range(pages)]
    names += [f"{folder}index.html" for folder in folders]
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        links = "".join(f'<p><a href="{_href(draw, name, names)}">x</a>' for _ in range(draw.randrange(4, 9)))
        file.write_text(f"<!doctype html><meta charset=utf-8><title>{name}</title>{links}", encoding="utf-8")
    (root / "picture.png").write_bytes(b"x")
    (root / "island.html").write_text("nobody leads here")


def _href(draw: random.Random, name: str, names: list[str]) -> str:
    up = "../" * name.count("/")
    to = draw.choice(names)
    return draw.choice([
        up + quote(to), up + quote(to), up + quote(to), f"/{quote(to)}", f"/{to}", f"{up}{quote(to)}#part",
        f"{up}./library/../{quote(to)}", f"{up}{quote(to)}?q={draw.randrange(3)}", "#here", f"{up}library",
        f"{up}library/", f"{up}how%20to/", f"{up}gone{draw.randrange(9)}.html", f"{up}picture.png",
        "mailto:x@tree.test", "https://elsewhere.test/", "javascript:void(0)", "",
    ])  # fmt: skip
