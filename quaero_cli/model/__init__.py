"""The words of quaero as types: levels, statuses, facts and views. Pure: no I/O, no event loop.

Two kinds of record live here and nothing else:

* **facts**, frozen, named for what happened (`LogLine`, `StepChanged`, ...): the engine emits them, the
  recorder stores them, in the order in which they were emitted (`facts`, `crawl`; `newjob` is what is enqueued);
* **views**, typed dicts in the very shape of the wire protocol (`Entry`, `JobView`, ...): the store's reader
  makes them, and the terminal, the server and `--json` show them unchanged (`views`).
"""

from quaero_cli.model.crawl import (
    CrawlFact,
    Document,
    DocumentFound,
    FrontierDropped,
    FrontierPage,
    PageMemo,
    PagesFound,
    PageState,
    PageVisited,
)
from quaero_cli.model.facts import (
    Fact,
    JobChanged,
    LogLine,
    LogLines,
    StepChanged,
    StepOutput,
    StepProgressed,
    WorkerChanged,
)
from quaero_cli.model.newjob import (
    Kept,
    KeptItem,
    KeptStep,
    NewJob,
    Overlap,
    StepRow,
    Trigger,
)
from quaero_cli.model.views import (
    ArtifactView,
    ChildView,
    Counts,
    DocumentDetails,
    DocumentVersion,
    DocumentView,
    Entry,
    JobSummary,
    JobView,
    LogsView,
    Meta,
    StatusView,
    StepView,
    WorkerCounts,
    WorkerView,
    no_counts,
)
from quaero_cli.model.words import (
    JOB_STATUSES,
    LEVELS,
    MAX_ENTRY_BYTES,
    Level,
    LogQuery,
    Originator,
    Status,
)

__all__ = [
    "ArtifactView",
    "ChildView",
    "Counts",
    "CrawlFact",
    "Document",
    "DocumentDetails",
    "DocumentFound",
    "DocumentVersion",
    "DocumentView",
    "Entry",
    "Fact",
    "FrontierDropped",
    "FrontierPage",
    "JOB_STATUSES",
    "JobChanged",
    "JobSummary",
    "JobView",
    "Kept",
    "KeptItem",
    "KeptStep",
    "LEVELS",
    "Level",
    "LogLine",
    "LogLines",
    "LogQuery",
    "LogsView",
    "MAX_ENTRY_BYTES",
    "Meta",
    "NewJob",
    "Originator",
    "Overlap",
    "PageMemo",
    "PageState",
    "PageVisited",
    "PagesFound",
    "Status",
    "StatusView",
    "StepChanged",
    "StepOutput",
    "StepProgressed",
    "StepRow",
    "StepView",
    "Trigger",
    "WorkerChanged",
    "WorkerCounts",
    "WorkerView",
    "no_counts",
]
