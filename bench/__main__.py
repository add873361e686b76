"""The command: which benchmarks, how large, and the exit code."""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence

from bench import report
from bench.machine import describe
from bench.verdict import Result

# In the order in which they run: what is quick to break comes first.
NAMES = (
    "startup",
    "engine",
    "call",
    "ingest",
    "pages",
    "terminal",
    "stream",
    "fanout",
    "viewer",
    "schedule",
    "cluster",
    "crawl",
    "quality",
)
USAGE_ERROR = 2

Measure = Callable[[bool], Result]


def main(arguments: Sequence[str] | None = None, find: Callable[[str], Measure] | None = None) -> int:
    """Run the benchmarks that `arguments` name (all without any) and return the exit code."""
    try:
        asked = _parser().parse_args(arguments)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else USAGE_ERROR
    names = list(dict.fromkeys(asked.names)) or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"error: no benchmark {unknown[0]!r}\nhint: one of: {', '.join(NAMES)}", file=sys.stderr)
        return USAGE_ERROR
    machine = describe()
    words = sys.stderr if asked.json else sys.stdout
    print(report.heading(machine, smoke=asked.smoke), file=words, flush=True)
    results = []
    for name in names:
        results.append(_run(name, find or _find, smoke=asked.smoke))
        if asked.smoke and results[-1].only_slow():
            # So small a run is over before a neighbour's burst of work is: only what is slow twice is slow.
            print(f"{report.as_text(results[-1], smoke=True)}measured again:", file=words, flush=True)
            results[-1] = _run(name, find or _find, smoke=True)
        print(report.as_text(results[-1], smoke=asked.smoke), file=words, flush=True)
    if asked.json:
        print(json.dumps(report.as_json(machine, results, smoke=asked.smoke)))
    return 0 if all(result.holds(asked.smoke) for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure quaero against floors and peers of the same run."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--smoke", action="store_true", help="small runs, judged by three times the targets")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    return parser


def _find(name: str) -> Measure:
    measure: Measure = importlib.import_module(f"bench.{name}").measure
    return measure


def _run(name: str, find: Callable[[str], Measure], *, smoke: bool) -> Result:
    """Run one benchmark; one that breaks is a result, too, and the others still run."""
    began = time.perf_counter()
    try:
        result = find(name)(smoke)
    except Exception as error:
        result = Result(name, error=f"{type(error).__name__}: {error}")
    result.seconds = time.perf_counter() - began
    return result


if __name__ == "__main__":
    sys.exit(main())
