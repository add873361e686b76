"""The documentation says what the product does: every name in it exists, and every name that exists is in it."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest
import typer
from documents import ROOT, document, documents, first_cells
from serving import all_routes
from shells import PATIENCE, Shell

from quaero_cli import errors
from quaero_cli.cli import cancel
from quaero_cli.cli.app import make_app
from quaero_cli.cli.configuration import from_tables
from quaero_cli.engine.process import GRACE
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
from quaero_cli.jobdef.model import DEFAULT_PARALLEL_STEPS
from quaero_cli.jobdef.placeholders import PLACEHOLDER
from quaero_cli.jobdef.source import MAX_BYTES, MAX_KEY_PARTS
from quaero_cli.masking.forms import MAX_SECRET, MIN_LINE, MIN_SECRET
from quaero_cli.model import MAX_ENTRY_BYTES, LogsView, Status, StatusView
from quaero_cli.pycall.thread import ThreadContext
from quaero_cli.server import filters
from quaero_cli.server.filters import BUNDLE_RULES, JOB_RULES, PAGE_RULES, SEARCH_RULES, STREAM_RULES
from quaero_cli.server.limits import Limits
from quaero_cli.server.schemas import schemas_of
from quaero_cli.server.sse import RETRY_MS
from quaero_cli.settings import KNOWN, ServerSettings, build
from quaero_cli.steps.contract import StepContext
from quaero_cli.steps.registry import load_step_types, read_step_type
from quaero_cli.store.engine import connect
from quaero_cli.store.entries import BYTE_LIMIT, PAGE_BYTES
from quaero_cli.store.jobs import JobDetails
from quaero_cli.store.schema import prepare
from quaero_cli.stream import pace
from quaero_cli.stream.follower import FAR_BEHIND
from quaero_cli.terminal.codes import CTRL_C, TIMEOUT, exit_code

COMMANDS = typer.main.get_command(make_app())
DOCUMENTS = {each.name: each for each in documents()}
each_document = pytest.mark.parametrize("name", DOCUMENTS)


def options(command) -> set[str]:
    """Return every option of a command but those that all have."""
    named = {opt for parameter in command.params for opt in parameter.opts if opt.startswith("-")}
    return named - {"--home"}


def written_options(section: str) -> set[str]:
    """Return the options in a section's tables."""
    return {code.split()[0] for cells in first_cells(section) for code in cells if code.startswith("-")}


# ------------------------------------------------------------------ the command line


def test_every_command_has_its_section():
    """A command would be there and nobody would know, or be promised and not there."""
    headings = document("command-line.md").headings()
    assert [words[1] for each in headings if (words := each.split())[0] == "quaero"] == list(COMMANDS.commands)


@pytest.mark.parametrize("command", COMMANDS.commands)
def test_every_option_is_in_its_commands_section(command):
    """A user would look for an option in vain, or type one that is not there."""
    page = document("command-line.md")
    heading = next(each for each in page.headings() if each.split()[:2] == ["quaero", command])
    assert written_options(page.section(heading)) == options(COMMANDS.commands[command])


def test_the_options_before_the_command_are_there():
    """`quaero --debug` would be known to the source alone."""
    wanted = options(COMMANDS) | {"--home", "-h", "--help"}
    assert written_options(document("command-line.md").section("Options of all commands")) == wanted


def test_every_exit_code_is_there():
    """A script would meet a code that no table explains."""
    known = {
        each.exit_code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "exit_code")
    }
    of_jobs = {exit_code(status) for status in Status if status.final and status is not Status.SKIPPED}
    table = document("command-line.md").section("Exit codes")
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert written == known | of_jobs | {TIMEOUT, CTRL_C}


@each_document
def test_every_command_line_can_be_typed(name):
    """An example would end with "no such option"."""
    for words, whole in DOCUMENTS[name].calls():
        if not words or words[0] in options(COMMANDS) or words[0] == "COMMAND":
            continue
        assert words[0] in COMMANDS.commands, words
        command = COMMANDS.commands[words[0]]
        context = command.context_class(command, info_name=words[0])
        try:
            values, rest, _ = command.make_parser(context).parse_args(words[1:])
        except Exception as error:  # a class of Typer's whose home depends on its version
            pytest.fail(f"quaero {' '.join(words)}: {error}")
        missing = [each.name for each in command.params if each.required and not values.get(each.name)]
        assert not rest, words
        assert not (whole and missing), words


