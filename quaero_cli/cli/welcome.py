"""`quaero` alone and `quaero --version`: said at once, since nothing more is imported."""

import os
import sys

WELCOME = """\
quaero runs jobs, stores every line they write, and shows them live: in this terminal, in any other, in the browser.

Try these:
  quaero run hello            run a job and watch it
  quaero tail last            read its log again; it follows a job that runs, from any terminal
  quaero serve --open         see all jobs in the browser, and start others there

Then look around:
  quaero defs                 what can be run: news-crawler is one
  quaero new my-job           a job of your own, to begin with
  quaero doctor               whether quaero has all it needs here
  quaero --help               all commands
"""


def welcome() -> None:
    """Say it on stdout; that nobody listens is no failure."""
    say(WELCOME)


def say(text: str) -> None:
    """Write a text to stdout, now; that nobody listens is no failure."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:  # or Python would complain of it once more, at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
