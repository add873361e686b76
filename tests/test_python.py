"""steps/python.py and pycall/: the right function, its arguments, its log, its outputs, its end."""

import contextlib
import logging
import sys
import threading
import types
from collections.abc import Iterator

import pytest
import trio
from fakes import FakeContext
from shells import PATIENCE

from quaero_cli.model import Level
from quaero_cli.pycall import thread
from quaero_cli.steps.contract import StepFailed
from quaero_cli.steps.python import python


@contextlib.contextmanager
def bare_logging() -> Iterator[None]:
    """Logging as in a process that has set up nothing (pytest's handlers put aside); a step must leave it so."""
    root = logging.getLogger()
    aside, root.handlers = root.handlers, []
    try:
        yield
        assert (root.level, root.handlers) == (logging.WARNING, [])
    finally:
        root.handlers = aside


@pytest.fixture(autouse=True)
def search_path_as_before():
    """Code beside a definition must not hide a library from the rest of the process."""
    before = list(sys.path)
    yield
    assert sys.path == before


class Job:
    """A folder with one Python file, and a step that calls into it."""

    def __init__(self, folder, source: str = "") -> None:
        self.ctx = FakeContext(folder, step_name="py")
        self.write(source)

    def write(self, source: str, name: str = "file.py") -> None:
        (self.ctx.directory / name).write_text(source)

    async def call(self, function: str, **args):
        return await python(self.ctx, call=f"file.py:{function}", args=args)

    def modules(self) -> list[types.ModuleType]:
        """What the file has become."""
        path = str(self.ctx.directory / "file.py")
        return [module for module in sys.modules.values() if getattr(module, "__file__", None) == path]

    def logged(self) -> list[tuple[Level, str, str | None]]:
        return [(line.level, line.message, line.source) for line in self.ctx.lines]


# ------------------------------------------------------------------ finding the function


async def test_a_function_of_a_module(tmp_path):
    """A library's function could not be a step."""
    ctx = FakeContext(tmp_path)
    assert await python(ctx, call="urllib.parse:parse_qs", args={"qs": "a=1&b=2"}) == {"a": ["1"], "b": ["2"]}


async def test_a_file_and_its_neighbours(tmp_path):
    """Code beside the definition could not be split into files."""
    job = Job(tmp_path, "from beside_it import VALUE\nclass A:\n    def f(x): return {'got': x + VALUE}")
    job.write("VALUE = 2\ndef own(): return {'value': VALUE}", "beside_it.py")
    assert await job.call("A.f", x=40) == {"got": 42}
    assert await python(job.ctx, call="beside_it:own") == {"value": 2}


async def test_a_changed_file_is_read_anew(tmp_path):
    """A server would go on running the old code."""
    job = Job(tmp_path, "count = 0\ndef f():\n    global count\n    count += 1\n    return {'count': count}")
    assert [await job.call("f"), await job.call("f")] == [{"count": 1}, {"count": 2}]
    job.write("def f(): return {'count': 'new'}")
    assert await job.call("f") == {"count": "new"}
    assert not (tmp_path / "__pycache__").exists()
    assert len(job.modules()) == 1, "old versions are not kept"


async def test_a_file_works_with_dataclasses_and_pickle(tmp_path):
    """Ordinary library features would fail in a file's code."""
    job = Job(
        tmp_path,
        "from __future__ import annotations\nimport dataclasses, pickle, typing\n"
        "@dataclasses.dataclass\nclass P:\n    x: typing.ClassVar[int] = 1\n    y: int = 2\n"
        "def f(): return {'y': pickle.loads(pickle.dumps(P(5))).y}",
    )
    assert await job.call("f") == {"y": 5}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("nothing", "call = 'nothing' names no function"),
        ("file.py:", "call = 'file.py:' names no function"),
        (":f", "call = ':f' names no function"),
        ("none.py:f", "none.py cannot be read: No such file or directory"),
        ("file.py:none", "file.py has no 'none'"),
        ("file.py:VALUE", "file.py:VALUE is int, not a function"),
        ("no_such_package.part:f", "no module 'no_such_package.part'"),
        ("os.nothing:f", "no module 'os.nothing'"),
        ("../x:f", "'../x' is not the name of a module"),
        ("wrong.py:f", "wrong.py line 2: invalid syntax"),
        ("nul.py:f", "nul.py"),
    ],
)
async def test_no_such_function(tmp_path, call, message):
    """A typing error would end in a traceback from within quaero."""
    job = Job(tmp_path, "VALUE = 1\ndef f(): pass")
    job.write("ok = 1\ndef f(:", "wrong.py")
    (tmp_path / "nul.py").write_bytes(b"a = '\0'")
    with pytest.raises(StepFailed) as caught:
        await python(job.ctx, call=call)
    assert message in caught.value.message


