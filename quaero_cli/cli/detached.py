"""The process of a detached job (`python -m quaero_cli.cli.detached`), started by `detach` and by nobody else.

Reads the job from stdin; answers on stdout, once, with a JSON object: the stored job's ID, or the error that kept it
from being stored. Then it lets go of its parent's streams, and runs the job.
"""

import os
import sys
from contextlib import suppress

import orjson

from quaero_cli.cli.streams import open_standard_streams
from quaero_cli.errors import QuaeroError


def main() -> None:
    """Run the job that stdin holds."""
    from pathlib import Path

    from quaero_cli.cli.loop import run_loop
    from quaero_cli.session.detached import run_detached, unpack
    from quaero_cli.session.handle import Handle
    from quaero_cli.settings import Settings
    from quaero_cli.steps.registry import load_step_types

    open_standard_streams()  # what takes the place of a closed one, a lock or the database, `_answer` would let go of
    told = False

    def tell(answer: dict[str, object]) -> None:
        nonlocal told
        if not told:
            told = True
            _answer(answer)

    def stored(handle: Handle) -> None:
        tell({"job_id": handle.id, "status": str(handle.status), "pid": os.getpid()})

    try:
        request = orjson.loads(sys.stdin.buffer.read())
        types = load_step_types()
        prepared = unpack(orjson.dumps(request["job"]), types)
        settings = Settings(home=Path(request["home"]))
        environment = dict(os.environ)
        run_loop(lambda: run_detached(settings, prepared, stored, environment=environment, step_types=types))
    except QuaeroError as error:
        tell({"error": error.message, "hint": error.hint, "exit_code": error.exit_code})
    except Exception as error:
        tell({"error": f"{type(error).__name__}: {error}", "hint": None, "exit_code": 1})


def _answer(answer: dict[str, object]) -> None:
    """Answer, and let go of the parent's streams; it waits for the end of stdout."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    with suppress(OSError):  # it was killed; the job is stored, and goes on
        os.write(1, orjson.dumps(answer))
    os.dup2(null, 1)
    os.close(null)


if __name__ == "__main__":
    main()
