"""The words of quaero as types: levels, statuses, facts and views. Pure: no I/O, no event loop.

Two kinds of record live here and nothing else:

* **facts**, frozen, named for what happened (`LogLine`, `StepChanged`, ...): the engine emits them, the
  recorder stores them, in the order in which they were emitted;
* **views**, typed dicts in the very shape of the wire protocol (`Entry`, `JobView`, ...): the store's reader
  makes them, and the terminal, the server and `--json` show them unchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict


class Level(IntEnum):
    """Severity of an entry; stored as this integer. A level filter is always a threshold."""

    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40

    @property
    def label(self) -> str:
        """The level's name in JSON, TOML and on the command line: `debug info warn error`."""
        return self.name.lower()


LEVELS: Mapping[str, Level] = {level.label: level for level in Level}


class Status(StrEnum):
    """State of a job, step or worker. The last six are final: written once, never left."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    WARNING = "warning"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self not in (Status.PENDING, Status.RUNNING)

    @property
    def good(self) -> bool:
        """Whether what depends on it may start."""
        return self in (Status.COMPLETED, Status.WARNING)


Originator = Literal["worker", "step", ""]

# An entry larger than this is split by whoever makes it, with a continuation mark (design: "Limits from the start").
MAX_ENTRY_BYTES = 64 * 1024


# ------------------------------------------------------------------ facts: engine -> recorder -> store


class LogLine(NamedTuple):
    """One line, accepted. `job` None: the service log. A plain tuple, because 400,000 a second are made."""

    job: str | None
    step: str | None
    worker: int | None
    time_us: int  # UTC, microseconds since 1970
    level: int
    message: str
    originator: Originator
    source: str  # the step's type, `stdout`, `stderr`, a logger's name; "" for the runner
    fields: Mapping[str, Any] | None


class LogLines(NamedTuple):
    """Many lines of one originator at one moment, at most 64 KiB each: what a child printed at once."""

    job: str | None
    step: str | None
    worker: int | None
    time_us: int
    level: int
    messages: Sequence[str]
    originator: Originator
    source: str


@dataclass(frozen=True, slots=True)
class JobChanged:
    """The job reached `status`. A final one is written only if `attempt` still holds the job."""

    job: str
    status: Status
    time_us: int
    attempt: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StepChanged:
    """The step reached `status`; or, running already, it begins its next `attempt`."""

    job: str
    step: str
    status: Status
    time_us: int
    error: str | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class StepProgressed:
    """How far a step is: `progress` in percent (0 to 100), `text` for people. None leaves a value as it was."""

    job: str
    step: str
    progress: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class StepOutput:
    """Values that a step hands to later ones; JSON-able. Kept with the job."""

    job: str
    step: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkerChanged:
    """The worker `number` (from 1 within its step) reached `status`; or, running already, its next `attempt`.

    The first fact about a worker makes it, with its `label` and the `item` of `for_each` that it works on (plain
    data; None: none). `outputs` are those that it left when it completed.
    """

    job: str
    step: str
    number: int
    status: Status
    time_us: int
    label: str = ""
    error: str | None = None
    attempt: int = 1
    item: object = None
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What the crawler extracted from one page. `text` is Markdown; times are UTC microseconds."""

    url: str
    canonical_url: str
    title: str
    text: str
    content_hash: str  # sha-256 of the text, hex
    status: int  # HTTP status of the page
    fetched_at: int
    authors: tuple[str, ...] = ()
    published: str | None = None  # ISO 8601 date or date-time, as the page says
    language: str | None = None
    site: str | None = None
    tags: tuple[str, ...] = ()
    image: str | None = None  # URL of the picture that stands for the article
    html: bytes | None = None  # the page as it came, for crawls that keep it


@dataclass(frozen=True, slots=True)
class DocumentFound:
    """A document to keep. Its URL is its identity: found again, it is updated, and what it said before is kept."""

    job: str
    document: Document


class PageState(IntEnum):
    """What became of a URL of a crawl; stored as this integer."""

    WAITING = 0
    DONE = 1  # asked for, and there was a definite answer
    FAILED = 2  # asked for in vain: worth another try
    PASSED = 3  # left alone, or reached by a redirect: it counts as no page


class FrontierPage(NamedTuple):
    """A URL of a crawl's frontier. `id` is its place in the order of finding."""

    id: int
    url: str
    depth: int
    state: PageState


@dataclass(frozen=True, slots=True)
class PageMemo:
    """What the last answer of a URL was. `facts` is JSON, made and read by the crawler alone."""

    url: str
    etag: str | None
    last_modified: str | None
    facts: bytes


@dataclass(frozen=True, slots=True)
class PagesFound:
    """A crawl found these URLs, at these depths."""

    job: str
    step: str
    pages: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PageVisited:
    """What became of a page of a crawl, all of it at once: its URLs' states, its article, what is known of it now.

    `unchanged` is the URL of a document that was found as it is kept.
    """

    job: str
    step: str
    states: tuple[tuple[str, PageState], ...]
    time_us: int
    document: Document | None = None
    unchanged: str | None = None
    memo: PageMemo | None = None


@dataclass(frozen=True, slots=True)
class FrontierDropped:
    """So many URLs of the step's frontier are needed no more."""

    job: str
    step: str
    rows: int


CrawlFact = PagesFound | PageVisited | FrontierDropped
Fact = (
    LogLine
    | LogLines
    | JobChanged
    | StepChanged
    | StepProgressed
    | StepOutput
    | WorkerChanged
    | DocumentFound
    | CrawlFact
)


