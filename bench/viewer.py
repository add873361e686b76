"""`viewer`: the viewer in a real, headless Chromium: its list of entries, a job that runs, a job of a million.

Three parts, see viewer/tests/bench.mjs. The peer is what one writes first: Alpine's `x-for` over the newest thousand
entries, in the same browser, fed in the same way. The floor is an empty page in the same run: with two cores for the
browser, the server and the writer, and no graphics processor, it tells what a page could have at all.

What people are to have is judged in a whole run, on a machine that does nothing else; a smoke run judges what holds
on any machine, and the ratio to the peer.
"""

from functools import partial
from typing import Any

from bench.browser import browse
from bench.homes import Home, Server, ending, finish_child, new_home, start_child
from bench.pages import JOB, fill
from bench.verdict import Fact, Figure, Ratio, Result

_RATE, _BURST_RATE = 20_000, 50_000  # entries a second
_FULL = {"seconds": 60, "burst": 10, "peer": 10, "lines": 1_000_000, "repeats": 5, "live": 15, "scroll": 4}
_SMOKE = {"seconds": 2, "burst": 1, "peer": 2, "lines": 50_000, "repeats": 2, "live": 2, "scroll": 1}
_LIVE_RATE = 1000

# Measured on two busy cores: 0.09 (60 frames a second against 5).
FRAME_TARGET = 0.5
# Measured: 1.0 at both rates on quiet cores.
IDLE_TARGET = 1.15
# What a page may hold, however long the log is; bytes that a first visit may take.
MOST_NODES, MOST_HEAP, MOST_BYTES = 1500, 60, 100 * 1024
# Growth of what lives from the first half of a run to the second, in MB: the window is full after half a second.
MOST_GROWTH = 3.0
LEAST_FRAMES = 55
# Milliseconds that people do not notice, or do not mind: of one task, of being behind, from commit to screen, from a
# navigation to the end of a log, to a line after a jump, until keys and buttons work.
MOST_TASK, MOST_BEHIND, MOST_LATE = 50, 1000, {"p50": 120, "p99": 300}
MOST_END, MOST_JUMP, MOST_READY = 400, 200, 250


def measure(smoke: bool) -> Result:
    """Measure the parts one after the other."""
    size = _SMOKE if smoke else _FULL
    result = Result("viewer")
    with new_home() as home:
        fill(home, size["lines"])
        with home.serving() as server:
            _lists(result, server, size, smoke=smoke)
            _live(result, home, server, size, smoke=smoke)
            _pages(result, server, size, smoke=smoke)
    return result


def _goal(result: Result, what: str, value: float, unit: str, bound: float, *, smoke: bool) -> None:
    """Judge a value that may be `bound` at most; a smoke run tells it."""
    if smoke:
        result.figures.append(Figure(what, value, unit))
    else:
        result.facts.append(Fact(f"{what}: {value:,.1f} {unit}, at most {bound:g}", value <= bound))


def _frames(result: Result, what: str, frames: float, *, smoke: bool) -> None:
    """Judge a number of frames a second; a smoke run tells it."""
    if smoke:
        result.figures.append(Figure(f"{what}: frames a second", frames, ""))
    else:
        words = f"{what}: {frames:.1f} frames a second, at least {LEAST_FRAMES}"
        result.facts.append(Fact(words, frames >= LEAST_FRAMES))


def _against_idle(result: Result, what: str, ours: dict[str, float], idle: dict[str, float], *, smoke: bool) -> None:
    """In a smoke run other work on the machine costs a page that does something more than one that does nothing."""
    if not smoke:
        took, least = 1000 / ours["frames"], 1000 / idle["frames"]
        result.ratios.append(Ratio(what, "an empty page", took, least, "ms", IDLE_TARGET))