@each_document
def test_every_recipe_exists(name):
    """The first command that a newcomer types would fail."""
    recipes = set(re.findall(r"^(\w[\w-]*)[^:=]*:(?!=)", (ROOT / "Justfile").read_text(), re.MULTILINE))
    for line in DOCUMENTS[name].shell_lines():
        assert set(re.findall(r"\bjust (\S+)", line)) <= recipes, line


def test_every_setting_is_described():
    """A setting would be unknown, or be written with another default than it has."""
    written = first_cells(document("configuration.md").section("Settings"))
    table = document("configuration.md").section("Settings")
    rows = re.findall(r"^\| `(\S+)` \| `(\S+)` \| `(\S+)` \|", table, re.MULTILINE)
    assert len(rows) == len(written)
    assert rows == [
        (
            each.name,
            each.variable,
            json.dumps(list(each.default) if isinstance(each.default, tuple) else each.default),
        )
        for each in KNOWN
    ]
    (example,) = document("configuration.md").blocks("toml")
    given = from_tables(tomllib.loads(example), Path("quaero.toml"))
    assert list(given) == [each.name for each in KNOWN]
    build(Path(), given)


# ------------------------------------------------------------------ definitions


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


def test_every_variable_of_the_environment_is_described():
    """Somebody's terminal or service would behave strangely, and no page would say why."""
    written = {name for cells in first_cells(document("configuration.md").text) for name in cells}
    read = set()
    for path in (ROOT / "quaero_cli").rglob("*.py"):
        if path.parent.name not in ("engine", "steps"):  # what is handed to children is told with definitions
            read |= set(re.findall(r'(?:env|environ|environment)(?:\.get\(|\[)"([A-Z_]+)"', path.read_text()))
    assert "NO_COLOR" in read
    assert read <= written, read - written


# ------------------------------------------------------------------ the protocol


def test_every_route_is_described(tmp_path):
    """A client's author would miss a route, or call one that is not there."""
    page = document("protocol.md")
    written = re.findall(r"(?:^### |`)(GET|POST|PUT|DELETE) (/[^\s`]*)", page.prose, re.MULTILINE)
    served = {(method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)) for rule, method in all_routes(tmp_path)}
    assert set(written) == {(method, rule) for method, rule in served if method != "HEAD"}


@pytest.mark.parametrize(
    ("route", "rules"),
    [
        ("GET /api/logs/stream", STREAM_RULES),
        ("GET /api/logs/streams", BUNDLE_RULES),
        ("GET /api/logs", {name: rule for name, rule in PAGE_RULES.items() if name in ("before", "since", "around")}),
        ("GET /api/search", SEARCH_RULES),
        ("GET /api/jobs", JOB_RULES),
    ],
)
def test_every_query_parameter_is_described(route, rules):
    """A filter would be unknown, or answered with 400."""
    written = [cells[0] for cells in first_cells(document("protocol.md").section(route))]
    assert sorted(written) == sorted(rules)


def test_every_event_is_described():
    """A client would meet an event that it was never told of."""
    written = [cells[0] for cells in first_cells(document("protocol.md").section("The stream"))]
    source = (ROOT / "quaero_cli" / "server" / "sse.py").read_text()
    sent = set(re.findall(r'frame\("(\w+)"', source))
    assert set(written) == sent


