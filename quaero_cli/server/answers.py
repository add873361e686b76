"""Bodies and headers of answers that are not a page: JSON, and errors in one shape. Pure.

Every error of the API is `{"error": what is wrong, "hint": the way out}`.
"""

from quaero_cli.server.encode import to_json
from quaero_cli.server.security import RESPONSE_HEADERS

JSON_TYPE = "application/json"
# For answers made without the web framework.
BARE_HEADERS = [
    (b"content-type", JSON_TYPE.encode()),
    (b"cache-control", b"no-store"),
    *RESPONSE_HEADERS,
]


def error_body(error: str, hint: str | None = None, **more: object) -> bytes:
    """Return the body of an error."""
    return to_json({"error": error, "hint": hint, **more})