def _lists(result: Result, server: Server, size: dict[str, int], *, smoke: bool) -> None:
    runs = [("empty", _RATE, size["peer"]), ("ours", _RATE, size["seconds"]), ("naive", _RATE, size["peer"]),
            ("ours", _BURST_RATE, size["burst"])]  # fmt: skip
    empty, ours, naive, burst = browse("lists", server, lists=runs)
    result.ratios += [
        Ratio(f"a frame at {_RATE:,} entries/s", "with x-for", 1000 / ours["frames"], 1000 / naive["frames"], "ms",
              FRAME_TARGET)
    ]  # fmt: skip
    _against_idle(result, f"a frame at {_RATE:,} entries/s", ours, empty, smoke=smoke)
    nodes, heap = max(ours["nodes"], burst["nodes"]), max(ours["heap"], burst["heap"])
    result.facts += [
        Fact(f"fewer than {MOST_NODES:,} elements ({nodes})", nodes < MOST_NODES),
        Fact(f"heap below {MOST_HEAP} MB ({heap:.0f})", heap < MOST_HEAP),
    ]
    _goal(result, "growth while it is fed", ours["growth"], "MB", MOST_GROWTH, smoke=smoke)
    for name, run in ((f"{_RATE:,}/s", ours), (f"{_BURST_RATE:,}/s", burst)):
        _frames(result, name, run["frames"], smoke=smoke)
        _goal(result, f"{name}: longest task", run["longest"], "ms", MOST_TASK, smoke=smoke)
        _goal(result, f"{name}: most behind", run["late"], "ms", MOST_BEHIND, smoke=smoke)
        result.figures.append(Figure(f"{name}: processor time of the page", 100 * run["busy"], "%"))
    result.figures += [
        Figure("frames a second of an empty page", empty["frames"], ""),
        Figure("frames a second with x-for", naive["frames"], ""),
    ]


def _live(result: Result, home: Home, server: Server, size: dict[str, int], *, smoke: bool) -> None:
    """The whole way: a process that writes, a server that reads, the page."""
    usual, flood = (_follow(home, server, rate, size["live"]) for rate in (_LIVE_RATE, _RATE))
    lines = _LIVE_RATE * size["live"] - 1  # the first was there before
    result.facts.append(Fact(f"all of {lines:,} live entries were painted", usual["seen"] >= lines))
    for what, most in MOST_LATE.items():
        _goal(result, f"from commit to screen at {_LIVE_RATE:,}/s, {what}", usual[what], "ms", most, smoke=smoke)
    result.figures += [
        Figure(f"from commit to screen at {_RATE:,}/s, p50", flood["p50"], "ms"),
        Figure(f"from commit to screen at {_RATE:,}/s, the latest", flood["most"], "ms"),
        Figure(f"live at {_RATE:,}/s: frames a second", flood["frames"], ""),
        Figure(f"live at {_RATE:,}/s: longest task", flood["longest"], "ms"),
        Figure(f"live at {_RATE:,}/s: processor time of the page", 100 * flood["busy"], "%"),
    ]


def _follow(home: Home, server: Server, rate: int, seconds: int) -> dict[str, float]:
    """Watch a job that logs at this rate."""
    job = f"live{rate}"
    with ending(start_child("steady_load", home.data, job, rate, seconds)) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()  # it is ready
        begin = partial(print, file=writer.stdin, flush=True)
        seen: dict[str, float] = browse("live", server, begin, job=job, lines=rate * seconds)
        finish_child(writer)
    return seen


def _pages(result: Result, server: Server, size: dict[str, int], *, smoke: bool) -> None:
    number = size["lines"]
    found: dict[str, Any] = browse(
        "pages", server, job=JOB, lines=number, repeats=size["repeats"], scroll=size["scroll"]
    )
    weight = sum(found["weights"].values())
    result.facts.append(
        Fact(f"all assets below {MOST_BYTES // 1024} KB in gzip ({weight:,} bytes)", weight < MOST_BYTES)
    )
    scrolled, idle = found["scrolled"], found["idle"]
    _against_idle(result, "a frame while scrolling", scrolled, idle, smoke=smoke)
    _goal(result, f"the end of {number:,} entries painted", found["end"], "ms", MOST_END, smoke=smoke)
    _goal(result, "a line painted after a jump", found["jump"], "ms", MOST_JUMP, smoke=smoke)
    _goal(result, "interactive", found["interactive"], "ms", MOST_READY, smoke=smoke)
    _frames(result, "scrolling", scrolled["frames"], smoke=smoke)
    result.figures += [
        Figure("scrolling: longest task", scrolled["longest"], "ms"),
        Figure("scrolling: frames without rows", scrolled["blank"], ""),
        Figure("the slowest jump", found["slowestJump"], "ms"),
        Figure("a picture alone painted", found["floor"], "ms"),
        Figure("processor time until the end was painted", found["endBusy"], "ms"),
    ]
