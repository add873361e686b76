"""The program's entry: `quaero`, `python -m quaero_cli`. Errors become one line here, and nowhere else."""

import os
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:  # answered before anything is imported
        from quaero_cli import __version__
        from quaero_cli.cli.welcome import say

        say(f"quaero {__version__}\n")
        return
    if len(sys.argv) == 1 and "_QUAERO_COMPLETE" not in os.environ:  # that is a shell that asks for completions
        from quaero_cli.cli.welcome import welcome

        welcome()
        return
    try:
        from quaero_cli.cli.app import run_command_line

        code = run_command_line()
        if "signal" in sys.modules:
            _turn_deaf()
        sys.exit(code)
    except KeyboardInterrupt:  # before the command could listen for it: nothing has begun
        sys.exit(_INTERRUPTED)


def _turn_deaf() -> None:
    """The command has ended: a Ctrl-C while Python tidies up would change its exit code, and print a traceback."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
