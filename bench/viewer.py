"""`viewer`: the list of entries in a real, headless Chromium, fed with 20,000 entries a second.

The peer is what one writes first: Alpine's `x-for` over the newest thousand entries, in the same browser, fed in the
same way. Frames count those that the page got; a frame is 17 ms when nothing holds it up.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from bench.homes import new_home
from bench.verdict import Fact, Figure, Ratio, Result

_VIEWER = Path(__file__).resolve().parent.parent / "viewer"
_FULL = (20, 20_000)  # seconds for each list, entries a second
_SMOKE = (3, 20_000)
# Measured: 0.09 on two busy cores (60 frames a second against 5).
FRAME_TARGET = 0.5
# What a page may hold, however long the log is.
MOST_NODES = 1500
_LIMIT = 300.0  # seconds after which the browser hangs


def measure(smoke: bool) -> Result:
    """Feed both lists, one after the other."""
    seconds, rate = _SMOKE if smoke else _FULL
    with new_home() as home:
        home.run("jobs")  # makes the database
        with home.serving() as server:
            found = _browse(f"http://127.0.0.1:{server.port}", seconds, rate)
    ours, naive = found["ours"], found["naive"]
    result = Result("viewer")
    result.ratios = [
        Ratio(f"a frame at {rate:,} entries/s", "with x-for", 1000 / ours["frames"], 1000 / naive["frames"], "ms",
              FRAME_TARGET),
    ]  # fmt: skip
    result.facts = [Fact(f"the page has fewer than {MOST_NODES:,} elements", ours["nodes"] < MOST_NODES)]
    result.figures = [
        Figure("frames a second", ours["frames"], ""),
        Figure("the same with x-for", naive["frames"], ""),
        Figure("longest task", ours["longest"], "ms"),
        Figure("tasks over 50 ms", ours["over50"], ""),
        Figure("elements in the page", ours["nodes"], ""),
        Figure("heap at the end", ours["heap"], "MB"),
        Figure("heap, second half against first", ours["growth"], "MB"),
        Figure("entries fed", ours["fed"], ""),
    ]
    return result


def _browse(url: str, seconds: int, rate: int) -> dict[str, dict[str, float]]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("Chromium is missing: just browser")
    told = {"QUAERO_URL": url, "QUAERO_CHROMIUM": chromium, "QUAERO_SECONDS": str(seconds), "QUAERO_RATE": str(rate)}
    done = subprocess.run(
        ["node", "tests/bench.mjs"], cwd=_VIEWER, env={**os.environ, **told}, capture_output=True, text=True,
        timeout=_LIMIT, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "node failed")
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found
