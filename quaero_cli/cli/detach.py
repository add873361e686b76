"""Handing a job to a process that goes on without the terminal, and waiting until that one has stored it."""

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from quaero_cli.cli import common
from quaero_cli.errors import QuaeroError

if TYPE_CHECKING:
    from quaero_cli.session.prepare import Prepared
    from quaero_cli.settings import Settings

# `-P`: the folder we are in must not lend its modules to a process that did not ask for them.
_COMMAND = (sys.executable, "-P", "-m", "quaero_cli.cli.detached")


def detach(settings: "Settings", prepared: "Prepared", *, json: bool) -> None:
    """Start the job in a session of its own and print its ID. Raises what kept it from being stored."""
    import orjson

    from quaero_cli.session.detached import pack

    request = orjson.dumps({"home": str(settings.home), "job": orjson.Fragment(pack(prepared))})
    child = subprocess.Popen([*_COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        answer = _ask(child, request)
    except KeyboardInterrupt:
        child.terminate()
        raise
    report = orjson.loads(answer or b"{}")
    if "job_id" not in report:
        raise _error(report)
    if json:
        common.out().write(orjson.dumps(report).decode() + "\n")
        return
    common.out().write(f"{report['job_id']}\n")
    common.err().write(f"hint: follow it with: quaero tail {report['job_id']}\n")


def _ask(child: subprocess.Popen[bytes], request: bytes) -> bytes:
    """Hand the job over and return the answer: the child closes its end once it has answered, and lives on."""
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(BrokenPipeError):  # it has died already: it says nothing
        child.stdin.write(request)
        child.stdin.close()
    with child.stdout:
        return child.stdout.read()


def _error(report: dict[str, object]) -> QuaeroError:
    hint = report.get("hint")
    error = QuaeroError(
        str(report.get("error", "the process of the job ended without a word")),
        hint=None if hint is None else str(hint),
    )
    code = report.get("exit_code")
    error.exit_code = code if isinstance(code, int) else error.exit_code
    return error