def test_every_part_of_a_view_is_described():
    """A field of an answer would have no meaning that anybody could look up."""
    shapes = document("protocol.md").text
    for view in schemas_of([JobDetails, LogsView, StatusView]).values():
        for key in view["properties"]:
            assert re.search(rf"[`\"]{key}[`\"]", shapes), key


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples use curl")
def test_the_examples_with_curl_work(tmp_path):
    """Whoever copies the examples one after the other would be stopped by one of them."""
    shell = Shell(tmp_path)
    script = "set -euo pipefail\n" + "\n".join(document("protocol.md").blocks("sh"))
    with shell.serving() as server:
        script = script.replace("http://127.0.0.1:8420", f"http://127.0.0.1:{server.port}")
        script = script.replace("curl -s", "curl --max-time 30 -s")
        environment = {**shell.environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Hello, Ada" in done.stdout
    assert "event: end" in done.stdout
    errors_told = re.findall(r'\{"error":"[^"]*"', done.stdout)
    assert len(errors_told) == 1, errors_told  # the job that is cancelled has ended before
    assert "has ended already" in errors_told[0]


# ------------------------------------------------------------------ everything else


def test_the_queries_of_the_guide_run(tmp_path):
    """A query from the guide would be answered with "no such column"."""
    path = tmp_path / "quaero.db"
    prepare(path)
    connection = connect(path, readonly=True)
    try:
        queries = document("guide.md").blocks("sql")
        assert queries
        for query in queries:
            connection.execute(query).fetchall()
        view = [row[1] for row in connection.execute("PRAGMA table_info(log_view)")]
    finally:
        connection.close()
    assert ", ".join(f"`{column}`" for column in view[:-1]) in " ".join(document("guide.md").text.split())


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("protocol.md", f"within the last {pace.BATCH_INTERVAL * 1000:g} ms"),
        ("protocol.md", f"at {pace.BATCH_ENTRIES:,} entries or {BYTE_LIMIT // 1024} KiB"),
        ("protocol.md", f"after {pace.PING_AFTER:g} seconds in which nothing else was sent"),
        (
            "protocol.md",
            f"more than {FAR_BEHIND:,} entries behind it is moved ahead to the newest {pace.BATCH_ENTRIES:,}",
        ),
        ("protocol.md", f"it comes to {PAGE_BYTES >> 20} MiB"),
        ("protocol.md", f"takes nothing for {Limits().send_seconds:g} seconds"),
        ("protocol.md", f"default {filters.DEFAULT_LIMIT}; 0 to {filters.MAX_LIMIT}"),
        ("protocol.md", f"for the service to {filters.MAX_SERVICE_LIMIT}"),
        ("protocol.md", f"1 to {filters.MAX_FOUND}, default {filters.DEFAULT_FOUND}"),
        ("protocol.md", f"1 to {filters.MAX_JOBS_LISTED}, default {filters.DEFAULT_JOBS}"),
        ("protocol.md", f"repeatable up to {filters.MAX_JOBS} times"),
        ("protocol.md", f"retry: {RETRY_MS}"),
        ("definitions.md", f"| integer, at least 1 | {DEFAULT_PARALLEL_STEPS} |"),
        ("definitions.md", f"{MAX_BYTES // 1024} KiB at most, and a dotted key {MAX_KEY_PARTS} parts"),
        ("definitions.md", f"KILL after {GRACE:g} seconds"),
        ("definitions.md", f"shorter than {MIN_SECRET} characters or larger than {MAX_SECRET // 1024} KiB"),
        ("definitions.md", f"each line of at least {MIN_LINE} characters"),
        ("definitions.md", f"stored whole up to {MAX_ENTRY_BYTES // 1024} KiB"),
        ("command-line.md", f"({GRACE:g} seconds, then they are killed)"),
        ("command-line.md", f"waits up to {cancel.PATIENCE:g} seconds"),
        ("command-line.md", f"default {ServerSettings().port}, 0 picks one"),
        ("guide.md", f"TERM and {GRACE:g} seconds"),
    ],
)
def test_every_figure_is_the_codes(name, phrase):
    """A limit would be another than the one that is written."""
    assert phrase in " ".join(document(name).text.split())


@each_document
def test_every_link_leads_somewhere(name):
    """A reader would follow a link into nothing."""
    here = DOCUMENTS[name]
    for link in here.links():
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = (here.path.parent / target).resolve() if target else here.path
        assert path.exists(), link
        if anchor:
            assert anchor in DOCUMENTS[str(path.relative_to(ROOT))].anchors(), link
