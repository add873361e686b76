"""What the site answers to one address: a frozen record with its bytes, made once and sent many times."""

import gzip
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

HTML = "text/html; charset=utf-8"
HTML_LATIN1 = "text/html; charset=iso-8859-1"


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """An answer without the connection's part of it (dates, conditions, encodings: see `server.py`)."""

    status: int
    content_type: str
    body: bytes
    modified: datetime | None = None
    location: str | None = None
    delay: float = 0.0  # seconds to wait before answering
    packed: bytes | None = None  # the body in gzip, for a page that is compressed on request
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        digest = blake2b(self.body, digest_size=9, key=self.content_type.encode()[:64]).hexdigest()
        object.__setattr__(self, "etag", digest)


def page(
    text: str,
    *,
    status: int = 200,
    modified: datetime | None = None,
    latin1: bool = False,
    delay: float = 0.0,
    packed: bool = False,
) -> Reply:
    """Return a reply with a page of HTML."""
    # What ISO-8859-1 lacks becomes a character reference, which says the same to a browser.
    body = text.encode("iso-8859-1", "xmlcharrefreplace") if latin1 else text.encode()
    return Reply(
        status,
        HTML_LATIN1 if latin1 else HTML,
        body,
        modified=modified,
        delay=delay,
        packed=gzip.compress(body, mtime=0) if packed else None,
    )
