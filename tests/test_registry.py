"""Step types describe themselves: what is read from a module, and how one that breaks the contract is told."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.model import Kind, Option
from quaero_cli.steps.registry import load_step_types, read_step_type

HEADER = """
from pathlib import Path
from typing import Any, Literal
from quaero_cli.jobdef.model import Duration, Size
"""
_numbers = count()


@pytest.fixture
def read(tmp_path):
    """Write a module named `demo`, import it, and read the step type in it."""

    def read_text(text, header=HEADER):
        path = tmp_path / "demo.py"
        path.write_text(header + dedent(text))
        spec = spec_from_file_location(f"demo_{next(_numbers)}", path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return read_step_type("demo", module)

    return read_text


def test_a_module_describes_its_type(read):
    """One file with a function is all that a new step type takes."""
    found = read('''
        DEFAULT_CONCURRENCY = 8
        SERVICE = "started"

        async def demo(ctx, *, who: str, times: int = 1) -> None:
            """Greet somebody,
            politely.

            More about it.

            who: whom to greet,
                in full
            times: how often
            note: that this is no option
            """
    ''')
    assert (found.name, found.summary) == ("demo", "Greet somebody, politely.")
    assert (found.default_concurrency, found.service) == (8, True)
    assert found.options == (
        Option("who", Kind.STRING, required=True, help="whom to greet, in full"),
        Option("times", Kind.INT, default=1, help="how often"),
    )
    assert found.help == "Greet somebody,\npolitely.\n\nMore about it.\n\nnote: that this is no option"
    assert found.function.__name__ == "demo"
    assert found.option("times").default == 1
    assert found.option("none") is None


def test_an_annotation_may_say_what_a_value_must_be(read):
    """A type's author would check it in the function, where the mistake shows when the job runs."""
    found = read("""
        from typing import Annotated
        from quaero_cli.jobdef.model import Between, Checked, Excludes

        def check(name, value):
            pass

        async def demo(ctx, *, share: Annotated[float, Between(0, 1)], more: Annotated[int, Between(2)] | None = None,
                       word: Annotated[str, Checked(check)] = "",
                       text: Annotated[object, Excludes("word")] = None) -> None:
            "Do it."
    """)
    share, more, word, text = found.options
    assert (share.expects, more.expects, more.nullable) == ("a number, 0 to 1", "an integer, at least 2", True)
    assert (word.kind, word.checked.function.__name__) == (Kind.STRING, "check")
    assert (text.kind, text.excludes) == (Kind.VALUE, "word")


def test_what_is_not_said_has_a_default(read):
    """A plain type runs one worker and is no service."""
    found = read('async def demo(ctx):\n    """Do it."""\n')
    assert (found.default_concurrency, found.service, found.options) == (1, False, ())


ANNOTATIONS = [
    ("str", Kind.STRING, False, ()),
    ("int", Kind.INT, False, ()),
    ("float", Kind.FLOAT, False, ()),
    ("bool", Kind.BOOL, False, ()),
    ("Path", Kind.PATH, False, ()),
    ("Duration", Kind.DURATION, False, ()),
    ("Size", Kind.SIZE, False, ()),
    ("list[str]", Kind.STRINGS, False, ()),
    ("dict[str, str]", Kind.STRING_TABLE, False, ()),
    ("dict[str, Any]", Kind.TABLE, False, ()),
    ("str | list[str]", Kind.STRING_OR_STRINGS, False, ()),
    ("list[str] | str | None", Kind.STRING_OR_STRINGS, True, ()),
    ("Duration | None", Kind.DURATION, True, ()),
    ("Path | None", Kind.PATH, True, ()),
    ("Literal['a', 'b', 3]", Kind.CHOICE, False, ("a", "b", 3)),
    ("Literal['a'] | None", Kind.CHOICE, True, ("a",)),
]


@pytest.mark.parametrize(("annotation", "kind", "nullable", "choices"), ANNOTATIONS)
@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_annotations_say_what_an_option_takes(read, future, annotation, kind, nullable, choices):
    """Every annotation of the contract is understood, also when it is kept as text."""
    found = read(f'async def demo(ctx, *, x: {annotation} = None):\n    """Do it."""\n', future + HEADER)
    assert found.options == (Option("x", kind, nullable=nullable, choices=choices),)