async def test_errors_of_a_module_are_the_authors(tmp_path):
    """The traceback of a broken import would be hidden."""
    job = Job(tmp_path, "import no_such_library_at_all")
    with pytest.raises(ModuleNotFoundError):
        await job.call("f")
    job.write("1 / 0")
    with pytest.raises(ZeroDivisionError):
        await job.call("f")


# ------------------------------------------------------------------ arguments and outputs

FUNCTIONS = """
def f(a, *, b=2, ctx=None): return {"a": a, "b": b, "ctx": type(ctx).__name__}
def anything(**rest): return rest
def by_place(a, /): pass
def none(): pass
async def g(ctx, a=1): return {"step": ctx.step_name, "a": a}
"""


async def test_arguments(tmp_path):
    """A function would get other arguments than those that are written."""
    job = Job(tmp_path, FUNCTIONS)
    assert await job.call("f", a=[1]) == {"a": [1], "b": 2, "ctx": "ThreadContext"}
    assert await job.call("anything", x=1) == {"x": 1}
    assert await job.call("g") == {"step": "py", "a": 1}
    assert await job.call("none") is None


@pytest.mark.parametrize(
    ("function", "args", "message", "hint"),
    [
        ("f", {}, "file.py:f needs the argument 'a'", "write it under args: a = ..."),
        ("f", {"a": 1, "c": 2}, "file.py:f has no argument 'c'", "its arguments are a, b"),
        ("none", {"c": 2}, "file.py:none has no argument 'c'", "it takes no arguments"),
        ("f", {"a": 1, "ctx": 2}, "argument 'ctx' is the step's context and cannot be given", "rename it"),
        ("by_place", {}, "file.py:by_place takes 'a' only by its place", "call a function of your own around it"),
    ],
)
async def test_arguments_that_do_not_fit(tmp_path, function, args, message, hint):
    """The author would have to read a TypeError to find the argument."""
    with pytest.raises(StepFailed) as caught:
        await Job(tmp_path, FUNCTIONS).call(function, **args)
    assert (caught.value.message, caught.value.hint) == (message, hint)


async def test_outputs_become_plain_data(tmp_path):
    """A later step would get something else before and after it was stored."""
    assert await Job(tmp_path, "def f(): return {'t': (1, 2), 'n': None, 'd': {1: 'x'}}").call("f") == {
        "t": [1, 2],
        "n": None,
        "d": {"1": "x"},
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[1]", "returned list"),
        ("3", "returned int"),
        ("{'a': object()}", "that JSON cannot hold: a: Object of type object"),
        ("{'a': [float('nan')]}", "that JSON cannot hold: a: Out of range float"),
        ("{1: 2}", "whose name is not text: 1"),
        ("{'a': 'x' * 600_000, 'b': 'x' * 600_000}", "outputs of more than 1048576 bytes"),
    ],
)
async def test_outputs_that_cannot_be_stored(tmp_path, value, message):
    """The recorder would fail on one step's strange value."""
    with pytest.raises(StepFailed, match=r"^file\.py:f returned") as caught:
        await Job(tmp_path, f"def f(): return {value}").call("f")
    assert message in caught.value.message


# ------------------------------------------------------------------ logging


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


# ------------------------------------------------------------------ failures and ends


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
