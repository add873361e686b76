"""Which request heads are refused before any application is asked, and in which words. Pure."""

import h11

from quaero_cli.server.limits import Limits


def refusal(request: h11.Request, limits: Limits) -> int | None:
    """Return the status with which a request is refused, or None."""
    if len(request.target) > limits.target_bytes:
        return 414
    if not request.target.startswith(b"/") or request.target.startswith(b"//"):
        return 400  # another server's, or a second spelling of a path
    headers = list(request.headers)
    size = sum(len(name) + len(value) + len(b": \r\n") for name, value in headers)
    if len(headers) > limits.header_count or size > limits.header_bytes:
        return 431
    lengths = [int(value) for name, value in headers if name == b"content-length"]  # h11 lets digits through only
    if lengths and any(name == b"transfer-encoding" for name, _ in headers):
        return 400  # two lengths: a proxy before us may have believed the other one
    return 413 if any(length > limits.body_bytes for length in lengths) else None


def reason(status: int, limits: Limits) -> tuple[str, str]:
    """Return what went wrong and what is allowed."""
    if status == 413:
        return "the body is too large", f"at most {limits.body_bytes} bytes"
    if status == 414:
        return "the URL is too long", f"at most {limits.target_bytes} bytes"
    if status == 431:
        return "the headers are too large", f"at most {limits.header_count} fields and {limits.header_bytes} bytes"
    return "the request is malformed", "HTTP/1.1, one Host, a path as the target, and one way to tell the length"
