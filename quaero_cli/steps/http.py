"""The step type `http`: one request, and what is expected of its answer.

Its parts are in `quaero_cli/httpcall/`; they are imported when a step starts, so that listing step types is quick.
"""

import json as json_module
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from quaero_cli import __version__
from quaero_cli.jobdef.model import Checked, Excludes
from quaero_cli.jobdef.oneline import is_header_name, is_header_value
from quaero_cli.steps.contract import StepContext, StepFailed

if TYPE_CHECKING:
    from quaero_cli.httpcall.call import Answer, Request

# Seconds for the whole when the step has no `timeout`: an answer that takes longer is rarely worth waiting for.
DEFAULT_SECONDS = 60.0
# Characters of an unexpected answer that are logged: what servers write into errors.
_LOGGED_BODY = 500

_METHOD = re.compile(r"[A-Z]{1,20}")
_TAKE_OUT = "take it out; of a file's text, its last line break"


def _check_url(_option: str, url: str) -> None:
    from quaero_cli.httpcall.call import shown_url

    shown_url(url)


def _check_method(_option: str, method: str) -> None:
    if not _METHOD.fullmatch(method.upper()):
        raise StepFailed(f"{method!r} is no HTTP method", hint="GET, POST, PUT, PATCH, DELETE, HEAD or another word")


def _check_headers(_option: str, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not is_header_name(name):
            raise StepFailed(
                f"{name!r} cannot be the name of a header", hint="letters, digits and -, like X-Request-Id"
            )
        if not is_header_value(value):
            raise StepFailed(f"the header {name} holds a line break or another control character", hint=_TAKE_OUT)


async def http(
    ctx: StepContext,
    *,
    url: Annotated[str, Checked(_check_url)],
    method: Annotated[str, Checked(_check_method)] | None = None,
    headers: Annotated[dict[str, str], Checked(_check_headers)] | None = None,
    body: str | None = None,
    json: Annotated[object, Excludes("body")] = None,
    expect_status: int | list[int] | None = None,
    expect_json: dict[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Send an HTTP request, and fail unless the answer is what is expected.

    The step's `timeout` is that of the request; without it, one minute. Redirects are not followed, certificates are
    checked, and no proxy is used. Use `retries` for a service that may not be up yet.

    Outputs: `status`, `headers` (names in lower case), `body` (text, at most 1 MiB), and `json` when the answer is
    JSON.

    url: where to, http or https
    method: GET, or POST where there is a body, unless it says otherwise
    headers: more headers, by name
    body: a text to send
    json: a value to send as JSON
    expect_status: the status that is expected, or a list of them; any of 200 to 299 unless it says otherwise
    expect_json: what the answer must hold: names, or paths such as "items.0.id", with their values
    """
    from quaero_cli.httpcall.call import Request, send, shown_url

    where = shown_url(url)
    content = body.encode() if body is not None else None if json is None else json_module.dumps(json).encode()
    request = Request(url, _method(method, content), _headers(headers or {}, is_json=json is not None), content)
    begun = f"{request.method} {where}"
    try:
        answer = await send(request, timeout=DEFAULT_SECONDS if ctx.timeout is None else None)
    except StepFailed as error:
        raise StepFailed(f"{begun}: {error.message}", hint=error.hint) from error
    text = _text(ctx, answer)
    outputs = {"status": answer.status, "headers": dict(answer.headers), "body": text}
    problem = _difference(answer, text, _listed(expect_status), expect_json, outputs)
    _log(ctx, request, where, answer, None if problem is None else text)
    if problem is not None:
        raise StepFailed(f"{begun}: {problem}", hint=_redirect_hint(answer))
    return outputs


def _method(method: str | None, content: bytes | None) -> str:
    return (method or ("GET" if content is None else "POST")).upper()


def _headers(headers: Mapping[str, str], *, is_json: bool) -> dict[str, str]:
    usual = {"user-agent": f"quaero/{__version__}", "accept": "*/*"}
    if is_json:
        usual["content-type"] = "application/json"
    return {**usual, **{name.lower(): value for name, value in headers.items()}}


def _listed(status: int | list[int] | None) -> list[int]:
    return [] if status is None else [status] if isinstance(status, int) else status


def _text(ctx: StepContext, answer: "Answer") -> str:
    """The body as text; of one that was cut without the beginning of a secret at its end."""
    text = answer.body.decode(errors="backslashreplace").replace("\0", "\\x00")
    return ctx.mask.text_stream().feed(text) if answer.truncated and ctx.mask is not None else text


def _difference(
    answer: "Answer",
    text: str,
    statuses: list[int],
    expected: Mapping[str, Any] | None,
    outputs: dict[str, Any],
) -> str | None:
    """Return why the answer is not what is expected. Adds the output `json` where there is one."""
    from quaero_cli.httpcall.expect import json_difference, status_difference

    problem = status_difference(answer.status, statuses)
    if answer.is_json or expected is not None:
        try:
            outputs["json"] = json_module.loads(text)
        except (ValueError, RecursionError) as error:
            if expected is not None:
                cut = ": it is larger than 1 MiB" if answer.truncated else f": {error}"
                problem = problem or f"the answer is no JSON{cut}"
            return problem
    return problem or (None if expected is None else json_difference(outputs["json"], expected))


def _log(ctx: StepContext, request: "Request", where: str, answer: "Answer", unexpected: str | None) -> None:
    """One entry for the request; of an answer that was not expected with its beginning."""
    fields: dict[str, Any] = {
        "method": request.method,
        "url": where,
        "status": answer.status,
        "bytes": len(answer.body),
        "duration_ms": round(answer.seconds * 1000),
    }
    if answer.truncated:
        fields["truncated"] = True
    message = f"{request.method} {where} {answer.status}"
    if unexpected is None:
        ctx.log.info(message, **fields)
    else:
        body = unexpected if ctx.mask is None else ctx.mask.text(unexpected)
        ctx.log.warn(message, **fields, body=body[:_LOGGED_BODY])


def _redirect_hint(answer: "Answer") -> str | None:
    target = answer.headers.get("location")
    return f"it leads to {target}; redirects are not followed" if target and 300 <= answer.status < 400 else None
