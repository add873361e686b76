"""What a page's hrefs mean, quickly: most are paths that no rule changes, or stand on every page of the site. Pure.

`normalise` says what an href means. What is done here without it is done only where that is plain to see, and comes
to the same.
"""

import re
from collections.abc import Iterable

from quaero_cli.crawl.urls import normalise, origin

# Hrefs of a site that are remembered, and sites: a process reads pages of few at once.
_MEMO_ENTRIES = 16_384
_MEMO_SITES = 8
UNKNOWN = ""  # no href means this

# Paths that no rule changes, from the root or from the page's folder. Far below the longest address, whatever folder
# is put before.
_CHARS = "[A-Za-z0-9_~-][A-Za-z0-9_.~/-]*"
_FROM_ROOT = re.compile(f"/(?:{_CHARS})?")
_FROM_FOLDER = re.compile(rf"((?:\.\./)*)({_CHARS})")
_PLAIN_CHARS = 500

_memos: dict[str, dict[str, str | None]] = {}  # by site, hrefs that mean the same on all its pages


class Hrefs:
    """Makes hrefs of a page absolute. `base`: normalised, what relative ones begin at.

    `known` holds what hrefs as they are written mean on all pages of the site.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._site = origin(base)
        self.known = _memo(self._site)
        self._folders: list[str] | None = None

    def meant(self, href: str) -> str | None:
        """The URL that an href means; None if that is no page's address."""
        known = self.known.get(href, UNKNOWN)
        if known != UNKNOWN:
            return known
        bare = href
        if "#" in href and (bare := href.partition("#")[0]) != bare.rstrip():
            bare = href  # the blank belongs to the path
        url = self._found(bare)
        if href.startswith(("http://", "https://")) or (href.startswith("/") and not href.startswith(("//", "/\\"))):
            self.known[href] = url
        return url

    def _found(self, href: str) -> str | None:
        if href.startswith("/"):
            plain = len(href) < _PLAIN_CHARS and _FROM_ROOT.fullmatch(href) is not None and "/." not in href
            return self._site + href if plain else normalise(href, self._base)
        if href.startswith(("http://", "https://")):
            return normalise(href, self._base)
        return self._from_folder(href)

    def _from_folder(self, href: str) -> str | None:
        found = _FROM_FOLDER.fullmatch(href) if len(href) < _PLAIN_CHARS > len(self._base) else None
        if found is None or "/." in found[2]:
            return normalise(href, self._base)
        if self._folders is None:
            self._folders = self._base.partition("?")[0].split("/")[:-1]
        ups = len(found[1]) // 3
        folders = self._folders[: max(3, len(self._folders) - ups)]  # scheme, nothing, host: never above the root
        return f"{'/'.join(folders)}/{found[2]}"


def links(hrefs: Iterable[tuple[str, bool]], base: str, most: int) -> dict[str, bool]:
    """The first `most` URLs that a page's hrefs mean, each once: whether one of the hrefs may be followed."""
    page = Hrefs(base)
    known, meant = page.known.get, page.meant
    found: dict[str, bool] = {}
    for href, follow in hrefs:
        url = known(href, UNKNOWN)
        if url == UNKNOWN:
            url = meant(href)
        if url is not None and (follow or url not in found):
            found[url] = follow
            if len(found) >= most:
                break
    return found


def _memo(site: str) -> dict[str, str | None]:
    known = _memos.get(site)
    if known is None or len(known) > _MEMO_ENTRIES:
        if len(_memos) >= _MEMO_SITES:
            _memos.clear()
        known = _memos[site] = {}
    return known
