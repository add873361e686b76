"""The process's standard streams, before anything else of it is opened."""

import os
import sys


def open_standard_streams() -> None:
    """Put /dev/null where the parent closed a stream, before the database or a lock gets that number.

    Children inherit it like any stream: one that finds its stderr closed would have the same trouble.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null == descriptor:
                os.set_inheritable(descriptor, True)
            else:
                os.dup2(null, descriptor)
                os.close(null)
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 - for as long as we live
