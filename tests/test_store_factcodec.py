"""Facts that travel: what another store makes of them is what the first one made."""

from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stores import NOW, copies_of, new_home, new_job

from quaero_cli.errors import StoreError
from quaero_cli.model import (
    Abroad,
    Document,
    DocumentFound,
    FilePiece,
    FrontierDropped,
    JobChanged,
    JobClaimed,
    JobQueued,
    Kept,
    KeptItem,
    KeptStep,
    Level,
    LogLine,
    LogLines,
    NewJob,
    PageMemo,
    PagesFound,
    PageState,
    PageVisited,
    Status,
    StepChanged,
    StepOutput,
    StepProgressed,
    StepRow,
    WorkerChanged,
)
from quaero_cli.settings import Settings
from quaero_cli.store.encode import encode_json
from quaero_cli.store.engine import connect
from quaero_cli.store.factcodec import decode_facts, encode_fact, join_facts
from quaero_cli.store.queue import enqueue
from quaero_cli.store.writer import Writer

# Everything that a string may hold: NUL, lone surrogates, line separators.
texts = st.text(st.characters(), max_size=20) | st.sampled_from(["\0", "\ud800", "\u2028", '"', "\\", ""])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
fields = st.none() | st.dictionaries(texts, values, max_size=3)
levels = st.sampled_from(Level)
statuses = st.sampled_from(Status)
numbers = st.integers(1, 3)
words = st.text("abc", min_size=1, max_size=3)
documents = st.builds(
    Document, url=words, canonical_url=texts, title=texts, text=texts, content_hash=words,
    status=st.integers(100, 599), fetched_at=st.integers(0, NOW), authors=st.tuples(texts),
    published=st.none() | words,
    language=st.none() | words, site=st.none() | texts, tags=st.tuples(texts, texts), image=st.none() | texts,
    html=st.none() | st.binary(max_size=20),
)  # fmt: skip
memos = st.builds(PageMemo, words, st.none() | texts, st.none() | texts, st.binary(max_size=20))
page_states = st.lists(st.tuples(texts, st.sampled_from(PageState)), max_size=2).map(tuple)
facts = st.one_of(
    st.builds(LogLine, st.just("j1") | st.none(), st.just("work"), st.none() | numbers, st.just(NOW), levels, texts,
              st.just("step"), texts, fields),
    st.builds(LogLines, st.just("j1"), st.just("work"), st.none() | numbers, st.just(NOW), levels,
              st.lists(texts, min_size=1, max_size=3), st.just("step"), texts),
    st.builds(JobChanged, st.just("j1"), statuses, st.just(NOW), st.just(0), st.none() | texts),
    st.builds(StepChanged, st.just("j1"), st.just("work"), statuses, st.just(NOW), st.none() | texts, numbers),
    st.builds(StepProgressed, st.just("j1"), st.just("work"), st.none() | st.integers(0, 100), st.none() | texts),
    st.builds(StepOutput, st.just("j1"), st.just("work"), st.dictionaries(texts, values, max_size=2)),
    st.builds(WorkerChanged, st.just("j1"), st.just("work"), numbers, statuses, st.just(NOW), texts,
              st.none() | texts, numbers, values, fields),
    st.builds(DocumentFound, st.just("j1"), documents),
    st.builds(PagesFound, st.just("j1"), st.just("work"),
              st.lists(st.tuples(texts, st.integers(0, 9), st.none() | texts), max_size=2).map(tuple)),
    st.builds(PageVisited, st.just("j1"), st.just("work"), page_states, st.just(NOW), st.none() | documents,
              st.none() | texts, st.none() | memos),
    st.builds(FrontierDropped, st.just("j1"), st.just("work"), numbers),
)  # fmt: skip

_TABLES = {
    "log": "id", "log_count": "step, level", "step": "key", "worker": "number", "job": "key", "document": "id",
    "document_version": "version", "document_html": "document", "page": "url", "frontier": "id",
}  # fmt: skip


def _content(path) -> dict[str, list[tuple]]:
    with closing(connect(path, readonly=True)) as connection:
        return {
            table: [
                row if table != "page" else row[1:]
                for row in connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
            ]
            for table, order in _TABLES.items()
        }


@pytest.fixture(scope="module")
def homes(tmp_path_factory) -> Callable[[], Settings]:
    """Makes data directories with the job `j1`."""
    first = new_home(tmp_path_factory.mktemp("first"))
    enqueue(first.database, new_job("j1"))
    return copies_of(first, tmp_path_factory)


@settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.lists(facts, min_size=1, max_size=6))
def test_what_travelled_is_stored_as_if_it_had_not(homes, told):
    """A view would show another text, other fields or another state than the machine on which the job ran."""
    travelled = decode_facts(join_facts([encode_fact(fact) for fact in told]))
    contents = []
    for batch in (told, travelled):
        home = homes()
        with closing(Writer(home.database)) as writer:
            writer.apply(1, batch)
        contents.append(_content(home.database))
    here, there = contents
    assert there == here


def test_a_file_travels_whole():
    """What steps left would be another file at its destination."""
    told = [FilePiece("j1", "work", b"caf\xe9/\n", 3, 10, bytes(range(7))), FilePiece("j1", "work", b"x", 0, 0, b"")]
    assert decode_facts(join_facts([encode_fact(Abroad(fact)) for fact in told])) == told


def test_a_job_travels_whole():
    """A worker would run another job than the one that was made, or none of its kept steps."""
    kept = Kept((KeptStep("a", {"n": 1}),), (KeptItem("b", ["x"], {}),))
    job = NewJob(
        "j1", "demo", "Demo", "retry", "text", "hash", "/p", {"list": [1, "two"]}, (StepRow("b", "shell", ("a",)),),
        ("KEY",), "queue", "j0", kept, True, "p", "s", 5,
    )  # fmt: skip
    told = [JobQueued(job, "gpu", NOW), JobQueued(job, None, NOW), JobClaimed("j1", "w1", 2, NOW)]
    assert decode_facts(join_facts([encode_fact(fact) for fact in told])) == told


def test_what_a_class_of_the_jobs_makes_of_itself_is_kept():
    """The fields of an entry would come as an error, or differ between two views."""

    class Odd:
        def __str__(self) -> str:
            return "odd\ud800"

    line = LogLine("j1", None, None, NOW, Level.INFO, "m", "", "", {"odd": Odd(), "big": 2**80})
    (back,) = decode_facts(join_facts([encode_fact(line)]))
    assert encode_json(back.fields) == encode_json(line.fields)


@pytest.mark.parametrize("body", [b'[["new-kind", 1]]', b'[["line", 1]]', b'[["job", "j", "odd", 1, 1, null]]'])
def test_facts_of_another_version_are_told(body):
    """A view of another version would crash with a traceback, or store something else."""
    with pytest.raises(StoreError, match="does not know") as caught:
        decode_facts(body)
    assert caught.value.hint
