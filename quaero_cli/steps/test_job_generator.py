"""The step type `test_job_generator`: simulated load, whose number of entries is known beforehand.

A worker writes exactly `log_count + 3` entries at info or above: the start, its items, the summary, the end; and one
more when it spawns children. Each worker draws from a generator of its own, seeded by its place in the tree of
workers (`1.2` is the second child of the first), so that neither timing nor concurrency changes what a seed gives.
"""

# ruff: noqa: PT028 - the function has its step type's name; it is no test
import random
from dataclasses import dataclass, replace
from typing import Annotated

from quaero_cli.jobdef.model import Between
from quaero_cli.model import Level
from quaero_cli.steps.contract import StepContext, StepFailed, WorkerContext, WorkerPool

DEFAULT_CONCURRENCY = 0  # no bound: it is there to show what hundreds of workers at once do

_Count = Annotated[int, Between(0)]

# Level of an item line, with the upper end of its share: 80 % info, 15 % warn, 5 % error.
_SHARES = (
    (0.80, Level.INFO, "Processing item {item}/{of}"),
    (0.95, Level.WARN, "Warning at item {item} (simulated resource usage high)"),
    (1.00, Level.ERROR, "Error at item {item} (simulated operation failed)"),
)


async def test_job_generator(
    ctx: StepContext,
    *,
    worker_count: _Count = 10,
    log_count: _Count = 100,
    log_delay_ms: _Count = 50,
    failure_rate: Annotated[float, Between(0, 1)] = 0.1,
    child_count: _Count = 2,
    recursion_depth: _Count = 3,
    seed: int | None = None,
) -> None:
    """Simulate load: workers that log at all levels, wait, spawn children, and fail at random.

    A worker writes `log_count` item lines (80 % info, 15 % warn, 5 % error) and three more, plus one when it spawns
    children. Children have half the `log_count` and half the `child_count`; they are spawned before it is drawn
    whether their parent fails. There is no bound on workers at once unless the step sets `concurrency`.

    worker_count: workers to begin with
    log_count: item lines of each of these
    log_delay_ms: milliseconds to wait after each item line
    failure_rate: share of workers that fail, 0 to 1
    child_count: children of each of these workers
    recursion_depth: generations of children
    seed: the same seed gives the same levels and the same failures
    """
    for name, value in (
        ("worker_count", worker_count),
        ("log_count", log_count),
        ("log_delay_ms", log_delay_ms),
        ("child_count", child_count),
        ("recursion_depth", recursion_depth),
    ):
        if value < 0:
            raise StepFailed(f"{name} = {value} is negative", hint="use 0 or more")
    if not 0 <= failure_rate <= 1:
        raise StepFailed(f"failure_rate = {failure_rate} is out of range", hint="use 0 (none) to 1 (all)")
    generation = _Generation(
        job=f"{ctx.step_name}/{ctx.job_id}",
        log_count=log_count,
        delay=log_delay_ms / 1000,
        failure_rate=failure_rate,
        child_count=child_count,
        depth_left=recursion_depth,
        seed=seed,
    )
    async with ctx.open_workers() as pool:
        for number in range(1, worker_count + 1):
            _spawn(ctx, pool, generation, str(number), "Worker")
        ctx.log.info(f"Created {worker_count} test job generator jobs", workers=worker_count)


@dataclass(frozen=True, slots=True)
class _Generation:
    """What the workers of one generation have in common. `delay` is in seconds."""

    job: str
    log_count: int
    delay: float
    failure_rate: float
    child_count: int
    depth_left: int
    seed: int | None

    @property
    def spawns(self) -> bool:
        return self.child_count > 0 and self.depth_left > 0

    def next(self) -> "_Generation":
        return replace(
            self,
            log_count=self.log_count // 2,
            child_count=self.child_count // 2,
            depth_left=self.depth_left - 1,
        )


def _spawn(ctx: StepContext, pool: WorkerPool, generation: _Generation, place: str, kind: str) -> None:
    """Queue one worker; `place` is its place in the tree."""

    async def work(worker: WorkerContext) -> None:
        await _work(ctx, pool, generation, place, worker)

    pool.spawn(work, label=f"Test Job Generator {kind} {place}")


async def _work(
    ctx: StepContext, pool: WorkerPool, generation: _Generation, place: str, worker: WorkerContext
) -> None:
    import trio  # not at the top: listing step types needs no event loop

    chance = random.Random(None if generation.seed is None else f"{generation.seed}/{place}")
    log = worker.log
    log.info(
        f"[SIMULATED] Starting: {generation.log_count} logs, {generation.delay * 1000:g} ms delay, "
        f"{generation.failure_rate:.0%} failure rate"
    )
    informed, warned, erred = await _log_items(ctx, generation, chance, worker)
    # Workers of one pace wake in the same moment: those that come after the failure too many are stopped by it.
    await trio.lowlevel.checkpoint_if_cancelled()
    log.info(f"[SIMULATED] Log summary: INF={informed}, WRN={warned}, ERR={erred}")
    children = generation.child_count if generation.spawns else 0
    for number in range(1, children + 1):
        _spawn(ctx, pool, generation.next(), f"{place}.{number}", "Child")
    if children:
        log.info(f"[SIMULATED] Spawned {children} child jobs", children=children)
    if chance.random() < generation.failure_rate:
        log.error("[SIMULATED] Failure triggered by failure_rate configuration")
        raise StepFailed("simulated failure", hint="set failure_rate = 0 to have none")
    log.info(f"[SIMULATED] Completed successfully: {children} children spawned")


async def _log_items(
    ctx: StepContext, generation: _Generation, chance: random.Random, worker: WorkerContext
) -> tuple[int, int, int]:
    """Write the item lines; return how many at info, warn and error."""
    import trio

    counts = {Level.INFO: 0, Level.WARN: 0, Level.ERROR: 0}
    of = generation.log_count
    for item in range(1, of + 1):
        draw = chance.random()
        level, words = next((level, words) for end, level, words in _SHARES if draw < end)
        counts[level] += 1
        message = f"[SIMULATED] {generation.job}: {words.format(item=item, of=of)}"
        worker.log.write(level, message, fields={"item": item, "of": of})
        await ctx.room()
        if generation.delay:
            await trio.sleep(generation.delay)
    return counts[Level.INFO], counts[Level.WARN], counts[Level.ERROR]