BROKEN = [
    ("async def other(ctx): ...", "has no function 'demo'"),
    ("demo = 5", "has no function 'demo'"),
    ('def demo(ctx):\n    """Do."""', "demo must be an async function"),
    ("async def demo(ctx): ...", "demo has no docstring"),
    ('async def demo():\n    """Do."""', "demo must take the context first"),
    ('async def demo(*, x: int):\n    """Do."""', "demo must take the context first"),
    ('async def demo(ctx, x: int):\n    """Do."""', "option 'x' must be keyword-only"),
    ('async def demo(ctx, **x: int):\n    """Do."""', "option 'x' must be keyword-only"),
    ('async def demo(ctx, *, x):\n    """Do."""', "option 'x' has no annotation"),
    ('async def demo(ctx, *, x: set[int]):\n    """Do."""', "option 'x' cannot be set[int]"),
    ('async def demo(ctx, *, x: int | str):\n    """Do."""', "option 'x' cannot be int | str"),
    ('async def demo(ctx, *, x: Literal[1.5]):\n    """Do."""', "option 'x' cannot be"),
    ('async def demo(ctx, *, x: "Missing"):\n    """Do."""', "an annotation cannot be read: NameError"),
    ('async def demo(ctx, *, timeout: int):\n    """Do."""', "option 'timeout' has the name of a step's own key"),
    ('async def demo(ctx, *, for_each: str):\n    """Do."""', "option 'for_each' has the name of a step's own key"),
    ('DEFAULT_CONCURRENCY = -1\nasync def demo(ctx):\n    """Do."""', "DEFAULT_CONCURRENCY must be a whole number"),
    ('DEFAULT_CONCURRENCY = True\nasync def demo(ctx):\n    """Do."""', "DEFAULT_CONCURRENCY must be a whole number"),
    ('SERVICE = 1\nasync def demo(ctx):\n    """Do."""', "SERVICE must be 'ready' or 'started', not 1"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_type_that_breaks_the_contract_is_told(read, tmp_path, text, message):
    """The author of a step type reads one line with the file and the argument."""
    with pytest.raises(DefinitionError) as caught:
        read(text)
    assert caught.value.message.startswith(f"{tmp_path / 'demo.py'}: {message}")


def plugin(folder, name, target, text):
    """Lay a distribution with one entry point into a folder, as an installer does."""
    (folder / "plug_in.py").write_text(dedent(text))
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[quaero.steps]\n{name} = {target}\n")


PLUGIN = '''
    DEFAULT_CONCURRENCY = 3

    async def wave(ctx, *, hands: int = 2) -> None:
        """Wave.

        hands: how many
        """
'''


def test_another_package_adds_a_type(tmp_path, monkeypatch):
    """An installed package with an entry point is enough; quaero's own types stay."""
    own = load_step_types()
    plugin(tmp_path, "wave", "plug_in:wave", PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "plug_in", raising=False)
    found = load_step_types()
    assert found.keys() - own.keys() == {"wave"}
    assert list(found) == sorted(found)
    assert (found["wave"].default_concurrency, found["wave"].options[0].name) == (3, "hands")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("plug_in:absent", "cannot be loaded: AttributeError"),
        ("absent_module:wave", "cannot be loaded: ModuleNotFoundError"),
        ("plug_in:DEFAULT_CONCURRENCY", "is not a function"),
    ],
)
def test_a_broken_package_is_named(tmp_path, monkeypatch, target, message):
    """The person who installed it learns which one to remove."""
    plugin(tmp_path, "wave", target, PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "plug_in", raising=False)
    with pytest.raises(DefinitionError) as caught:
        load_step_types()
    assert f"step type 'wave' ({target}) {message}" in caught.value.message


def test_a_package_cannot_take_over_a_type(tmp_path, monkeypatch):
    """`shell` is always quaero's own, whatever is installed."""
    own = load_step_types()
    plugin(tmp_path, "shell", "plug_in:wave", PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "plug_in", raising=False)
    assert "shell" in own
    with pytest.raises(DefinitionError, match=r"the step type 'shell' is there already: .*shell\.py"):
        load_step_types()


@pytest.mark.parametrize("name", ["crawler", "demo_site", "python", "shell", "test_job_generator"])
def test_every_option_of_our_own_types_is_described(name):
    """`quaero steps TYPE` leaves no option without a word."""
    found = load_step_types()[name]
    assert found.summary
    assert [option.name for option in found.options if not option.help] == []


def test_finding_the_types_is_cheap():
    """`quaero run hello` does not wait for the crawler's libraries, nor `quaero steps` for the event loop."""
    script = """
        import sys
        from quaero_cli.steps.registry import load_step_types
        load_step_types()
        heavy = {"lxml", "trafilatura", "pycurl", "selectolax", "quart", "hypercorn", "rich", "typer", "trio"}
        print(*sorted(heavy & sys.modules.keys()))
    """
    root = Path(__file__).resolve().parent.parent
    found = subprocess.run(
        [sys.executable, "-c", dedent(script)], capture_output=True, text=True, cwd=root, check=True
    )
    assert found.stdout.strip() == ""
