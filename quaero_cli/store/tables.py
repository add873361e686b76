"""The tables of the store, as the first version has them.

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

TABLES = """
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
