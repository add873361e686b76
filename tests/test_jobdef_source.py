"""The guards in front of the parser: what is hostile is refused unparsed, what is not is let through."""

import os
from contextlib import suppress
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.place import Place
from quaero_cli.jobdef.source import MAX_BYTES, MAX_KEY_PARTS, read_document, read_text

PLACE = Place("f.toml")
DEEP = "a." * MAX_KEY_PARTS + "a"  # one part too many
JUST = "a." * (MAX_KEY_PARTS - 1) + "a"

HIDDEN = [
    f"{DEEP} = 1",
    f"[{DEEP}]",
    f"[[{DEEP}]]",
    f"x = {{ {DEEP} = 1 }}",
    f"x = [{{ {DEEP} = 1 }}]",
    DEEP.replace(".", " . ") + " = 1",
    DEEP.replace("a", '"a"') + " = 1",
    DEEP.replace("a", "'a.b'") + " = 1",
    f"# '''\n{DEEP} = 1 # '''",
    f'x = "\\""\n{DEEP} = 1',
    f'x = """a"""""\n{DEEP} = 1 # "',
    f"x = '''a''''\n{DEEP} = 1 # '",
    f'x = ["""a"""", {{ {DEEP} = 1 }}]',
    f'x = """a\\\\"""\n{DEEP} = 1 # """',
    f"x = 'a\\'\n{DEEP} = 1",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_deep_key_is_refused_wherever_it_hides(text):
    """One key of 64 KiB would cost seconds of CPU and gigabytes of memory."""
    with pytest.raises(DefinitionError, match="more than 32 dotted parts"):
        read_document(text, PLACE)


DOTS = "." * 100
HARMLESS = [
    f"{JUST} = 1",
    f"x = '{DOTS}'",
    f'x = "{DOTS}"',
    f'x = """\n{DOTS}\n"""',
    f"x = '''{DOTS}''{DOTS}'''",
    f'x = """{DOTS}"""""',
    f'x = """{DOTS}\\"""{DOTS}"""',
    f"# {DOTS}",
    f"'{DOTS}' = 1",
    "x = [" + "1.5, " * 100 + "]",
    "x = [" + "'a.b', " * 100 + "]",
    "\n".join(f"a.b{n} = 1.5" for n in range(100)),
]


@pytest.mark.parametrize("text", HARMLESS)
def test_dots_elsewhere_are_no_key(text):
    """A command full of dots or a long list of addresses is an ordinary definition."""
    read_document(text, PLACE)


@pytest.mark.parametrize(
    "text",
    [
        DEEP * 900 + " = 1",
        '"""' + '\\"""' * 16000 + "\\",
        '"' * 60000,
        "'''" + "''" * 30000,
        'a = "' + "\\" * 60000,
        "x = " + "{a=" * 20000,
        "[" + JUST + "]\n" + "".join(f"{'b.' * 30}c{n} = 1\n" for n in range(900)),
        "[[a]]\n" * 10000,
        "x = [" + "{a=1}," * 9000 + "]",
    ],
)
def test_the_worst_file_costs_little(text):
    """A stranger's file cannot stop the server that lists it; measured: 0.1 s for the worst."""
    assert len(text) <= MAX_BYTES
    began = process_time()
    with suppress(DefinitionError):
        read_document(text, PLACE)
    assert process_time() - began < 3


def test_the_size_is_counted_in_bytes():
    """64 KiB is the limit, not a byte more, in whatever alphabet."""
    read_document("#" * MAX_BYTES, PLACE)
    for text in ("#" * (MAX_BYTES + 1), "#" + "ä" * (MAX_BYTES // 2)):
        with pytest.raises(DefinitionError, match="larger than 64 KiB"):
            read_document(text, PLACE)


def test_a_surrogate_is_not_utf8():
    """Text that cannot be stored is refused where it comes in."""
    with pytest.raises(DefinitionError, match="not UTF-8"):
        read_document("x = '\ud800'", PLACE)


def test_files_that_cannot_be_read(tmp_path):
    """Missing, not UTF-8, a folder, a pipe, endless: one error each, and none waits for ever."""
    latin, pipe, folder = tmp_path / "latin.toml", tmp_path / "pipe.toml", tmp_path / "folder.toml"
    latin.write_bytes(b"a = 1\nb = '\xe4'\n")
    os.mkfifo(pipe)
    folder.mkdir()
    large = tmp_path / "large.toml"
    large.write_text("ä" * MAX_BYTES)
    cases = {
        tmp_path / "none.toml": "cannot be read: no such file or directory",
        latin: "line 2: not UTF-8",
        pipe: "not a file",
        folder: "not a file",
        large: "larger than 64 KiB",
        Path("/dev/zero"): "not a file",
        Path("a\0b.toml"): "cannot be read: embedded null",
    }
    for path, message in cases.items():
        with pytest.raises(DefinitionError) as caught:
            read_document(read_text(path), Place(str(path)))
        assert str(caught.value).startswith(f"{path}: {message}")


@given(st.text(alphabet="a.='\"[]{},#\\\n ", max_size=60))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_what_the_parser_takes_has_no_deep_key(noise):
    """The scanner and the parser agree on where keys are: no quoting trick smuggles a deep one through."""
    for text in (noise + f"\n{DEEP} = 1\n", noise + f" {{ {DEEP} = 1 }}"):
        try:
            document = read_document(text, PLACE)
        except DefinitionError:
            continue
        assert _depth(document) <= MAX_KEY_PARTS + noise.count("[") + noise.count("{") + 1
        assert not _has_chain(document)


def _depth(value):
    if isinstance(value, dict):
        return 1 + max((_depth(item) for item in value.values()), default=0)
    return max((_depth(item) for item in value), default=0) if isinstance(value, list) else 0


def _has_chain(document):
    """Whether `a.a.a…` of 33 parts was parsed into the document."""
    for _ in range(MAX_KEY_PARTS + 1):
        if not isinstance(document, dict) or "a" not in document:
            return False
        document = document["a"]
    return True
