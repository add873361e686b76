"""The lists: jobs, definitions, step types, and the help of one step type. Pure: facts in, text out.

An empty list is an empty string: that there is nothing is for the caller to say, on stderr.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

from quaero_cli.model import JobSummary
from quaero_cli.terminal import words
from quaero_cli.terminal.page import Cell, Column, Page, table


class RemovedJob(NamedTuple):
    """A job that retention has deleted, or would."""

    id: str
    definition: str
    status: str
    finished_at: str
    entries: int


class DefinitionRow(TypedDict):
    """A job definition in a list, as `defs --json` prints it; further keys are free."""

    id: str
    name: str
    description: str
    path: str  # where it was read from
    enabled: bool
    error: str | None  # why it cannot be used
    hint: NotRequired[str | None]  # the way out, where there is one
    shadowed_by: NotRequired[str | None]  # the file that wins, where this one does not
    schedule: NotRequired[list[str]]
    timezone: NotRequired[str | None]  # of the schedule, where it names one
    parameters: NotRequired[list[Any]]
    shipped: NotRequired[bool]  # whether it came with quaero
    next_fire_at: NotRequired[str | None]
    steps: NotRequired[list[Any]]


class OptionHelp(TypedDict):
    """An option of a step type."""

    name: str
    type: str  # for people: `list of strings`
    default: str | None  # as it would be written in TOML; None: it is required
    description: str


class StepTypeHelp(TypedDict):
    """A step type with its help."""

    type: str
    summary: str  # one sentence
    description: NotRequired[str]  # paragraphs, separated by blank lines; the summary may be the first
    options: list[OptionHelp]


_JOBS = (
    Column("ID"),
    Column("DEFINITION", least=10),
    Column("STATUS"),
    Column("STARTED", drop=3),
    Column("DURATION", right=True, drop=2),
    Column("ENTRIES", right=True, drop=5),
    Column("WARN", right=True, drop=4),
    Column("ERROR", right=True, drop=1),
)
_REMOVED = (
    Column("ID"),
    Column("DEFINITION", least=10),
    Column("STATUS"),
    Column("ENDED", drop=2),
    Column("ENTRIES", right=True, drop=1),
)
_DEFINITIONS = (
    Column("ID", least=24),
    Column("DESCRIPTION", least=20, drop=1),
    Column("STEPS", right=True, drop=4),
    Column("PARAMETERS", least=10, drop=3),
    Column("SCHEDULE", least=20, drop=2),
    Column("NEXT"),
    Column("FROM", least=16, tail=True),
)
# Columns that are there when a definition has something to say in them: the key of it.
_OPTIONAL = {"PARAMETERS": "parameters", "SCHEDULE": "schedule", "NEXT": "schedule"}
_ERRORS = (Column(""), Column("", least=20, wrap=True))
_STEP_TYPES = (Column("TYPE"), Column("WHAT IT DOES", least=20, wrap=True))
_STEP_TYPES_UNTITLED = (Column(""), Column("", least=20, wrap=True))
_OPTIONS = (
    Column("OPTION"),
    Column("TYPE", drop=2),
    Column("DEFAULT", least=10, drop=1),
    Column("", least=20, wrap=True),
)


def jobs_table(jobs: Sequence[JobSummary], page: Page) -> str:
    """Return jobs as a table, in their order."""
    return table(page, _JOBS, [_job_row(job, page) for job in jobs]) if jobs else ""


def watched_jobs(jobs: Sequence[JobSummary], page: Page) -> str:
    """Return the table of jobs that are watched, with the way out below it where there is room for it."""
    said = page.cut("Ctrl-C ends watching; the jobs go on")
    return (jobs_table(jobs, page) or "no jobs\n") + page.paint("muted", said) + "\n"


def _job_row(job: JobSummary, page: Page) -> list[Cell]:
    counts = job["counts"]
    return [
        Cell(job["id"], "title"),
        Cell(job["definition"]),
        page.status(job["status"]),
        Cell(moment(job["started_at"], page), "muted"),
        Cell(words.elapsed(job["started_at"], job["finished_at"], page.now)),
        Cell(f"{job['total_count']:,}"),
        Cell(f"{counts['warn']:,}", "warn" if counts["warn"] else "muted"),
        Cell(f"{counts['error']:,}", "error" if counts["error"] else "muted"),
    ]


def removed_table(removed: Sequence[RemovedJob], page: Page) -> str:
    """Return deleted jobs as a table, in their order."""
    rows = [
        [
            Cell(job.id, "title"),
            Cell(job.definition),
            page.status(job.status),
            Cell(moment(job.finished_at, page), "muted"),
            Cell(f"{job.entries:,}"),
        ]
        for job in removed
    ]
    return table(page, _REMOVED, rows) if rows else ""


def moment(timestamp: str | None, page: Page) -> str:
    """Return when something happened: how long ago on a terminal; in a file, which is read later, the time itself."""
    if timestamp is None:
        return ""
    return timestamp if page.width is None else words.ago(timestamp, page.now)


def definitions_table(definitions: Sequence[DefinitionRow], page: Page) -> str:
    """Return definitions as a table, and below it why those that cannot be used cannot."""
    if not definitions:
        return ""
    empty = {title for title, key in _OPTIONAL.items() if not any(row.get(key) for row in definitions)}
    columns = [column for column in _DEFINITIONS if column.title not in empty]
    rows = [_definition_row(row, page) for row in definitions]
    text = table(page, columns, [[row[column.title] for column in columns] for row in rows])
    broken: list[list[Cell]] = []
    for row in definitions:
        if row["error"]:
            broken.append([Cell(row["id"], "title"), Cell(row["error"], "error")])
            if hint := row.get("hint"):
                broken.append([Cell(""), Cell(f"hint: {hint}")])
    return text + (page.heading("Not usable") + table(page, _ERRORS, broken, indent="  ") if broken else "")


def _definition_row(row: DefinitionRow, page: Page) -> dict[str, Cell]:
    said, style = row["description"] or row["name"], ""
    if row["error"]:
        said, style = "not usable, see below", "error"
    elif hidden := row.get("shadowed_by"):
        said, style = f"(hidden by {hidden})", "muted"
    elif not row["enabled"]:
        said, style = f"(disabled) {said}", "muted"
    return {
        "ID": Cell(row["id"], "title"),
        "DESCRIPTION": Cell(said, style),
        "STEPS": Cell(str(len(row.get("steps", []))) if row.get("steps") else ""),
        "PARAMETERS": Cell(", ".join([_parameter(each) for each in row.get("parameters", [])])),
        "SCHEDULE": Cell(_schedule(row)),
        "NEXT": Cell(_coming(row, page)),
        # A person knows the folders; a script gets the path.
        "FROM": Cell("(shipped)" if row.get("shipped") and page.width is not None else row["path"], "muted"),
    }


def _parameter(parameter: Mapping[str, Any]) -> str:
    """Return a parameter's name, with a star when it must be given."""
    return f"{parameter['name']}*" if parameter["required"] else str(parameter["name"])


