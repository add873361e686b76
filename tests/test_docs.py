"""The documentation as a whole: its settings, variables, figures, recipes, queries and links are the product's."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from documents import DOCUMENTS, ROOT, document, each_document, first_cells

from quaero_cli.cli import cancel
from quaero_cli.cli.configuration import from_tables
from quaero_cli.engine.process import GRACE
from quaero_cli.jobdef.model import DEFAULT_PARALLEL_STEPS
from quaero_cli.jobdef.source import MAX_BYTES, MAX_KEY_PARTS
from quaero_cli.masking.forms import MAX_SECRET, MIN_LINE, MIN_SECRET
from quaero_cli.model import MAX_ENTRY_BYTES
from quaero_cli.server import filters
from quaero_cli.server.limits import Limits
from quaero_cli.server.sse import RETRY_MS
from quaero_cli.settings import KNOWN, ServerSettings, build
from quaero_cli.store.engine import connect
from quaero_cli.store.entries import BYTE_LIMIT, PAGE_BYTES
from quaero_cli.store.schema import prepare
from quaero_cli.stream import pace
from quaero_cli.stream.follower import FAR_BEHIND


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


def test_every_variable_of_the_environment_is_described():
    """Somebody's terminal or service would behave strangely, and no page would say why."""
    written = {name for cells in first_cells(document("configuration.md").text) for name in cells}
    read = set()
    for path in (ROOT / "quaero_cli").rglob("*.py"):
        if path.parent.name not in ("engine", "steps"):  # what is handed to children is told with definitions
            read |= set(re.findall(r'(?:env|environ|environment)(?:\.get\(|\[)"([A-Z_]+)"', path.read_text()))
    assert "NO_COLOR" in read
    assert read <= written, read - written


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
