"""The links of pages that were read, as long as there is room: what was found on a page that comes nearer does, too.

Links are kept as hashes, and each URL once: most pages of a site lead to the same ones. Pure.
"""

from array import array
from collections.abc import Iterable, Sequence

# Different URLs, their characters, and links in all: 45 MB at most.
MAX_LINKED = 100_000
MAX_LINKED_CHARS = 20_000_000
MAX_LINKS = 2_000_000


class ReadLinks:
    """What read pages lead to."""

    def __init__(self) -> None:
        self._urls: dict[int, str] = {}  # those in `_links`, by hash
        self._links: dict[str, array[int]] = {}  # of read pages: hashes of what they lead to
        self._kept = 0
        self._chars = 0

    def of(self, url: str) -> list[str]:
        """The links of the page at `url`; none where they are not kept."""
        return [self._urls[each] for each in self._links.get(url, ())]

    def keep(self, names: Iterable[str], links: Sequence[str]) -> bool:
        """Keep the links of a page that goes by these names. False: there is no room."""
        if len(self._urls) >= MAX_LINKED or self._chars >= MAX_LINKED_CHARS or self._kept >= MAX_LINKS:
            return False
        keys = list(map(hash, links))
        if not self._urls.keys() >= set(keys):  # most pages bring nothing new
            new = {key: link for key, link in zip(keys, links, strict=True) if key not in self._urls}
            self._urls.update(new)
            self._chars += sum(map(len, new.values()))
        kept = array("q", keys)
        self._links.update(dict.fromkeys(names, kept))
        self._kept += len(links)
        return True
