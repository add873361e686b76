"""The program's entry: `quaero`, `python -m quaero_cli`. Errors become one line here, and nowhere else."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:  # answered before anything is imported
        from quaero_cli import __version__

        print(f"quaero {__version__}")
        return
    from quaero_cli.cli.app import run_command_line

    sys.exit(run_command_line())


if __name__ == "__main__":
    main()
