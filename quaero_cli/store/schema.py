"""The tables, and how an older file becomes a newer one. Everything here runs rarely; nothing is hot.

Names are plain, so that anyone may open the file with Datasette or sqlite-utils; the view `log_view` shows levels
and times as people read them. What is deliberate:

* `log.id` is the cursor: it grows in commit order and is never reused. `AUTOINCREMENT` would cost a third of the
  insert rate, so `meta.next_id` is moved once per batch inside the transaction instead.
* `log_job_line` is the job's only index: entries of a job are read by their number in the job. (An index on job
  and level makes the log view 15 to 30 times slower: the planner sorts.) Errors have a partial index of their own.
* Keys of jobs and steps are never used again, either (these tables are written rarely, so AUTOINCREMENT costs
  nothing): a reader that knew a deleted job must not take another's entries for its own.
* Counts live in `log_count`, kept in the transaction that stores the entries; `COUNT(*)` is never needed.
* `document_text` is the full-text index of documents, kept by triggers, so in the transaction that stores them. It
  holds no text of its own, and an article that was found again unchanged does not touch it. Its parts are merged by
  eight instead of four: a crawl commits every few articles, and merging was a tenth of what storing them takes.
* `origin` makes a batch that is stored twice harmless: it remembers how far each writing process has come.
* `outbox`, `dispatch` and `node` are a cluster's: facts on their way to other stores, jobs on their way to the
  queue, and the worker machines that were heard of. A job that is run `elsewhere` needs no runner here; `origin` is
  the writing process whose word about its states counts.
"""

import fcntl
import os
import re
import secrets
from contextlib import closing
from pathlib import Path

from quaero_cli.errors import StoreError
from quaero_cli.store.damage import refuse_damaged
from quaero_cli.store.engine import APPLICATION_ID, Connection, connect, translated

SCHEMA_VERSION = 1

# The service log is kept like a job's, under a key in `log` that no job has.
SERVICE = 0

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE job (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL,
    name TEXT NOT NULL,
    trigger TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    definition_text TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    definition_path TEXT NOT NULL,
    parameters TEXT NOT NULL,
    secrets TEXT NOT NULL DEFAULT '[]',
    retry_of TEXT,
    resumes INTEGER NOT NULL DEFAULT 0,
    parent TEXT,
    parent_step TEXT,
    scheduled_for INTEGER,
    elsewhere INTEGER NOT NULL DEFAULT 0,
    queue TEXT,
    labels TEXT NOT NULL DEFAULT '{}',
    node TEXT,
    origin TEXT,
    entries INTEGER NOT NULL DEFAULT 0,
    own_entries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX job_definition ON job(definition);
CREATE INDEX job_parent ON job(parent) WHERE parent IS NOT NULL;
CREATE INDEX job_open ON job(status) WHERE status IN ('pending', 'running');

CREATE TABLE step (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES job(key) ON DELETE CASCADE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    depends TEXT NOT NULL DEFAULT '[]',
    service INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    error TEXT,
    progress INTEGER NOT NULL DEFAULT 0,
    progress_text TEXT NOT NULL DEFAULT '',
    started_at INTEGER,
    finished_at INTEGER,
    outputs TEXT NOT NULL DEFAULT '{}',
    entries INTEGER NOT NULL DEFAULT 0,
    workers_pending INTEGER NOT NULL DEFAULT 0,
    workers_running INTEGER NOT NULL DEFAULT 0,
    workers_completed INTEGER NOT NULL DEFAULT 0,
    workers_failed INTEGER NOT NULL DEFAULT 0,
    workers_cancelled INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job, name)
);

CREATE TABLE worker (
    step INTEGER NOT NULL REFERENCES step(key) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    label TEXT NOT NULL DEFAULT '',
    item TEXT,
    attempt INTEGER NOT NULL DEFAULT 1,
    outputs TEXT,
    error TEXT,
    started_at INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (step, number)
) WITHOUT ROWID;

CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    job_line INTEGER NOT NULL,
    step INTEGER,
    worker INTEGER,
    line_number INTEGER,
    time INTEGER NOT NULL,
    level INTEGER NOT NULL,
    source TEXT NOT NULL,
    message TEXT NOT NULL,
    fields TEXT
);
CREATE UNIQUE INDEX log_job_line ON log(job, job_line);
CREATE INDEX log_error ON log(job) WHERE level >= 40;

CREATE TABLE log_count (
    job INTEGER NOT NULL,
    step INTEGER NOT NULL,
    level INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (job, step, level)
) WITHOUT ROWID;

