"""How an attempt to get something from a site can end, as frozen records. Pure.

`Response` came; `FetchError` did not; `Passed` was not wanted. They are values, not exceptions: for a crawler
"refused" and "not HTML" are everyday facts that are counted and logged, and each is looked at by whoever asked.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Kind = Literal[
    "resolve",  # the name has no address
    "address",  # its address may not be connected to
    "refused",  # nobody listens, or no way there
    "timeout",
    "tls",
    "reset",  # the connection ended before the answer was whole
    "protocol",  # what came is not HTTP
    "content_type",  # not what was asked for; the body was not read
    "too_large",
    "encoding",  # compressed in a way that was not asked for, or damaged
    "resting",  # the server is left alone for the rest of the crawl
    "robots",
    "scope",  # outside what the author asked for
    "status",  # an HTTP status that means failure
    "redirect",  # a loop, too many hops, or nowhere
    "extraction",  # the page broke or stalled its reading process
]


class Look(NamedTuple):
    """What a scout saw of a page that it fetched; the body stays there."""

    size: int  # bytes of the body
    digest: str  # SHA-256 of the body, in hexadecimal
    view: Mapping[str, Any] | None  # None: the page broke the parser
    problem: str = ""  # how, for people


class Response(NamedTuple):
    """One HTTP answer, its body decompressed and within the limit. Header names are lower case."""

    url: str
    status: int
    headers: Mapping[str, str]  # those that matter to a crawl, where a scout asked
    body: bytes
    duration: float  # seconds
    look: Look | None = None  # a scout asked, and looked at the page: there is no body

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) if self.look is None else self.look.size

    @property
    def digest(self) -> str:
        """SHA-256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest() if self.look is None else self.look.digest

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; "" when the site named none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class FetchError:
    """No usable answer. `reason` is for people: lower case, no full stop."""

    kind: Kind
    reason: str
    status: int | None = None  # of an answer that was refused for its type or size
    asked: bool = True  # whether a request was made
    headers: Mapping[str, str] = field(default_factory=dict)  # of an answer that was refused for its type


# The reason of a page whose redirect ends at one that was or will be fetched for itself.
KNOWN_REDIRECT = "redirect to a known page"
# The reason of a file that is no page.
NOT_HTML = "not html"


@dataclass(frozen=True, slots=True)
class Passed:
    """A page that the crawl leaves alone, and why: one of few reasons, which are counted.

    `detail` says more about this page; `to` is the other page that the reason is about.
    """

    reason: str
    to: str | None = None
    detail: str | None = None
    asked: bool = True  # whether a request was made
    headers: Mapping[str, str] = field(default_factory=dict)  # of an answer that is no page
