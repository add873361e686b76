"""The step type `notify`: a message to people, by whatever service they read.

The library is Apprise, which knows more than a hundred services, each by a URL. It is an optional extra: it brings
its own HTTP client, and most jobs tell nobody. It is imported when a step starts, and works in a thread.
"""

import logging
import re
from typing import Literal

from quaero_cli.steps.contract import StepContext, StepFailed

# The type of a URL is told in errors, never the rest of it: a token or a password stands there.
_SCHEME = re.compile(r"[A-Za-z0-9]{1,20}(?=://)")


async def notify(
    ctx: StepContext,
    *,
    urls: str | list[str],
    body: str,
    title: str = "",
    kind: Literal["info", "success", "warning", "failure"] = "info",
) -> None:
    """Send a message to chats, mailboxes and phones, by Apprise: https://appriseit.com/services/ lists the URLs.

    Needs the extra: pip install 'quaero[notify]'. The step fails when one of the URLs is none, or a service does not
    take the message; the others have it then. Keep the URLs in [secrets]: they hold passwords and tokens.

    urls: where to, such as "slack://…", "mailtos://…" or "json://host/path", one or a list
    body: the text
    title: what stands above it, where the service has that
    kind: how it is marked, where the service has that
    """
    import trio  # the types are listed without it

    wanted = [urls] if isinstance(urls, str) else urls
    if not wanted:
        raise StepFailed("urls is empty", hint="name at least one service")
    # Left behind when the step is cancelled: the library's own time limits end it.
    failed = await trio.to_thread.run_sync(_send, wanted, body, title, kind, abandon_on_cancel=True)
    for problem in failed:
        ctx.log.error(problem)
    if failed:
        raise StepFailed(f"{len(failed)} of {len(wanted)} messages could not be sent")
    ctx.log.info(f"Sent {len(wanted)} message{'s' if len(wanted) > 1 else ''}", title=title)


def _send(urls: list[str], body: str, title: str, kind: str) -> list[str]:
    """Send to one after the other; return what went wrong. Raises StepFailed when the library is missing."""
    try:
        import apprise
    except ImportError as error:
        raise StepFailed("needs Apprise, which is not installed", hint="pip install 'quaero[notify]'") from error
    failed = []
    for number, url in enumerate(urls, 1):
        service = apprise.Apprise()
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
            sent = service.add(url) and service.notify(body=body, title=title, notify_type=kind)
            why = " ".join(said.getvalue().split())
        if not sent:
            scheme = _SCHEME.match(url)
            where = f"{scheme[0]}://…" if scheme else "not a URL of a service"
            failed.append(f"Message {number} ({where}) was not sent" + (f": {why}" if why else ""))
    return failed
