"""The documentation of definitions: every key, placeholder and step type, and examples that pass the check."""

import inspect
import re
import types

import pytest
from documents import DOCUMENTS, document, each_document, first_cells

from quaero_cli.jobdef.keys import (
    HOOK_KEYS,
    PARAMETER_KEYS,
    READY_KEYS,
    RETRIES_KEYS,
    ROOT_KEYS,
    STEP_KEYS,
    TOLERANCE_KEYS,
)
from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.placeholders import PLACEHOLDER
from quaero_cli.model import Status
from quaero_cli.pycall.thread import ThreadContext
from quaero_cli.steps.contract import StepContext
from quaero_cli.steps.registry import load_step_types, read_step_type


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("Keys of the file", ROOT_KEYS),
        ("Parameters", PARAMETER_KEYS),
        ("Keys of a step", STEP_KEYS),
        ("Retries", RETRIES_KEYS),
        ("Service steps", READY_KEYS),
        ("Hooks", HOOK_KEYS),
        ("Failed workers", TOLERANCE_KEYS),
        ("Statuses", [status.value for status in Status]),
    ],
)
def test_every_key_is_described(heading, known):
    """A key would work and be unknown, or be described and refused."""
    written = [code for cells in first_cells(document("definitions.md").section(heading)) for code in cells]
    assert sorted(written) == sorted(known)


def test_every_placeholder_is_one():
    """A placeholder of the table would be printed as it is."""
    cells = first_cells(document("definitions.md").section("Placeholders"))
    assert [len(each) for each in cells] == [1] * 7
    assert all(PLACEHOLDER.fullmatch(each[0]) for each in cells)


@pytest.mark.parametrize(
    "kind", [name for name, each in load_step_types().items() if "quaero_cli" in each.function.__module__]
)
def test_every_step_type_has_its_example(kind):
    """A newcomer would find no way in to a step type."""
    section = document("definitions.md").section(kind)
    assert f'type = "{kind}"' in section


@each_document
def test_every_definition_passes_the_check(name, tmp_path):
    """A definition that is copied from the documentation would be refused."""
    types_ = load_step_types()
    for number, block in enumerate(DOCUMENTS[name].blocks("toml")):
        if "[step." in block or block.startswith("name ="):
            parse(block, path=tmp_path / f"block-{number}.toml", step_types=types_)
        else:
            assert name != "docs/definitions.md", f"only a part of a definition: {block}"


def test_the_step_type_of_the_example_is_one():
    """Whoever begins with the example would begin with an error."""
    (source,) = document("architecture.md").blocks("python")
    module = types.ModuleType("countdown")
    exec(compile(source, "countdown.py", "exec"), vars(module))
    kind = read_step_type("countdown", module)
    assert [(option.name, option.required, bool(option.help)) for option in kind.options] == [
        ("start", True, True),
        ("pause", False, True),
    ]


def test_every_part_of_the_context_is_there():
    """An author of a python step would not know what there is, or use what is not there."""
    written = {code for cells in first_cells(document("definitions.md").section("What ctx can do")) for code in cells}
    assert written == {name for name in vars(StepContext) if not name.startswith("_")}
    assert written <= set(dir(ThreadContext)) | {*signature_of_thread_context()}


def signature_of_thread_context() -> set[str]:
    """Return the attributes that a ThreadContext sets when it is made."""
    source = inspect.getsource(ThreadContext.__init__)
    return set(re.findall(r"self\.([a-z]\w*)", source))
