"""A step with `for_each`: its function is called once for each item, in a worker of the item's own.

The function sees a context like any other, whose log is the worker's (`Context.of_worker`). Placeholders are filled
for each item when its turn comes: an item that does not fit fails its worker, and no other. A worker is tried again
as the step's `retries` say; what the engine's pool is told is how it ended in the end.
"""

import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import trio

from quaero_cli.engine.attempts import failed_attempt, pause_after
from quaero_cli.engine.context import Context
from quaero_cli.engine.failures import FailedElsewhere, describe, is_cancellation, traceback_fields
from quaero_cli.engine.items import find_items, label_of
from quaero_cli.engine.keptitems import KeptItems
from quaero_cli.engine.shared import Parts
from quaero_cli.engine.workers import Worker
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import StepDefinition, StepType
from quaero_cli.jobdef.placeholders import Scope, resolve_options
from quaero_cli.model import Level

# Workers that are made between two looks at whether the recorder keeps up.
_SPAWNED_AT_ONCE = 100


class FanOut:
    """Runs a step's function over its items."""

    def __init__(self, step: StepDefinition, type_: StepType, scope: Scope, kept: KeptItems) -> None:
        """`kept`: the items whose workers are not run again."""
        self._step = step
        self._type = type_
        self._scope = scope
        self._kept = kept

    async def run(self, context: Context) -> Mapping[str, Any]:
        """Run one worker an item, and return the step's outputs: `items`, a table of each worker's, in their order.

        A worker that failed or left nothing has an empty table there. Raises StepFailed when there are no such items.
        """
        assert self._step.for_each is not None
        items = await find_items(self._step.for_each, self._scope, context.directory)
        if not items:
            context.log.info("Nothing to do: for_each has no items")
        outputs: list[Mapping[str, Any]] = [{} for _ in items]
        parts = context.parts if self._step.spread else None
        async with context.open_workers() as pool:
            for place, item in enumerate(items):
                kept = self._kept.take(item)
                if kept is not None:
                    outputs[place] = kept
                    pool.add_done(kept, label=label_of(item), item=item)
                else:
                    work = self.work if parts is None else partial(self._hand_out, parts)
                    pool.spawn(
                        partial(work, context, item, outputs, place),
                        label=label_of(item), item=item, begins=parts is None,
                    )  # fmt: skip
                if place % _SPAWNED_AT_ONCE == 0:
                    await context.room()
        return {"items": outputs}

    async def _hand_out(
        self, parts: Parts, context: Context, item: object, outputs: list[Mapping[str, Any]], place: int,
        worker: Worker,
    ) -> None:  # fmt: skip
        """Have an item done by whatever machine of the cluster: there it is tried again, and says what it says."""
        end = await parts.hand_out(context.call_part(worker, item))
        worker.attempt = end.attempt
        if end.error is not None:
            raise FailedElsewhere(end.error, end.fields)
        worker.outputs = outputs[place] = end.outputs

    async def work(
        self, context: Context, item: object, outputs: list[Mapping[str, Any]], place: int, worker: Worker
    ) -> None:
        """Do one item, in as many attempts as the step's `retries` allow. Raises what the last one did."""
        options = resolve_options(self._step, self._type, replace(self._scope, item=item))
        while True:
            try:
                worker.outputs = outputs[place] = await self._attempt(context, options, worker)
                return
            except BaseException as failure:
                retries, pause = self._step.retries, pause_after(self._step.retries, worker.attempt, random.random())
                if is_cancellation(failure) or retries is None or pause is None:
                    raise
                message, fields = failed_attempt(
                    retries, worker.attempt, describe(failure), pause, traceback_fields(failure)
                )
            worker.log.write(Level.WARN, message, fields=fields)
            await trio.sleep(pause)
            worker.begin_attempt()
            worker.log.info(f"Attempt {worker.attempt} of {retries.limit + 1}", attempt=worker.attempt)

    async def _attempt(self, context: Context, options: Mapping[str, Any], worker: Worker) -> Mapping[str, Any]:
        mine = context.of_worker(worker)
        seconds = self._step.worker_timeout
        with trio.CancelScope() as limit:
            if seconds is not None:
                limit.deadline = trio.current_time() + seconds
            mine.keep_outputs(await self._type.function(mine, **options) or {})
        if limit.cancelled_caught:
            raise StepFailed(f"timed out after {seconds:g} s")
        return mine.outputs
