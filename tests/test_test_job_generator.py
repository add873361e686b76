"""steps/test_job_generator.py: the number of entries is what the viewer and the load tests rely on."""

import math
from collections import Counter

import pytest
import trio
from fakes import FakeContext
from trio.testing import MockClock

from quaero_cli.model import Level
from quaero_cli.steps import test_job_generator as module  # the function's name would make pytest run it
from quaero_cli.steps.contract import StepFailed

generate = module.test_job_generator


@pytest.mark.parametrize(
    ("options", "workers", "entries", "seconds"),
    [
        ((5, 50, 10, 0.1, 0, 0), 5, 265, 0.5),
        ((3, 1200, 5, 0.05, 0, 0), 3, 3609, 6),
        ((2, 300, 500, 0.0, 0, 0), 2, 606, 150),
        ((3, 20, 50, 0.2, 2, 2), 15, 204, 1.75),
        ((2, 10, 1, 1.0, 5, 9), 2 + 10 + 20 + 20, 2 * 14 + 10 * 9 + 20 * 6 + 20 * 4, 0.018),
        ((1, 0, 50, 0.0, 0, 3), 1, 3, 0),
        ((0, 10, 50, 0.0, 2, 3), 0, 0, 0),
    ],
)
async def test_counts_are_exact(tmp_path, autojump_clock: MockClock, options, workers, entries, seconds):
    """A load test could not tell a lost entry from one that was never written."""
    names = ("worker_count", "log_count", "log_delay_ms", "failure_rate", "child_count", "recursion_depth")
    ctx = FakeContext(tmp_path)
    begin = trio.current_time()
    await generate(ctx, **dict(zip(names, options, strict=True)))
    assert len(ctx.workers) == workers
    assert sum(line.worker is not None and line.level >= Level.INFO for line in ctx.lines) == entries
    assert ctx.messages(worker=None) == [f"Created {options[0]} test job generator jobs"]
    assert math.isclose(trio.current_time() - begin, seconds, abs_tol=0.002)


async def test_entries_of_a_worker(tmp_path):
    """The lines would not say what a worker did."""
    ctx = FakeContext(tmp_path, step_name="load")
    await generate(
        ctx, worker_count=1, log_count=2, log_delay_ms=0, failure_rate=0.0, child_count=1, recursion_depth=1, seed=1
    )
    first, *items, summary, spawned, last = ctx.worker_lines(1)
    assert first.message == "[SIMULATED] Starting: 2 logs, 0 ms delay, 0% failure rate"
    assert [item.message for item in items] == [f"[SIMULATED] load/fakejob1: Processing item {n}/2" for n in (1, 2)]
    assert [item.fields for item in items] == [{"item": 1, "of": 2}, {"item": 2, "of": 2}]
    assert summary.message == "[SIMULATED] Log summary: INF=2, WRN=0, ERR=0"
    assert spawned.message == "[SIMULATED] Spawned 1 child jobs"
    assert last.message == "[SIMULATED] Completed successfully: 1 children spawned"
    assert [worker.label for worker in ctx.workers] == ["Test Job Generator Worker 1", "Test Job Generator Child 1.1"]


async def test_failing_workers_spawn_first_and_say_so(tmp_path):
    """A failed worker would be silent, or its children would be missing."""
    ctx = FakeContext(tmp_path)
    await generate(
        ctx, worker_count=2, log_count=1, log_delay_ms=0, failure_rate=1.0, child_count=1, recursion_depth=1
    )
    assert [worker.status for worker in ctx.workers] == ["failed"] * 4
    assert all(isinstance(worker.error, StepFailed) for worker in ctx.workers)
    for number in range(1, 5):
        last = ctx.worker_lines(number)[-1]
        assert (last.level, last.message) == (
            Level.ERROR,
            "[SIMULATED] Failure triggered by failure_rate configuration",
        )


async def run_with(tmp_path, seed: int | None, concurrency: int) -> Counter:
    """What each worker, known by its place in the tree, wrote and how it ended."""
    ctx = FakeContext(tmp_path, concurrency=concurrency)
    await generate(
        ctx,
        worker_count=4,
        log_count=40,
        log_delay_ms=0,
        failure_rate=0.5,
        child_count=2,
        recursion_depth=2,
        seed=seed,
    )
    return Counter(
        (worker.label, worker.status, tuple((line.level, line.message) for line in ctx.worker_lines(worker.number)))
        for worker in ctx.workers
    )


async def test_a_seed_reproduces(tmp_path):
    """A failure that was seen once could not be seen again."""
    first = await run_with(tmp_path, 7, 0)
    assert await run_with(tmp_path, 7, 0) == first
    assert await run_with(tmp_path, 7, 1) == first, "concurrency must not matter"
    assert await run_with(tmp_path, 8, 0) != first
    assert await run_with(tmp_path, None, 0) != await run_with(tmp_path, None, 0)


async def test_levels_have_their_shares(tmp_path):
    """The load would not look like the one that is described."""
    ctx = FakeContext(tmp_path)
    await generate(ctx, worker_count=20, log_count=1000, log_delay_ms=0, failure_rate=0.1, child_count=0, seed=1)
    counts = Counter(line.level for line in ctx.lines if "item" in line.fields)
    for level, share in ((Level.INFO, 0.80), (Level.WARN, 0.15), (Level.ERROR, 0.05)):
        assert abs(counts[level] / 20_000 - share) < 0.01


async def test_all_workers_run_at_once(tmp_path):
    """It could not show what 301 parallel workers do."""
    assert module.DEFAULT_CONCURRENCY == 0
    ctx = FakeContext(tmp_path, concurrency=module.DEFAULT_CONCURRENCY)
    await generate(ctx, worker_count=301, log_count=2, log_delay_ms=1, failure_rate=0.0, child_count=0)
    assert ctx.most_at_once == 301


async def test_it_waits_for_the_recorder(tmp_path):
    """Simulated load would grow without bound in memory."""
    ctx = FakeContext(tmp_path)
    await generate(ctx, worker_count=2, log_count=10, log_delay_ms=0, failure_rate=0.0, child_count=0)
    assert ctx.rooms >= 20


async def test_cancelled_while_it_waits(tmp_path, autojump_clock: MockClock):
    """A slow generator could not be cancelled."""
    ctx = FakeContext(tmp_path)
    with trio.move_on_after(3) as scope:
        await generate(ctx, worker_count=2, log_count=10, log_delay_ms=10_000, failure_rate=0.0, child_count=0)
    assert scope.cancelled_caught
    assert trio.current_time() - scope.deadline < 0.1
    assert [worker.status for worker in ctx.workers] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("worker_count", -1),
        ("log_delay_ms", -5),
        ("recursion_depth", -1),
        ("failure_rate", 1.5),
        ("failure_rate", -0.1),
    ],
)
async def test_impossible_options(tmp_path, option, value):
    """A mistake in a definition would run as something else."""
    with pytest.raises(StepFailed, match=f"^{option} = {value}"):
        await generate(FakeContext(tmp_path), **{option: value})