CREATE TABLE schedule (
    file TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    schedule TEXT NOT NULL,
    last_fire INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE trash (job INTEGER PRIMARY KEY);

CREATE TABLE origin (origin TEXT PRIMARY KEY, applied INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX outbox_origin ON outbox(origin, last);

CREATE TABLE dispatch (job TEXT PRIMARY KEY, body BLOB NOT NULL, sent INTEGER NOT NULL DEFAULT 0, told TEXT)
    WITHOUT ROWID;

CREATE TABLE node (name TEXT PRIMARY KEY, facts TEXT NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    canonical_url TEXT NOT NULL,
    title TEXT NOT NULL,
    authors TEXT NOT NULL,
    published TEXT,
    language TEXT,
    site TEXT,
    tags TEXT NOT NULL,
    text TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    image TEXT,
    version INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX document_job ON document(job_id);

CREATE TABLE document_version (
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    published TEXT,
    fetched_at INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (document, version)
) WITHOUT ROWID;

CREATE TABLE document_html (
    document INTEGER PRIMARY KEY REFERENCES document(id) ON DELETE CASCADE,
    html BLOB NOT NULL
);

CREATE TABLE page (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    etag TEXT,
    last_modified TEXT,
    facts BLOB NOT NULL,
    fetched_at INTEGER NOT NULL
);
CREATE INDEX page_fetched ON page(fetched_at);

CREATE TABLE frontier (
    id INTEGER PRIMARY KEY,
    step INTEGER NOT NULL REFERENCES step(key) ON DELETE CASCADE,
    url TEXT NOT NULL,
    depth INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    found_on TEXT,
    UNIQUE (step, url)
);
CREATE INDEX frontier_waiting ON frontier(step, depth, id) WHERE state = 0;

CREATE VIRTUAL TABLE document_text USING fts5(
    title, text, authors, tags, content='document', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
);
INSERT INTO document_text(document_text, rank) VALUES('automerge', 8);
CREATE TRIGGER document_text_insert AFTER INSERT ON document BEGIN
    INSERT INTO document_text(rowid, title, text, authors, tags)
        VALUES (new.id, new.title, new.text, new.authors, new.tags); END;
CREATE TRIGGER document_text_delete AFTER DELETE ON document BEGIN
    INSERT INTO document_text(document_text, rowid, title, text, authors, tags)
        VALUES ('delete', old.id, old.title, old.text, old.authors, old.tags); END;
CREATE TRIGGER document_text_update AFTER UPDATE OF title, text, authors, tags ON document
    WHEN old.title <> new.title OR old.text <> new.text OR old.authors <> new.authors OR old.tags <> new.tags BEGIN
    INSERT INTO document_text(document_text, rowid, title, text, authors, tags)
        VALUES ('delete', old.id, old.title, old.text, old.authors, old.tags);
    INSERT INTO document_text(rowid, title, text, authors, tags)
        VALUES (new.id, new.title, new.text, new.authors, new.tags); END;

CREATE VIEW log_view AS
SELECT log.id, job.id AS job_id, step.name AS step_name, log.worker, log.job_line, log.line_number,
       strftime('%Y-%m-%dT%H:%M:%S', log.time / 1000000, 'unixepoch')
           || printf('.%03dZ', log.time / 1000 % 1000) AS timestamp,
       CASE log.level WHEN 10 THEN 'debug' WHEN 20 THEN 'info' WHEN 30 THEN 'warn' ELSE 'error' END AS level,
       log.source, log.message, log.fields
FROM log LEFT JOIN job ON job.key = log.job LEFT JOIN step ON step.key = log.step
"""


def prepare(path: Path) -> None:
    """Make the data directory and the database if they are missing, and migrate an older file.

    Cheap when there is nothing to do. Two processes that start at once migrate once. Raises StoreError when the
    directory cannot be written, the file is no quaero database, or a newer quaero made it.
    """
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in ("locks", "wake"):
            (path.parent / folder).mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        with translated(path):
            refuse_damaged(path)
        with closing(connect(path)) as connection, translated(path):
            if _is_current(connection, path):
                return
    _migrate(path)


def _is_current(connection: Connection, path: Path) -> bool:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application not in (0, APPLICATION_ID) or (
        application == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    ):
        raise StoreError(
            f"{path}: another program's database", hint="choose another data directory with --home or QUAERO_HOME"
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: made by a newer quaero (schema {version}, this one knows {SCHEMA_VERSION})",
            hint="upgrade quaero, or choose another data directory with --home",
        )
    return bool(version == SCHEMA_VERSION)


def _migrate(path: Path) -> None:
    lock = os.open(path.parent / "locks" / "migrate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            _bring_up_to_date(path)
        else:
            _make(path)
    finally:
        os.close(lock)


def _make(path: Path) -> None:
    """Make a new database, which has its name when it is whole: whoever is killed here leaves nothing behind."""
    part = path.with_name(path.name + ".new")
    with translated(path):
        for rest in ("", "-wal", "-shm"):
            path.with_name(part.name + rest).unlink(missing_ok=True)
    _bring_up_to_date(part)
    with translated(path):
        part.rename(path)


def _bring_up_to_date(path: Path) -> None:
    with closing(connect(path)) as connection, translated(path):
        # Before anything is written, or never: free pages can then be given back without a rebuild of the file.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        if not _is_current(connection, path):
            # Ours before it has a table: whoever looks after we were killed must not think that the tables are
            # another program's.
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            _apply_migrations(connection)
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def new_epoch() -> str:
    """Return a tag for a new store: cursors begin with it, so that those of another store are told from its own."""
    return secrets.token_hex(4)


def _apply_migrations(connection: Connection) -> None:
    # Imported here: sqlite-utils costs more than all the rest of a quick command.
    from sqlite_utils import Database, Migrations

    migrations = Migrations("quaero")

    @migrations()
    def m001_first_tables(database: Database) -> None:
        for statement in re.split(r";\n+(?=CREATE|INSERT)", _TABLES):
            database.execute(statement)
        rows: dict[str, str | int] = {"epoch": new_epoch(), "next_id": 1, "service_entries": 0}
        database.table("meta").insert_all({"key": key, "value": value} for key, value in rows.items())

    migrations.apply(Database(connection))
