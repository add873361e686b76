"""Facts as bytes and back: how they travel from a worker machine to the stores of those who watch. Pure.

One JSON array per fact, its first item the kind. What was encoded is stored just as if it had never travelled: text
is made storable before (`clean_text`), values of a job's own classes become their text. Bytes are base64.
A kind that is not known is an error: the machines of a cluster run the same version, or the newer ones are views.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import orjson

from quaero_cli.errors import StoreError
from quaero_cli.model import (
    Abroad,
    Document,
    DocumentFound,
    Fact,
    FilePiece,
    FoundPage,
    FrontierDropped,
    JobChanged,
    JobClaimed,
    JobQueued,
    Kept,
    KeptItem,
    KeptStep,
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
from quaero_cli.store.encode import clean_text, decode_json, encode_json

# What is plain already: its fields, in their order, are its items.
_PLAIN: Mapping[str, type[Any]] = {
    "claimed": JobClaimed,
    "job": JobChanged,
    "step": StepChanged,
    "progress": StepProgressed,
    "output": StepOutput,
    "worker": WorkerChanged,
    "dropped": FrontierDropped,
}
_KIND_OF = {class_: kind for kind, class_ in _PLAIN.items()}
_HAS_STATUS = (JobChanged, StepChanged)


def encode_fact(fact: Fact) -> str:
    """Return a fact as JSON."""
    return encode_json(_items(fact.fact if isinstance(fact, Abroad) else fact))


def _items(fact: Fact) -> list[Any]:
    if isinstance(fact, LogLine):
        job, step, worker, time_us, level, message, originator, source, more = fact
        # The fields as the text that is stored: what a class of the job's makes of itself is asked once.
        text = encode_json(more) if more else None
        return [
            "line",
            job,
            step,
            worker,
            time_us,
            int(level),
            clean_text(message),
            originator,
            clean_text(source),
            text,
        ]
    if isinstance(fact, LogLines):
        job, step, worker, time_us, level, messages, originator, source = fact
        texts = [clean_text(message) for message in messages]
        return ["lines", job, step, worker, time_us, int(level), texts, originator, clean_text(source)]
    if isinstance(fact, JobQueued):
        return ["queued", pack_job(fact.job), fact.queue, fact.time_us]
    if isinstance(fact, DocumentFound):
        return ["document", fact.job, _document(fact.document)]
    if isinstance(fact, FilePiece):
        name, data = b64encode(fact.name).decode(), b64encode(fact.data).decode()
        return ["file", fact.job, fact.step, name, fact.offset, fact.size, data]
    if isinstance(fact, PagesFound):
        return ["found", fact.job, fact.step, _found(fact.pages)]
    if isinstance(fact, PageVisited):
        return _visited(fact)
    values = fact if isinstance(fact, tuple) else [getattr(fact, field.name) for field in fields(fact)]
    return [_KIND_OF[type(fact)], *map(_storable, values)]


def _found(pages: Sequence[FoundPage]) -> list[list[str | int | None]]:
    return [[clean_text(url), depth, found_on and clean_text(found_on)] for url, depth, found_on in pages]


def _visited(fact: PageVisited) -> list[Any]:
    memo = None
    if fact.memo is not None:
        url, etag, modified = (
            text and clean_text(text) for text in (fact.memo.url, fact.memo.etag, fact.memo.last_modified)
        )
        memo = [url, etag, modified, b64encode(fact.memo.facts).decode()]
    states = [[clean_text(url), int(state)] for url, state in fact.states]
    document = None if fact.document is None else _document(fact.document)
    unchanged = fact.unchanged and clean_text(fact.unchanged)
    return ["visited", fact.job, fact.step, states, fact.time_us, document, unchanged, memo]


def _storable(value: object) -> object:
    return clean_text(value) if isinstance(value, str) else value


def _document(document: Document) -> dict[str, Any]:
    value = {name: _storable(item) for name, item in asdict(document).items()}
    value["html"] = None if document.html is None else b64encode(document.html).decode()
    return value


def join_facts(texts: Sequence[str]) -> bytes:
    """Return encoded facts as one body."""
    return ("[" + ",".join(texts) + "]").encode()


def join_bodies(bodies: Iterable[bytes]) -> bytes:
    """Return what `join_facts` would have made of the facts of all of them."""
    return b"[" + b",".join(body[1:-1] for body in bodies) + b"]"


def decode_facts(body: bytes) -> list[Fact]:
    """Return the facts of a body. Raises StoreError for what no quaero of this version has made."""
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError:
        values = decode_json(body.decode())  # integers beyond 64 bits
    try:
        return [_DECODERS[kind](*items) for kind, *items in values]
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"facts of a kind that this quaero does not know: {error}", hint="run the same version on all machines"
        ) from error


def _line(
    job: str | None, step: str | None, worker: int | None, time_us: int, level: int, message: str, originator: Any,  # noqa: ANN401
    source: str, more: str | None,
) -> LogLine:  # fmt: skip
    return LogLine(
        job, step, worker, time_us, level, message, originator, source, decode_json(more) if more else None
    )


def _plain(class_: type[Any]) -> Callable[..., Any]:
    def make(*items: Any) -> Any:  # noqa: ANN401
        fact = class_(*items)
        if isinstance(fact, WorkerChanged):
            return fact._replace(status=Status(fact.status))
        if isinstance(fact, _HAS_STATUS):
            object.__setattr__(fact, "status", Status(fact.status))
        return fact

    return make


def _decoded_document(value: dict[str, Any]) -> Document:
    html = None if value["html"] is None else b64decode(value["html"])
    return Document(**{**value, "authors": tuple(value["authors"]), "tags": tuple(value["tags"]), "html": html})


def _decoded_visit(
    job: str, step: str, states: Sequence[Any], time_us: int, document: dict[str, Any] | None, unchanged: str | None,
    memo: Sequence[Any] | None,
) -> PageVisited:  # fmt: skip
    return PageVisited(
        job, step, tuple((url, PageState(state)) for url, state in states), time_us,
        None if document is None else _decoded_document(document), unchanged,
        None if memo is None else PageMemo(memo[0], memo[1], memo[2], b64decode(memo[3])),
    )  # fmt: skip


_DECODERS: dict[str, Callable[..., Fact]] = {
    "line": _line,
    "lines": LogLines,
    "queued": lambda job, queue, time_us: JobQueued(unpack_job(job), queue, time_us),
    "document": lambda job, document: DocumentFound(job, _decoded_document(document)),
    "found": lambda job, step, pages: PagesFound(
        job, step, tuple((url, depth, found_on) for url, depth, found_on in pages)
    ),
    "visited": _decoded_visit,
    "file": lambda job, step, name, offset, size, data: FilePiece(
        job, step, b64decode(name), offset, size, b64decode(data)
    ),
    **{kind: _plain(class_) for kind, class_ in _PLAIN.items()},
}


def pack_job(job: NewJob) -> dict[str, Any]:
    """Return a job as plain data, for `unpack_job`."""
    return asdict(job)


def unpack_job(value: Mapping[str, Any]) -> NewJob:
    """Return the job that `pack_job` has packed, out of JSON."""
    steps = tuple(StepRow(**{**step, "depends": tuple(step["depends"])}) for step in value["steps"])
    kept = None
    if value["kept"] is not None:
        items = tuple(KeptItem(**item) for item in value["kept"]["items"])
        kept = Kept(tuple(KeptStep(**step) for step in value["kept"]["steps"]), items)
    return NewJob(**{**value, "steps": steps, "kept": kept, "secrets": tuple(value["secrets"])})


def job_of(body: bytes) -> NewJob:
    """Return the job of what travels through a queue: `pack_job`, as JSON."""
    return unpack_job(decode_json(body.decode()))
