"""The shapes in which a secret turns up in output. Pure.

Of the whole value: itself; base64 (both alphabets), alone or in the middle of something longer, where it looks three
ways, depending on how many bytes stand before it; base64 broken into lines of 64 or 76; percent-encoded; as JSON,
Python and the shell write it in quotes. Of a value of several lines: each line as well, since that is how files are
printed. Nothing shorter than the limits below is looked for: it would turn up by chance.
"""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

# Characters. Shorter secrets are refused: masked everywhere they would eat ordinary words, unmasked they would show.
MIN_SECRET = 4
# Of a line of a longer secret: "{" and "true" stand in every other file, too.
MIN_LINE = 6
# Bytes of UTF-8. The longest in use are private keys and service accounts, 4 KiB; each byte costs time per line.
MAX_SECRET = 16 * 1024

# Characters to a line of base64: what `base64` and MIME write, and what PEM does.
_BASE64_LINES = (76, 64)


def forms(secret: str) -> frozenset[str]:
    """Return every text that stands for `secret`; none for one that is shorter than MIN_SECRET."""
    if len(secret) < MIN_SECRET:
        return frozenset()
    lines = [line.strip() for line in secret.splitlines()]
    found = {*_written(secret), *_base64(secret.encode())}
    if len(lines) > 1:
        for line in lines:
            if len(line) >= MIN_LINE:  # as it is printed; encoded is the value as a whole
                found.update((line, json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]))
    return frozenset(form for form in found if len(form) >= MIN_SECRET)


def _written(text: str) -> Iterator[str]:
    """The text as it is, and as others quote it."""
    yield text
    for encoded in (
        quote(text, safe=""),
        quote(text),
        quote_plus(text),
    ):
        yield encoded
        yield _lower_hex(encoded)
    for quoted in (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text)):
        yield quoted[1:-1]
        yield quoted[1:-1].replace("/", "\\/")
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", "'\\''")


def _lower_hex(encoded: str) -> str:
    first, *rest = encoded.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64(data: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        yield whole.rstrip("=")
        for before in range(3):
            # The characters that no byte around the secret has a part in.
            first, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
            yield encode(bytes(before) + data).decode()[first:end]
    whole = base64.b64encode(data).decode()
    for length in _BASE64_LINES:
        if len(whole) > length:
            for start in range(0, len(whole), length):
                yield whole[start : start + length].rstrip("=")
