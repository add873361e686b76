"""The program's entry: `quaero`, `python -m quaero_cli`. Errors become one line here, and nowhere else."""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:  # answered before anything is imported
        from quaero_cli import __version__

        print(f"quaero {__version__}")
        return
    try:
        from quaero_cli.cli.app import run_command_line

        sys.exit(run_command_line())
    except KeyboardInterrupt:  # before the command could listen for it: nothing has begun
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
