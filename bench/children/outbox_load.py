"""Stores entries as a session does, alone or also for others: `outbox_load DATA LINES SHIPS`.

Tells the processor seconds of the writer; with SHIPS `1` those of the outbox's reader and of forgetting, too.
"""

import json
import sys
import time
from contextlib import closing
from pathlib import Path

from bench.children.ingest_load import message
from quaero_cli.model import JobQueued, Level, LogLine, NewJob, StepRow
from quaero_cli.session.core import tune_interpreter
from quaero_cli.settings import Settings
from quaero_cli.store.outbox import Outbox
from quaero_cli.store.queue import claim, enqueue
from quaero_cli.store.schema import prepare
from quaero_cli.store.writer import Writer

_BATCH = 1000  # entries of a transaction
_JOB, _STEP = "benchjob", "load"
_ROWS = 16  # that the shipper takes at once


def main(data: str, lines: int, *, ships: bool) -> None:
    """Store, and have the outbox read and forgotten, as while a view follows."""
    settings = Settings(Path(data))
    prepare(settings.database)
    job = NewJob(_JOB, "bench", "Bench", "cli", "", "", "", {}, (StepRow(_STEP, "bench"),))
    enqueue(settings.database, job)
    claim(settings.database, _JOB)
    now = time.time_ns() // 1000
    facts = [
        LogLine(
            _JOB, _STEP, number % 300 + 1, now, Level.INFO, message(number % 300, number), "worker", "bench", None
        )
        for number in range(lines)
    ]
    tune_interpreter()
    with closing(Writer(settings.database, ships=ships)) as writer, Outbox(settings.database) as outbox:
        writer.apply(1, [JobQueued(job, "default", now)])
        place, began = 0, time.process_time()
        for start in range(0, lines, _BATCH):
            writer.apply(start + 2, facts[start : start + _BATCH])
            if ships:
                for row in outbox.after(place, _ROWS):
                    place = row.id
                outbox.forget(writer.origin, start + 1)  # of the batch before: a view has it by now
        print(json.dumps({"cpu": time.process_time() - began}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), ships=sys.argv[3] == "1")
