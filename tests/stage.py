"""A stage for the engine: runs one job of small step types, and keeps the facts that it told.

Facts go to a list; no store, no thread, so a test's clock may jump::

    async def test_something(tmp_path, autojump_clock):
        stage = Stage(tmp_path)
        status = await stage.play("[step.a]\ntype = 'work'\nseconds = 5")
        assert stage.states() == {"a": "completed"}
"""

from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import trio

from quaero_cli.engine.job import JobRun
from quaero_cli.engine.shared import Ground, Running
from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.model import Kind, Option, StepType
from quaero_cli.model import JobChanged, LogLine, StepChanged, StepOutput, WorkerChanged
from quaero_cli.steps.contract import StepFailed


@dataclass
class Stage:
    """Runs one job and keeps what it told."""

    tmp_path: Path
    more_types: dict = field(default_factory=dict)  # beside its own
    facts: list = field(default_factory=list)
    order: list = field(default_factory=list)  # what steps did
    tries: dict = field(default_factory=dict)  # step -> how often its function was called
    at_once: int = 0
    most_at_once: int = 0
    run: JobRun | None = None
    _began: float = 0.0

    @property
    def seconds(self):
        """Virtual seconds since the job was prepared."""
        return trio.current_time() - self._began

    def types(self):
        async def work(ctx, *, seconds=0.0, fail="", say="", output=None):
            self.order.append(f"{ctx.step_name} begins")
            if say:
                ctx.log.info(say)
            await trio.sleep(seconds)
            if fail:
                raise StepFailed(fail)
            self.order.append(f"{ctx.step_name} ends")
            return output

        async def crash(ctx):
            raise ValueError("oops")

        async def leave(ctx):
            raise KeyboardInterrupt

        async def lose_workers(ctx):
            async def worker(each):
                raise SystemExit(each.number) if each.number == 1 else GeneratorExit

            async with ctx.open_workers() as pool:
                pool.spawn(worker)
                pool.spawn(worker)

        async def fan(ctx, *, count=3, failing=0, seconds=1.0):
            async def worker(each):
                each.log.info("item")
                await trio.sleep(seconds)
                if each.number <= failing:
                    raise StepFailed("bad item")

            async with ctx.open_workers() as pool:
                for number in range(count):
                    pool.spawn(worker, label=f"item {number}")

        async def service(ctx, *, seconds=1.0, works=True):
            self.order.append(f"{ctx.step_name} begins")
            await trio.sleep(seconds)
            if works:
                ctx.ready({"url": "http://x/"})
                await trio.sleep_forever()

        async def flaky(ctx, *, failures=1, seconds=0.0, failing=0, after_ready=False):
            """Fail so many times, then do well; with `failing` it is workers that fail."""
            tries = self.tries[ctx.step_name] = self.tries.get(ctx.step_name, 0) + 1
            self.order.append((ctx.step_name, tries, self.seconds))

            async def worker(each):
                if each.number % 4 < failing and tries <= failures:
                    raise StepFailed("bad item")

            if failing:
                async with ctx.open_workers() as pool:
                    for _ in range(4):
                        pool.spawn(worker)
                return
            if after_ready or tries > failures:
                ctx.ready({"tries": tries})
            await trio.sleep(seconds)
            if tries <= failures:
                raise StepFailed(f"no luck {tries}")
            if after_ready:
                await trio.sleep_forever()

        async def each(ctx, *, value, seconds=0.0, failures=0, left=None):
            """Say a value; fail so many times for each value, then do well and leave outputs."""
            tries = self.tries[value] = self.tries.get(value, 0) + 1
            ctx.log.info(f"value {value}")
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await trio.sleep(seconds)
            finally:
                self.at_once -= 1
            if tries <= failures:
                raise StepFailed(f"bad {value}")
            return left

        async def talker(ctx):
            for line in ("starting", "port [::]:80", "(unclosed", "listening on port 8081"):
                ctx.log.info(line)
                await trio.sleep(1)
            await trio.sleep_forever()

        async def quiet(ctx):
            self.order.append("quiet begins")
            try:
                await trio.sleep(2)
                ctx.started()
                await trio.sleep(1)
                ctx.ready({"port": 7})
                await trio.sleep_forever()
            finally:
                self.order.append("quiet ends")

        def options(*pairs):
            return tuple(Option(name, kind) for name, kind in pairs)

        return {
            "work": StepType("work", work, options(
                ("seconds", Kind.FLOAT), ("fail", Kind.STRING), ("say", Kind.STRING), ("output", Kind.TABLE))),
            "crash": StepType("crash", crash),
            "leave": StepType("leave", leave),
            "lose_workers": StepType("lose_workers", lose_workers),
            "fan": StepType("fan", fan, options(("count", Kind.INT), ("failing", Kind.INT), ("seconds", Kind.FLOAT)),
                            default_concurrency=2),
            "each": StepType("each", each, options(
                ("value", Kind.STRING), ("seconds", Kind.FLOAT), ("failures", Kind.INT), ("left", Kind.TABLE))),
            "talker": StepType("talker", talker, service=True, announces=False),
            "quiet": StepType("quiet", quiet, service=True, announces=False),
            "flaky": StepType("flaky", flaky, options(
                ("failures", Kind.INT), ("seconds", Kind.FLOAT), ("failing", Kind.INT), ("after_ready", Kind.BOOL)),
                service=True),
            "service": StepType("service", service, options(("seconds", Kind.FLOAT), ("works", Kind.BOOL)),
                                service=True),
        }  # fmt: skip

    def prepare(self, text, parameters=None, *, emit=None, environment=None):
        async def room():
            await trio.lowlevel.checkpoint()

        self._began = trio.current_time()
        types = {**self.more_types, **self.types()}
        ground = Ground(emit or self.facts.append, room, environment or {}, self.tmp_path, types, trio.Event())
        definition = parse(dedent(text), path=Path("job.toml"), step_types=types)
        self.run = JobRun(Running(ground, "aaaa", 1, definition, parameters or {}))
        return self.run

    async def play(self, text, parameters=None, **options):
        return await self.prepare(text, parameters, **options).run()

    def states(self):
        """The last status of each step."""
        return {fact.step: str(fact.status) for fact in self.facts if isinstance(fact, StepChanged)}

    def reason(self, step):
        return [fact.error for fact in self.facts if isinstance(fact, StepChanged) and fact.step == step][-1]

    def workers(self, step="a"):
        """The last status of each worker, by number."""
        changes = [fact for fact in self.facts if isinstance(fact, WorkerChanged) and fact.step == step]
        return {fact.number: str(fact.status) for fact in changes}

    def outputs(self, step="a"):
        """What the step left."""
        return [dict(fact.outputs) for fact in self.facts if isinstance(fact, StepOutput) and fact.step == step][-1]

    def job_status(self):
        return next(str(fact.status) for fact in self.facts if isinstance(fact, JobChanged))

    def job_error(self):
        return next(fact.error for fact in self.facts if isinstance(fact, JobChanged))

    def messages(self, step=None):
        return [fact.message for fact in self.facts if isinstance(fact, LogLine) and fact.step == step]
