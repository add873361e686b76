"""A run as a table for people, and as JSON for machines. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from bench.machine import Machine
from bench.verdict import Promise, Ratio, Result

_OK, _BAD = "ok", "FAILED"


def heading(machine: Machine, *, smoke: bool) -> str:
    """Return the lines above all: what was measured on."""
    mode = "smoke run: small, judged by three times the targets" if smoke else "whole run, judged by the targets"
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb:g} GB, {machine.system}\n"
        f"Python {machine.python}, SQLite {machine.sqlite}, load {machine.load:g}; {mode}\n"
    )


def as_text(result: Result, *, smoke: bool) -> str:
    """Return one benchmark's findings as an aligned block."""
    verdict = _OK if result.holds(smoke) else _BAD
    lines = [f"{result.name}: {verdict} ({result.seconds:.0f} s)"]
    if result.error is not None:
        lines.append(f"  broke: {result.error}")
    rows = [_ratio_row(ratio, smoke) for ratio in result.ratios]
    rows += [_promise_row(promise, smoke) for promise in result.promises]
    rows += [(fact.what, "", "", "", _OK if fact.holds else _BAD) for fact in result.facts]
    rows += [(figure.what, _number(figure.value, figure.unit), "", "", "") for figure in result.figures]
    peers = [ratio.peer for ratio in result.ratios] + [promise.peer for promise in result.promises]
    notes = [f"  note: {note}" for note in result.notes]
    return "\n".join([*lines, *_with_peers(_aligned(rows), peers), *notes]) + "\n"


def _with_peers(rows: Iterable[str], peers: Sequence[str]) -> Iterable[str]:
    """Say below each row, or below those that have the same, what the best peer is known to do."""
    for place, row in enumerate(rows):
        yield row
        peer, following = [*peers[place : place + 2], "", ""][:2]
        if peer and peer != following:
            yield f"    others: {peer}"


def _ratio_row(ratio: Ratio, smoke: bool) -> tuple[str, ...]:
    return (
        ratio.what,
        _number(ratio.ours, ratio.unit),
        f"{ratio.against}: {_number(ratio.floor, ratio.unit)}",
        f"{ratio.value:.2f}x, at most {ratio.bound(smoke):g}x",
        _OK if ratio.holds(smoke) else _BAD,
    )


def _promise_row(promise: Promise, smoke: bool) -> tuple[str, ...]:
    return (
        promise.what,
        _number(promise.value, promise.unit),
        "",
        f"at most {_number(promise.most, promise.unit)}" + (", not judged" if smoke else ""),
        _OK if promise.value <= promise.most else "missed" if smoke else _BAD,
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _number(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{shown} {unit}".strip()


def as_json(machine: Machine, results: Sequence[Result], *, smoke: bool) -> dict[str, Any]:
    """Return a whole run as plain data."""
    return {
        "machine": asdict(machine),
        "smoke": smoke,
        "ok": all(result.holds(smoke) for result in results),
        "benchmarks": [_plain(result, smoke) for result in results],
    }


def _plain(result: Result, smoke: bool) -> dict[str, Any]:
    return {
        "name": result.name,
        "ok": result.holds(smoke),
        "seconds": round(result.seconds, 1),
        "error": result.error,
        "ratios": [
            {**asdict(ratio), "ratio": ratio.value, "bound": ratio.bound(smoke), "ok": ratio.holds(smoke)}
            for ratio in result.ratios
        ],
        "promises": [{**asdict(promise), "ok": promise.holds(smoke)} for promise in result.promises],
        "facts": [{"what": fact.what, "ok": fact.holds} for fact in result.facts],
        "figures": [asdict(figure) for figure in result.figures],
        "notes": result.notes,
    }
