"""Whether a page is one that the crawl has already: by its canonical address, its bytes, its text. Pure.

The first page with a content keeps it, however many run at once: each look also marks, and nothing awaits between.
"""

from array import array
from collections.abc import Callable, Sequence
from operator import eq

from quaero_cli.crawl.answers import Passed
from quaero_cli.crawl.urls import is_site_root

# Share of word groups that near-duplicates have in common.
_ALIKE = 0.8
# Numbers of a fingerprint that are looked up together. Of 32 numbers six may differ, which leaves at least two of
# eight such bands whole: every near-duplicate is found by one, and texts that share a paragraph share none.
_BAND = 4
# Articles that are compared for the sake of one band: half the text of all of a site's pages may be the same.
_COMPARED = 32

# Bytes at either end by which a page is told from most others.
_ENDS = 1024


class Identities:
    """What was kept so far."""

    def __init__(self) -> None:
        self._canonical: dict[str, str] = {}  # canonical address: the page that was kept for it
        self._left: dict[str, str] = {}  # pages that were left alone: in favour of which canonical address
        self._left_for: dict[str, list[str]] = {}  # canonical address: the pages left alone in its favour
        self._instead: dict[str, str] = {}  # pages that are looked at again: because which one cannot be had
        self._bodies: dict[bytes, str] = {}  # digest of the raw body: its first page
        self._ends: dict[int, str] = {}  # of the beginnings and ends of bodies: their first page
        self._texts: dict[str, str] = {}  # hash of the extracted text: its first page
        self._lost: set[str] = set()  # pages that could not be had
        self._sketches: list[tuple[str, array[int]]] = []  # of kept articles: URL and fingerprint
        self._by_band: dict[int, list[int]] = {}  # bands of fingerprints, hashed: places in `_sketches`

    def lost(self, url: str) -> str | None:
        """The page cannot be had: nothing is left alone in its favour from now on.

        Returns a page that was until now, if there is one: it is to be fetched again, and kept instead.
        """
        self._lost.add(url)
        for canonical in (url, self._instead.get(url)):
            if canonical is not None and (others := self._left_for.get(canonical)):
                found = others.pop(0)
                self._left.pop(found)
                self._instead[found] = canonical
                return found
        return None

    def canonical(self, names: Sequence[str], canonical: str | None, wants: Callable[[str], bool]) -> Passed | None:
        """Judge a page by the canonical address that it states.

        `names`: the addresses that the page was reached by, its own first. `wants` offers an address to the crawl and
        tells whether it was or will be fetched; if so this page is left alone. A deeper page that calls the site's
        first page its canonical address is mistaken, and one that differs in http or https only means itself.
        """
        if canonical is None or _plain(canonical) in map(_plain, names) or is_site_root(canonical):
            return None
        kept = self._canonical.get(canonical)
        if kept is not None:
            return Passed("duplicate of canonical", canonical)
        if canonical not in self._lost and not self._leads_back(canonical, names) and wants(canonical):
            self._left.update(dict.fromkeys(names, canonical))
            self._left_for.setdefault(canonical, []).append(names[0])
            return Passed("duplicate of canonical", canonical)
        self._canonical[canonical] = names[0]
        return None

    def _leads_back(self, canonical: str, names: Sequence[str]) -> bool:
        """Whether the canonical page was left alone in favour of this one: of a ring one page has to be kept."""
        seen: set[str] = set()
        while canonical in self._left and canonical not in seen:
            seen.add(canonical)
            canonical = self._left[canonical]
            if canonical in names:
                return True
        return False

    def may_have(self, body: bytes, url: str) -> bool:
        """Whether a page by another address may have these bytes: a quick look, before they are hashed."""
        return self._ends.get(_ends(body), url) != url

    def note(self, body: bytes, url: str) -> None:
        """These are the bytes of a page."""
        self._ends.setdefault(_ends(body), url)

    def body(self, digest: bytes, url: str) -> Passed | None:
        """Judge a page by its bytes."""
        first = self._bodies.setdefault(digest, url)
        return None if first == url else Passed("duplicate content", first)

    def text(self, content_hash: str, url: str) -> Passed | None:
        """Judge a page by its extracted text."""
        first = self._texts.setdefault(content_hash, url)
        return None if first == url else Passed("duplicate content", first)

    def similar(self, sketch: Sequence[int], url: str) -> str | None:
        """An article of this crawl that says nearly the same; None: there is none. The text is kept in mind."""
        bands = [hash((start, *sketch[start : start + _BAND])) for start in range(0, len(sketch), _BAND)]
        places = sorted({place for band in bands for place in self._by_band.get(band, ())})
        found = next((place for place in places if _alike(sketch, self._sketches[place][1])), None)
        if sketch and found is None:  # its likes are found by the first one
            for band in bands:
                others = self._by_band.setdefault(band, [])
                if len(others) < _COMPARED:
                    others.append(len(self._sketches))
            self._sketches.append((url, array("I", sketch)))
        return None if found is None else self._sketches[found][0]


def _ends(body: bytes) -> int:
    return hash((len(body), body[:_ENDS], body[-_ENDS:]))


def _alike(left: Sequence[int], right: Sequence[int]) -> bool:
    """Whether two texts have most of their word groups in common, as far as their fingerprints tell."""
    same: int = sum(map(eq, left, right))
    return same >= _ALIKE * len(left)


def _plain(url: str) -> str:
    return url.partition("://")[2]
