"""steps/python.py and pycall/: what a function logs and prints is in its step's log, and nowhere else."""

import logging

import pytest
import trio
from pyfiles import Job, bare_logging

from quaero_cli.model import Level

pytestmark = pytest.mark.usefixtures("search_path_as_before")


LOGGING = """
import concurrent.futures, logging, threading
import trio
log = logging.getLogger("lib.part")
def levels():
    for number, name in enumerate(("debug", "info", "warning", "error", "critical")):
        getattr(log, name)("%s %d", name, number)
    log.log(5, "below debug")
def fields():
    log.info("with", extra={"url": "u", "deep": {"a": {1, 2} - {2}}, "thing": Hostile()})
    log.info("bad %d", "x")
    log.warning("stack", stack_info=True)
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed")
class Hostile:
    def __repr__(self): raise RuntimeError
async def on_loop(name, ctx):
    async def task():
        log.info("task of %s", name)
        await trio.to_thread.run_sync(log.info, "thread of task of %s", name)
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(task)
            await trio.lowlevel.checkpoint()
def own_thread():
    thread = threading.Thread(target=log.info, args=("own thread",))
    thread.start(); thread.join()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(log.info, "pool").result()
def meddle():
    logging.basicConfig(level=logging.ERROR)
    logging.getLogger().handlers.clear()
"""


async def test_levels_and_loggers_are_kept(tmp_path):
    """What a library says would be missing, or its errors would not stand out."""
    job = Job(tmp_path, LOGGING)
    with bare_logging():
        await job.call("levels")
    assert job.logged() == [
        (Level.DEBUG, "debug 0", "lib.part"),
        (Level.INFO, "info 1", "lib.part"),
        (Level.WARN, "warning 2", "lib.part"),
        (Level.ERROR, "error 3", "lib.part"),
        (Level.ERROR, "critical 4", "lib.part"),
        (Level.DEBUG, "below debug", "lib.part"),
    ]


async def test_extra_and_exceptions_become_fields(tmp_path):
    """What a library adds to a message would be lost, or a strange value would end the step."""
    job = Job(tmp_path, LOGGING)
    with bare_logging():
        await job.call("fields")
    first, bad, stack, failed = job.ctx.lines
    assert first.fields == {"url": "u", "deep": {"a": "{1}"}, "thing": "<Hostile without a text: RuntimeError>"}
    assert bad.message.startswith("'bad %d' (its arguments do not fit: TypeError")
    assert "in fields" in stack.fields["stack"]
    assert failed.fields["exception"].endswith("ZeroDivisionError: division by zero")


async def test_two_at_once_do_not_mix(tmp_path):
    """One step's lines would show up in another's log."""
    jobs = {name: Job(tmp_path, LOGGING) for name in ("one", "two")}
    with bare_logging():
        async with trio.open_nursery() as nursery:
            for name, job in jobs.items():
                nursery.start_soon(lambda job=job, name=name: job.call("on_loop", name=name))
    for name, job in jobs.items():
        assert sorted(job.ctx.messages()) == sorted([f"task of {name}", f"thread of task of {name}"] * 10)


async def test_a_librarys_own_threads_belong_to_the_only_step(tmp_path):
    """The lines of a thread pool would be lost."""
    job = Job(tmp_path, LOGGING)
    await job.call("own_thread")
    assert job.ctx.messages() == ["own thread", "pool"]


async def test_other_code_is_left_alone(tmp_path, capsys):
    """The server's warnings would end in a step's log, or nowhere."""
    job = Job(tmp_path, "import trio\nasync def f(): await trio.sleep_forever()")
    with bare_logging():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: job.call("f"))
            await trio.testing.wait_all_tasks_blocked(0.01)
            logging.getLogger("server").info("not shown without a handler")
            logging.getLogger("server").warning("to stderr")
            nursery.cancel_scope.cancel()
    assert job.logged() == []
    assert capsys.readouterr().err == "to stderr\n"


async def test_meddling_with_logging_does_not_last(tmp_path):
    """One step that sets up logging would silence the next."""
    job = Job(tmp_path, LOGGING)
    with bare_logging():
        await job.call("meddle")
        await job.call("levels")
    assert len(job.ctx.lines) == 6


PRINTING = """
import contextlib, io, sys, threading, trio

def f():
    print("one", 2)
    print("err", file=sys.stderr)
    sys.stdout.write("half a li"); print("ne\\r\\n\\nlast", end="")
    thread = threading.Thread(target=print, args=("",)); thread.start(); thread.join()
    assert not sys.stdout.isatty() and sys.stdout.flush() is None
    with contextlib.redirect_stdout(io.StringIO()) as mine:
        print("mine")
    assert mine.getvalue() == "mine\\n"
    print("no newline", end="")

def long():
    print("x" * 40_000)

async def many(name):
    for _ in range(5):
        await trio.to_thread.run_sync(print, name)
        print(name)
"""


async def test_what_is_printed_is_logged(tmp_path, capsys):
    """A print in a step would stand between the JSON lines of `quaero run --json`, and nowhere in the log."""
    job = Job(tmp_path, PRINTING)
    await job.call("f")
    texts = ["one 2", "err", "half a line", "", "last", "no newline"]
    assert job.logged() == [(Level.INFO, text, "stderr" if text == "err" else "stdout") for text in texts]
    assert capsys.readouterr() == ("", "")
    print("ours again")
    assert capsys.readouterr().out == "ours again\n"


async def test_a_print_without_an_end_is_bounded(tmp_path):
    """A function that never prints a newline would fill the memory."""
    job = Job(tmp_path, PRINTING)
    await job.call("long")
    assert "".join(job.ctx.messages()) == "x" * 40_000


async def test_prints_of_two_at_once_do_not_mix(tmp_path, capsys):
    """One step's output would show up in another's log, or quaero's own in a step's."""
    jobs = {name: Job(tmp_path, PRINTING) for name in ("one", "two")}
    async with trio.open_nursery() as nursery:
        for name, job in jobs.items():
            nursery.start_soon(lambda job=job, name=name: job.call("many", name=name))
        await trio.lowlevel.checkpoint()
        print("quaero's own")
    assert {name: job.ctx.messages() for name, job in jobs.items()} == {name: [name] * 10 for name in jobs}
    assert capsys.readouterr().out == "quaero's own\n"
