"""From a target to a page: manners, retries, and redirects followed hop by hop, each one judged.

The order of things for a hop is fixed: does it lead back (loop), is it in the scope, do the robots rules allow it,
was it asked for already; only then is a request made (and the fetcher judges its address).
"""

from dataclasses import replace

import trio

from quaero_cli.crawl.answers import KNOWN_REDIRECT, NOT_HTML, FetchError, Passed, Response
from quaero_cli.crawl.fetch import Fetcher
from quaero_cli.crawl.frontier import Frontier, Target
from quaero_cli.crawl.patience import Patience, is_busy
from quaero_cli.crawl.polite import Manners
from quaero_cli.crawl.recall import Recall
from quaero_cli.crawl.robots import Robots
from quaero_cli.crawl.scope import OUTSIDE, Scope
from quaero_cli.crawl.scouts import Scouts
from quaero_cli.crawl.transfer import Wanted
from quaero_cli.crawl.urls import authority, normalise, origin

# What browsers allow is 20; honest sites need one or two.
MAX_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Client:
    """Asks a site politely: `get` one URL, `follow` one that is no page. Redirects stay within the scope."""

    def __init__(
        self, asker: Fetcher | Scouts, scope: Scope, manners: Manners, patience: Patience, recall: Recall
    ) -> None:
        self._asker = asker
        self._recall = recall
        self._scope = scope
        self._manners = manners
        self._patience = patience

    async def get(self, url: str, wanted: Wanted) -> Response | FetchError:
        """One URL, asked for again while that may help. An answer may have any status.

        304 comes only where an earlier crawl knew the URL, and says that its memo still holds.
        """
        server = authority(url)
        conditions = self._recall.conditions(url, wanted.memo)
        attempt = 0
        while True:
            attempt += 1
            resting = self._manners.resting(server)
            if resting is not None:
                return FetchError("resting", resting, asked=attempt > 1)
            async with self._manners.visit(server):
                answer = await self._asker.get(url, wanted, fresh=attempt > 1, conditions=conditions)
            if isinstance(answer, Response) and answer.status == 304 and not conditions:
                return FetchError("status", "the site answered 304 to a request without a condition", 304)
            self._manners.heard(server, answer)
            wait = self._patience.wait(answer, attempt)
            if wait is None:
                if is_busy(answer) and (seconds := self._patience.too_long(answer)) is not None:
                    self._manners.rest(server, f"the site wants to be left alone for {seconds:g} s")
                return answer
            if is_busy(answer):
                self._manners.pause(server, wait)
            else:
                await trio.sleep(wait)

    async def follow(self, url: str, wanted: Wanted) -> Response | FetchError:
        """A file that is no page (robots.txt, a sitemap, a feed), wherever on its site it was moved to."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self.get(url, wanted)
            if isinstance(answer, FetchError) or answer.status not in _REDIRECTS:
                return answer
            following = normalise(answer.headers.get("location", ""), url)
            if following is None or not self._scope.covers(following):
                return FetchError("redirect", "redirects outside", answer.status)
            url = following
        return FetchError("redirect", f"more than {MAX_REDIRECTS} redirects")


class Visitor:
    """Gets pages."""

    def __init__(self, client: Client, scope: Scope, robots: Robots, frontier: Frontier, wanted: Wanted) -> None:
        self._client = client
        self._scope = scope
        self._robots = robots
        self._frontier = frontier
        self._wanted = wanted

    async def visit(self, target: Target, reached: list[str]) -> Response | FetchError | Passed:
        """The page of an admitted target: an answer with status 2xx or 304, or why there is none.

        Addresses that redirects led to are added to `reached`: they are asked for, whatever comes of it.
        """
        url = target.url
        problem = (await self._robots.rules(origin(url))).problem
        if problem is not None:
            return _without_page(problem, asked=False)
        chain = [url]
        while True:
            answer = await self._client.get(url, self._wanted)
            if isinstance(answer, FetchError):
                return _without_page(answer, asked=len(chain) > 1)
            if answer.status not in _REDIRECTS:
                return _checked(answer)
            following = self._next_hop(answer, chain)
            if isinstance(following, FetchError):
                return following
            refusal = await self._refusal(target, following)
            if refusal is not None:
                return refusal
            chain.append(following)
            reached.append(following)
            url = following

    def _next_hop(self, answer: Response, chain: list[str]) -> str | FetchError:
        location = answer.headers.get("location", "")
        following = normalise(location, answer.url) if location else None
        if following is None:
            return FetchError("redirect", f"redirects to {location[:200]!r}, which is no page", answer.status)
        if following in chain:
            return FetchError("redirect", f"redirect loop: leads back to {following}", answer.status)
        if len(chain) > MAX_REDIRECTS:
            return FetchError("redirect", f"more than {MAX_REDIRECTS} redirects", answer.status)
        return following

    async def _refusal(self, target: Target, following: str) -> Passed | None:
        reason = self._scope.refuses(following, start=target.start)
        if reason is not None:
            return Passed("redirect outside" if reason == OUTSIDE else f"redirect {reason}", following)
        rules = await self._robots.rules(origin(following))
        if rules.problem is not None:
            kind = "private address" if rules.problem.kind == "address" else "robots"
            return Passed(kind, following, detail=rules.problem.reason)
        if not rules.allows(following):
            return Passed("robots", following)
        if not self._frontier.claim(following, target):
            return Passed(KNOWN_REDIRECT, following)
        return None


def _without_page(error: FetchError, *, asked: bool) -> FetchError | Passed:
    """Some errors are facts about a page that the crawl does not want, not failures to get it."""
    if error.kind == "content_type":
        return Passed(NOT_HTML, detail=error.reason, headers=error.headers)
    if error.kind == "too_large":
        return Passed("too large", detail=error.reason)
    if error.kind == "address":
        return Passed("private address", detail=error.reason, asked=asked)
    return replace(error, asked=True) if asked else error


def _checked(answer: Response) -> Response | FetchError:
    if 200 <= answer.status < 300 or answer.status == 304:
        return answer
    return FetchError("status", f"the site answered {answer.status}", answer.status)