def _schedule(row: DefinitionRow) -> str:
    zone = row.get("timezone")
    return ", ".join(row.get("schedule", [])) + (f" ({zone})" if zone and row.get("schedule") else "")


def _coming(row: DefinitionRow, page: Page) -> str:
    fire = row.get("next_fire_at")
    if not fire:
        return ""
    return fire if page.width is None else words.ahead(fire, page.now)


def step_types_table(types: Sequence[StepTypeHelp], page: Page) -> str:
    """Return step types as a table."""
    rows = [[Cell(kind["type"], "title"), Cell(kind["summary"])] for kind in types]
    return table(page, _STEP_TYPES, rows) if rows else ""


def step_type_page(kind: StepTypeHelp, page: Page) -> str:
    """Return the help of one step type: what it does, and its options."""
    text = table(page, _STEP_TYPES_UNTITLED, [[Cell(kind["type"], "title"), Cell(kind["summary"])]])
    for paragraph in kind.get("description", "").split("\n\n"):
        said = " ".join(paragraph.split())
        if said and said != " ".join(kind["summary"].split()):
            text += "\n" + table(page, [Column("", least=20, wrap=True)], [[Cell(said)]])
    if kind["options"]:
        rows = [_option_row(option) for option in kind["options"]]
        text += "\n" + table(page, _OPTIONS, rows)
    return text


def _option_row(option: OptionHelp) -> list[Cell]:
    required = option["default"] is None
    return [
        Cell(option["name"], "title"),
        Cell(option["type"], "muted"),
        Cell("required", "warn") if required else Cell(option["default"] or ""),
        Cell(" ".join(option["description"].split())),
    ]
