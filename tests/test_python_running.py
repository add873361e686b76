"""steps/python.py and pycall/: what a function does while it runs, with its context and workers, and how it ends."""

import threading
import types

import pytest
import trio
from pyfiles import Job
from shells import PATIENCE

from quaero_cli.pycall import thread
from quaero_cli.steps.contract import StepFailed

pytestmark = pytest.mark.usefixtures("search_path_as_before")


async def test_exceptions_pass(tmp_path):
    """The engine could not keep the traceback."""
    job = Job(tmp_path, "def f(): raise KeyError('x')\nasync def g(): raise KeyError('y')")
    for function in ("f", "g"):
        with pytest.raises(KeyError):
            await job.call(function)


@pytest.mark.parametrize("function", ["f", "g"])
async def test_sys_exit_does_not_end_quaero(tmp_path, function):
    """A script's habit would end all jobs of a server."""
    job = Job(tmp_path, "import sys\ndef f(): sys.exit(3)\nasync def g(): sys.exit(3)")
    with pytest.raises(StepFailed, match=rf"file.py:{function} called sys.exit\(3\)"):
        await job.call(function)


async def test_a_decorated_async_function_is_awaited(tmp_path):
    """Its work would silently not be done."""
    source = "import trio\nasync def f():\n    await trio.sleep(0)\n    return {'a': 1}\ng = lambda: f()"
    assert await Job(tmp_path, source).call("g") == {"a": 1}


IN_A_THREAD = """
def f(ctx):
    ctx.log.warn("w", a=1)
    ctx.report(progress=50, text="half")
    ctx.ready({"url": "u"})
    ctx.room()
    ctx.state_directory.joinpath("x").touch()
    return {"names": [ctx.job_id, ctx.step_name, ctx.directory.name, ctx.concurrency]}
def g(ctx):
    ctx.run_process(["true"])
def h(ctx):
    with ctx.open_workers(): pass
"""


async def test_context_in_a_thread(tmp_path):
    """A function that is not async could not report, log or save."""
    job = Job(tmp_path, IN_A_THREAD)
    assert await job.call("f") == {"names": ["fakejob1", "py", tmp_path.name, 0]}
    assert (job.ctx.lines[0].message, job.ctx.lines[0].fields) == ("w", {"a": 1})
    assert job.ctx.reports == [(50, "half")]
    assert job.ctx.readies == [{"url": "u"}]
    assert job.ctx.rooms == 1
    for function in ("g", "h"):
        with pytest.raises(StepFailed, match="only an async function"):
            await job.call(function)


async def test_workers_of_an_async_function(tmp_path):
    """A Python step could not fan out."""
    job = Job(
        tmp_path,
        "async def f(ctx):\n    async with ctx.open_workers() as pool:\n        for n in range(3):\n"
        "            async def work(worker, n=n): worker.log.info(f'n {n}')\n            pool.spawn(work)",
    )
    await job.call("f")
    assert sorted(job.ctx.messages()) == ["n 0", "n 1", "n 2"]


BLOCKING = """
import logging, threading
begun, go, gone = threading.Event(), threading.Event(), threading.Event()
def stuck(ctx):
    logging.info("begun"); begun.set(); go.wait()
    logging.info("after"); ctx.log.info("after"); gone.set()
def polite():
    import trio
    begun.set()
    while not go.wait(0.01): trio.from_thread.check_cancelled()
"""


async def cancel_once_begun(job: Job, function: str) -> types.ModuleType:
    """Cancel the step when its function runs; return the function's module."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: job.call(function))
        with trio.fail_after(PATIENCE):
            while not any(hasattr(module, "gone") for module in job.modules()):
                await trio.testing.wait_all_tasks_blocked(0.01)
            [module] = job.modules()
            assert await trio.to_thread.run_sync(module.begun.wait, PATIENCE)
        nursery.cancel_scope.cancel()
    return module


async def test_a_stuck_function_is_abandoned_with_a_word(tmp_path, monkeypatch):
    """A cancelled job would never end, or its log would go on after its end."""
    monkeypatch.setattr(thread, "PATIENCE", 0.05)
    job = Job(tmp_path, BLOCKING)
    module = await cancel_once_begun(job, "stuck")
    module.go.set()
    assert await trio.to_thread.run_sync(module.gone.wait, PATIENCE)
    assert job.ctx.messages() == [
        "begun",
        "Abandoned file.py:stuck: it runs on in its thread, which cannot be stopped",
    ]


async def test_a_polite_function_ends_by_itself(tmp_path, monkeypatch):
    """A function that looks for cancellation would be called stuck."""
    monkeypatch.setattr(thread, "PATIENCE", PATIENCE)
    job = Job(tmp_path, BLOCKING)
    with trio.fail_after(PATIENCE):
        await cancel_once_begun(job, "polite")
    assert job.ctx.lines == []


async def test_long_functions_do_not_use_up_the_threads(tmp_path):
    """Forty long steps would keep every child process from starting."""
    job = Job(tmp_path, "def f(barrier): barrier.wait(60)")
    barrier = threading.Barrier(60)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            for _ in range(60):
                nursery.start_soon(lambda: job.call("f", barrier=barrier))
