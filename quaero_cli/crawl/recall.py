"""What an earlier crawl knew of a URL: asked with its validators, an unchanged page is answered without its body.

A memo holds the validators and what was read of the body: of a page its links and what became of it, of a sitemap or
feed what it lists, of a robots.txt its text. It is used only where the same body would lead to the same end today:
an article whose document was deleted, or one left out for an age limit that is gone, is fetched as if it were new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from quaero_cli.crawl.answers import Response
from quaero_cli.crawl.dates import latest_moment
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.ports import Memory
from quaero_cli.crawl.urls import origin
from quaero_cli.model import PageMemo

# Moved when what is read of a page changes: older memos are then worth nothing.
_VERSION = 1

# Ends that a page had, besides the reasons for which it was left alone.
ARTICLE = "article"
TOO_OLD = "older than since"
NO_INDEX = "noindex"
NOT_EXTRACTED = "not extracted"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a URL, and may be used."""

    conditions: Mapping[str, str]  # request headers; none for a site that sends no validators
    facts: Mapping[str, Any]

    @property
    def is_article(self) -> bool:
        """Whether the page's article is kept."""
        return self.facts.get("end") == ARTICLE


class Recall:
    """Looks into the store's memory, as far as the author wants that."""

    def __init__(self, memory: Memory, options: Options) -> None:
        self._memory = memory
        self._options = options
        self._sites: dict[str, bool] = {}
        self._ignored: set[str] = set()

    def ignore(self, url: str) -> None:
        """What became of the page holds no more: it is to be asked for as a new one."""
        self._ignored.add(url)

    def known(self, url: str) -> Known | None:
        """What is known of a URL; None: ask for it as for a new one."""
        if self._options.recrawl == "always" or url in self._ignored or not self._knows_site(url):
            return None
        found = self._memory.recall(url)
        if found is None:
            return None
        memo, kept = found
        facts = orjson.loads(memo.facts)
        if facts.get("v") != _VERSION or not self._usable(facts, kept):
            return None
        conditions = {"if-none-match": memo.etag, "if-modified-since": memo.last_modified}
        return Known({name: value for name, value in conditions.items() if value}, facts)

    def conditions(self, url: str, facts: str) -> Mapping[str, str]:
        """Request headers that make an unchanged page answer 304, if these `facts` of it are known."""
        known = self.known(url)
        return {} if known is None or facts not in known.facts else known.conditions

    def links(self, url: str) -> list[str]:
        """The links that a page of this crawl had when it was read; none where it was no page."""
        found = self._memory.recall(url)
        view = orjson.loads(found[0].facts).get("view") if found is not None else None
        if view is None:
            return []
        return [*view["links"], *(() if self._options.obey_robots else view["nofollow_links"])]

    def memo(self, answer: Response, facts: Mapping[str, Any]) -> PageMemo:
        """What to remember of an answer."""
        packed = orjson.dumps({"v": _VERSION, **facts})
        return PageMemo(answer.url, answer.headers.get("etag"), answer.headers.get("last-modified"), packed)

    def remember(self, answer: Response, facts: Mapping[str, Any]) -> None:
        """Keep what was read of a file that is no page, if it can be asked for with a condition."""
        memo = self.memo(answer, facts)
        if answer.status == 200 and (memo.etag or memo.last_modified):
            self._memory.visited(memo=memo)

    def used(self, url: str) -> None:
        """What is known of a file that is no page still holds."""
        self._memory.visited(used=url)

    def _usable(self, facts: Mapping[str, Any], kept: bool) -> bool:
        end = facts.get("end")
        if end == ARTICLE:
            return kept and (bool(facts.get("html")) or not self._options.keep_html)
        if end == TOO_OLD:
            since, latest = self._options.since, latest_moment(facts.get("published") or "")
            return since is not None and latest is not None and latest < since
        if end == NOT_EXTRACTED:
            return not self._options.extract
        return end != NO_INDEX or self._options.obey_robots

    def _knows_site(self, url: str) -> bool:
        site = origin(url)
        known = self._sites.get(site)
        if known is None:
            known = self._sites[site] = self._memory.knows_site(site)
        return known
