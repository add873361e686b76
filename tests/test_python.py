"""steps/python.py and pycall/: the right function is found, with the arguments and the outputs that were meant."""

import pytest
from fakes import FakeContext
from pyfiles import Job

from quaero_cli.steps.contract import StepFailed
from quaero_cli.steps.python import python

pytestmark = pytest.mark.usefixtures("search_path_as_before")


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
