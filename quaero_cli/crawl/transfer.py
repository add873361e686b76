"""What comes in for one request, judged as it comes: status and headers, then the body if it is wanted. Pure."""

from dataclasses import dataclass

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.body import Body, BodyProblem

# Of answers whose body nobody wants (redirects, errors) so much is read, to keep the connection.
_UNWANTED_BYTES = 64 * 1024

# The line that ends headers.
_NO_MORE = frozenset({b"\r\n", b"\n"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer must be for its body to be read. `types` empty: any media type."""

    limit: int  # bytes, decompressed
    types: frozenset[str] = frozenset()
    truncate: bool = False  # cut at the limit instead of refusing
    accept: str = "*/*"
    memo: str = "view"  # which facts a memo must have to stand in for the body
    page: bool = False  # a page, that a scout may fetch


class Transfer:
    """What comes in for one request: headers first, then the body if it is wanted."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.problem: FetchError | None = None
        self._lines: list[bytes] = []  # of the headers, until their end
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body: Body | None = None
        self._unwanted = 0
        self._in_headers = True

    @property
    def begun(self) -> bool:
        """Whether the answer has begun."""
        return self._status != 0 or bool(self._lines)

    def on_header(self, line: bytes) -> int | None:
        """One header line; -1 ends the transfer. Called for each one, so they are read together at their end."""
        self._lines.append(line)
        return self._read_headers() if line in _NO_MORE else None

    def _read_headers(self) -> int | None:
        lines, self._lines = self._lines, []
        first = _text(lines[0])
        if first.startswith("HTTP/") and ":" not in first.partition(" ")[0]:
            self._status = int(first.split(None, 2)[1])
            self._headers = {}
            self._body = None  # of a proxy's answer to CONNECT
            self._in_headers = True
        elif not self._in_headers:
            return None  # trailers
        headers = self._headers
        for text in _texts(lines[1:-1]):
            name, _, value = text.partition(":")
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return self._end_of_headers()

    def on_body(self, chunk: bytes) -> int | None:
        """A piece of body; -1 ends the transfer."""
        if self._body is None:
            self._unwanted += len(chunk)
            return None if self._unwanted <= _UNWANTED_BYTES else -1
        try:
            self._body.feed(chunk)
        except BodyProblem as problem:
            return self._give_up(problem)
        return -1 if self._body.full else None

    def response(self, url: str, duration: float) -> Response | FetchError:
        """The answer of a transfer that ended by itself."""
        try:
            body = self._body.finish() if self._body is not None else b""
        except BodyProblem as problem:
            self._give_up(problem)
        return self.problem or Response(url, self._status, self._headers, body, duration)

    def cut(self, url: str, duration: float) -> Response | None:
        """The answer of a transfer that we ended because the rest was not wanted."""
        if self.problem is None and (self._unwanted > _UNWANTED_BYTES or (self._body and self._body.full)):
            return Response(url, self._status, self._headers, self._body.finish() if self._body else b"", duration)
        return None

    def _end_of_headers(self) -> int | None:
        if self._status < 200:
            return None  # an interim answer; the real one follows
        self._in_headers = False
        if not 200 <= self._status < 300:
            return None
        media = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.wanted.types and media and media not in self.wanted.types:
            self.problem = FetchError("content_type", media[:80], self._status, headers=self._headers)
            return -1
        try:
            self._body = Body(
                self._headers.get("content-encoding", ""), limit=self.wanted.limit, truncate=self.wanted.truncate
            )
            length = self._headers.get("content-length", "")
            if length.isdigit() and int(length) > self.wanted.limit and not self.wanted.truncate:
                raise BodyProblem(f"larger than {self.wanted.limit} bytes", too_large=True)
        except BodyProblem as problem:
            return self._give_up(problem)
        return None

    def _give_up(self, problem: BodyProblem) -> int:
        self.problem = FetchError("too_large" if problem.too_large else "encoding", problem.reason, self._status)
        return -1


def _texts(lines: list[bytes]) -> list[str]:
    """Header lines; all at once where they are UTF-8, which nearly all are."""
    try:
        return b"".join(lines).decode().split("\n")[: len(lines)]
    except UnicodeDecodeError:
        return list(map(_text, lines))


def _text(line: bytes) -> str:
    """A header line: UTF-8 where it is (some sites put it into Location), else Latin-1."""
    try:
        return line.decode().strip()
    except UnicodeDecodeError:
        return line.decode("latin-1").strip()
