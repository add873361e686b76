"""What the log says of a page, and what is counted: `Fetched`, then one of `Extracted`, `Skipped` and `Failed`.

A worker fails only where there is no definite answer (nobody there, a timeout, a server's error, a page that breaks
its reader) or where a start URL gives no page; a "404" for a link is a fact about the site.
"""

from quaero_cli.crawl.answers import KNOWN_REDIRECT, FetchError, Passed, Response
from quaero_cli.crawl.discovery import Offer
from quaero_cli.crawl.frontier import Target
from quaero_cli.crawl.ports import Log
from quaero_cli.crawl.tally import Tally
from quaero_cli.crawl.urls import authority
from quaero_cli.errors import StepFailed
from quaero_cli.model import Document

# What to do about a start URL that gave no page, by the kind of its problem.
_HINTS = {
    "resolve": "check the spelling of the host, and the network",
    "refused": "is the server running, and the port right?",
    "tls": "where an authority of your own vouches for the site, name its certificate in ca_file",
    "robots": "set obey_robots = false only where you may",
    "private address": 'name the host in allow_private if it is yours: allow_private = ["127.0.0.1"]',
    "redirect outside": "name the host that it leads to in allowed_domains",
    "scope": "look at allowed_domains and exclude_patterns",
}


class Report:
    """One crawl's words. `start_problems` gathers what came of start URLs that gave no page."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.start_problems: list[tuple[str, str, str]] = []  # URL, kind, reason

    def no_start(self) -> StepFailed:
        """Why a crawl came to nothing: the first start URL's reason, with the way out."""
        if not self.start_problems:  # then their workers failed otherwise, and the log says how
            return StepFailed("no start URL could be fetched")
        url, kind, reason = self.start_problems[0]
        others = len(self.start_problems) - 1
        more = f" (and {others} more)" if others else ""
        return StepFailed(f"no start URL could be fetched: {url}: {reason}{more}", hint=_HINTS.get(kind))

    def fetched(self, log: Log, target: Target, answer: Response, depth: int) -> None:
        """The site gave a page."""
        self._tally.bytes += answer.size
        self._tally.fetched += 1
        self._tally.hosts[authority(answer.url)] += 1
        moved = {"redirected_from": target.url} if answer.url != target.url else {}
        log.info(
            "Fetched",
            url=answer.url,
            status=answer.status,
            bytes=answer.size,
            duration_ms=milliseconds(answer.duration),
            depth=depth,
            content_type=answer.content_type,
            **moved,
        )

    def extracted(
        self, log: Log, document: Document, seconds: float, offer: Offer, *, similar_to: str | None = None
    ) -> None:
        """The page is an article, and was kept. `similar_to`: another article that says nearly the same."""
        self._tally.documents += 1
        self._tally.similar += similar_to is not None
        log.info(
            "Extracted",
            url=document.url,
            title=document.title,
            chars=len(document.text),
            language=document.language,
            published=document.published,
            duration_ms=milliseconds(seconds),
            **({"similar_to": similar_to} if similar_to is not None else {}),
            **offer.fields(),
        )

    def skipped(self, log: Log, target: Target, passed: Passed, offer: Offer | None = None) -> None:
        """The page was left alone. A start URL that the site did not even give a page for is a problem."""
        self._tally.skipped[passed.reason] += 1
        if passed.reason == "robots":
            self._tally.robots_refused(passed.to or target.url)
        if target.start and offer is None and passed.reason != KNOWN_REDIRECT:
            self.start_problems.append((target.url, passed.reason, _words(passed)))
        more = {"detail": passed.detail, "to": passed.to}
        log.info(
            "Skipped",
            url=target.url,
            reason=passed.reason,
            **{name: value for name, value in more.items() if value is not None},
            **(offer.fields() if offer is not None else {}),
        )

    def failed(self, log: Log, target: Target, error: FetchError, offer: Offer | None = None) -> None:
        """The page could not be had. Raises StepFailed unless that is a fact about the site, and no start URL's."""
        self._tally.failed[f"http_{error.status}" if error.kind == "status" else error.kind] += 1
        self._tally.unfinished += not is_fact(error)
        what = {"status": error.status} if error.kind == "status" else {"kind": error.kind}
        where = {"found_on": target.found_on} if target.found_on is not None else {}
        fields = {
            "url": target.url,
            **what,
            "reason": error.reason,
            **where,
            **(offer.fields() if offer is not None else {}),
        }
        log.warn("Failed", **fields)  # where it is an error, the engine says so of the worker
        if target.start and offer is None:
            self.start_problems.append((target.url, error.kind, error.reason))
        elif is_fact(error):
            return
        raise StepFailed(f"{target.url}: {error.reason}")


def milliseconds(seconds: float) -> int:
    """For people."""
    return round(seconds * 1000)


def is_fact(error: FetchError) -> bool:
    """Whether the site gave a definite answer, so that asking again would bring the same."""
    if error.kind == "status":
        return error.status is not None and error.status < 500 and error.status != 429
    return error.kind in ("redirect", "encoding")


def _words(passed: Passed) -> str:
    return f"{passed.reason}: {passed.detail}" if passed.detail else passed.reason