# ------------------------------------------------------------------ what is enqueued


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step as it is written when its job is enqueued."""

    name: str
    type: str
    depends: tuple[str, ...] = ()
    service: bool = False  # it has no progress: it ends when nobody needs it


# What made a job: a person's command, a request, the scheduler, a step of another job, a retry, another job's end.
Trigger = Literal["cli", "api", "schedule", "job", "retry", "hook"]

# What happens to a new job while one of its definition is open: it is not taken, it waits for its turn, it cancels
# the others and then starts, it runs beside them.
Overlap = Literal["refuse", "queue", "cancel", "allow"]


@dataclass(frozen=True, slots=True)
class KeptStep:
    """A step that was done in the job that is retried, and is not run again."""

    name: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeptItem:
    """An item of a fan-out whose worker was done, in a step that is run again."""

    step: str
    item: Any
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a retry takes over from the job that it repeats. Outputs as they were stored: secrets masked."""

    steps: tuple[KeptStep, ...] = ()
    items: tuple[KeptItem, ...] = ()


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue: self-contained data, its ID made by the submitter."""

    id: str
    definition: str
    name: str
    trigger: Trigger
    definition_text: str  # the TOML text, as it was read
    definition_hash: str  # sha-256 of that text, hex
    definition_path: str  # where it was read from, for people
    parameters: Mapping[str, Any]
    steps: tuple[StepRow, ...]
    secrets: tuple[str, ...] = ()  # names only
    overlap: Overlap = "refuse"
    retry_of: str | None = None  # the job that this one repeats
    kept: Kept | None = None  # what it takes over from that one
    resumes: bool = False  # whether its steps go on where those of `retry_of` were: a crawl keeps its frontier
    parent: str | None = None  # the job, and the step in it, that runs this one as a sub-job
    parent_step: str | None = None
    scheduled_for: int | None = None  # the fire time, UTC microseconds


# ------------------------------------------------------------------ views: the shapes of the wire protocol


class Counts(TypedDict):
    """Entries by level, exact."""

    debug: int
    info: int
    warn: int
    error: int


def no_counts() -> Counts:
    """Counts of nothing."""
    return Counts(debug=0, info=0, warn=0, error=0)


class Entry(TypedDict):
    """A stored log entry, as the wire protocol shows it; absent keys are absent in JSON, too."""

    id: int
    timestamp: str  # ISO 8601, UTC, milliseconds, "Z"
    level: str
    message: str
    job_id: NotRequired[str]
    step_id: NotRequired[str]
    step_name: NotRequired[str]
    worker: NotRequired[str]
    originator: str
    source: str
    line_number: NotRequired[int]
    job_line: NotRequired[int]
    fields: NotRequired[dict[str, Any]]


class WorkerCounts(TypedDict):
    """Workers of a step by state; an interrupted worker counts as cancelled."""

    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int


class StepView(TypedDict):
    """A step in a `status` event."""

    id: str
    name: str
    type: str
    status: str
    attempt: int  # from 1; the last one that began
    progress: int
    workers: WorkerCounts
    progress_text: str
    counts: Counts
    started_at: str | None
    finished_at: str | None
    error: str | None


class JobView(TypedDict):
    """The job in a `status` event."""

    id: str
    definition: str
    name: str
    status: str
    progress: int
    started_at: str | None
    finished_at: str | None
    error: str | None


class StatusView(TypedDict):
    """Data of a `status` event."""

    job: JobView
    steps: list[StepView]


class JobSummary(JobView):
    """A job in a list."""

    trigger: str
    parent_id: str | None  # the job of which this is a sub-job
    retry_of: str | None
    scheduled_for: str | None  # the fire time of a scheduled job
    waiting_for: str | None  # the job that must end before this one, which is queued, may start
    created_at: str
    duration_ms: int | None
    total_count: int
    counts: Counts


class ChildView(TypedDict):
    """A sub-job, as its parent names it."""

    id: str
    step: str  # the parent's step that ran it
    definition: str
    name: str
    status: str


class ArtifactView(TypedDict):
    """A file that a step has left with its job."""

    step: str
    name: str  # its path below the step's folder
    bytes: int


class WorkerView(TypedDict):
    """A worker in `show`."""

    name: str
    status: str
    label: str
    attempt: int  # from 1; the last one that began
    item: Any  # of `for_each`; None: it works on none
    started_at: str | None
    finished_at: str | None
    error: str | None


class DocumentView(TypedDict):
    """A document in a list, without its text."""

    id: int
    url: str
    canonical_url: str
    title: str
    authors: list[str]
    published: str | None
    language: str | None
    site: str | None
    tags: list[str]
    content_hash: str
    status: int
    fetched_at: str
    first_seen: str
    last_seen: str
    job_id: str
    image: str | None
    version: int  # how many versions it has
    snippet: NotRequired[str]  # of a search: the words around what was found, which stands between asterisks


class DocumentVersion(TypedDict):
    """What a document said before it changed, without its text."""

    version: int
    title: str
    content_hash: str
    published: str | None
    fetched_at: str
    job_id: str


class DocumentDetails(DocumentView):
    """One document."""

    text: str  # Markdown
    versions: list[DocumentVersion]  # older ones


class Meta(TypedDict):
    """What a `logs` batch says of its place. The counts are None when a text filter is on."""

    total_count: int | None
    displayed_count: int | None
    has_more: bool
    oldest_id: int | None
    newest_id: int | None
    counts: Counts | None


class LogsView(TypedDict):
    """Data of a `logs` event, and the answer of a page."""

    logs: list[Entry]
    meta: Meta


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which entries a reader wants. `jobs` empty: the service log.

    `steps` holds step names or step IDs (`JOB.STEP`); `worker` a worker's name (`fetch-17`); `text` is looked for
    in the message, case-insensitively.
    """

    jobs: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    level: Level = Level.INFO
    worker: str | None = None
    text: str | None = None
    originator: str | None = None  # `worker`, `step`, or "" for the runner; None: any
