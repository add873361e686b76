"""What readers are shown, in the very shape of the wire protocol: the store makes these, and the terminal, the server
and `--json` show them unchanged."""

from typing import Any, NotRequired, TypedDict


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
    queue: str | None  # of a cluster, whose workers may run it; None: it runs where it was made
    labels: dict[str, str]  # that a cluster's worker must have to run it
    node: str | None  # the cluster's worker machine that runs it, or ran it
    attempt: int  # from 1; more where the machine that ran it was lost and another began it anew; 0: nobody yet
    untaken: str | None  # why no worker that is there may take it; None: one may, or it waits for none
    created_at: str
    duration_ms: int | None
    total_count: int
    counts: Counts


class EngineView(TypedDict):
    """A cluster's engine, as a view sees it."""

    reachable: bool
    behind: int  # messages of its log that the view has not read yet


class ChildView(TypedDict):
    """A sub-job, as its parent names it."""

    id: str
    step: str | None  # the parent's step that ran it; None: one of its hooks did
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
