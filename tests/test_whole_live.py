"""The promise, with real processes: every line stored, shown in order, live, once, to every reader."""

import json
import threading
from typing import Any

import pytest
from livejobs import STEADY
from shells import PATIENCE, entries, first_job, numbers_without_holes

from quaero_cli.model import Level

BURST = """
    [step.burst]
    type = "test_job_generator"
    worker_count = 301
    log_count = 20
    log_delay_ms = 0
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
"""


# A step that goes on until the test has seen what it wants to see, however slow the machine is.
UNTIL = """
    [step.until]
    type = "shell"
    command = "i=0; while [ ! -e {enough} ]; do i=$((i + 1)); echo line $i; sleep 0.01; done"
"""


def read_stream(server: Any, target: str, into: list[Any]) -> threading.Thread:
    thread = threading.Thread(target=lambda: into.extend(server.stream(target)), daemon=True)
    thread.start()
    return thread


def test_terminal_second_shell_and_stream_show_the_same_entries(anywhere):
    """`run`, `tail` and `curl -N` side by side: the same lines in the same order, and counts that equal a recount."""
    path = anywhere.define("steady", STEADY)
    with anywhere.serving() as server:
        runner = anywhere.start("run", path, "--json", "--level", "debug")
        job = first_job(runner)
        tail = anywhere.start("tail", job, "--json", "--level", "debug", "-n", "all")
        events: list[Any] = []
        reader = read_stream(server, f"/api/logs/stream?scope=job&job_id={job}&level=debug&limit=5000", events)
        shown = [json.loads(line) for line in runner.communicate(timeout=PATIENCE)[0].splitlines()]
        followed = [json.loads(line) for line in tail.communicate(timeout=PATIENCE)[0].splitlines()]
        reader.join(PATIENCE)
        status, page = server.request("GET", f"/api/logs?scope=job&job_id={job}&level=debug&limit=5000")
    assert status == 200
    stored = page["logs"]
    numbers_without_holes(stored)
    assert entries(shown) == stored
    assert entries(followed) == stored
    streamed = [entry for event, _, data in events if event == "logs" for entry in data["logs"]]
    assert streamed == stored
    assert [event for event, _, _ in events][:2] == ["status", "logs"]
    assert events[-1][0] == "end"
    counts = {level.label: sum(entry["level"] == level.label for entry in stored) for level in Level}
    assert page["meta"]["counts"] == counts
    assert page["meta"]["total_count"] == page["meta"]["displayed_count"] == len(stored)
    assert events[-1][2] == {"job_id": job, "status": "warning", "counts": counts}
    assert (runner.returncode, tail.returncode) == (0, 0)


@pytest.mark.workers_at_night
def test_a_burst_of_301_workers_reaches_a_slow_reader_whole(anywhere):
    """The case that the origin lost 1,930 lines in."""
    path = anywhere.define("burst", BURST)
    with anywhere.serving() as server:
        runner = anywhere.start("run", path, "--json")
        job = first_job(runner)
        streamed: list[dict[str, Any]] = []
        pause = threading.Event()
        target = f"/api/logs/stream?scope=job&job_id={job}&level=debug&since={epoch(server)}-0"
        for event, _, data in server.stream(target):
            if event == "logs":
                streamed += data["logs"]
                pause.wait(0.02)
        runner.communicate(timeout=PATIENCE)
    numbers_without_holes(streamed)
    workers = [entry for entry in streamed if entry["originator"] == "worker"]
    assert len(workers) == 301 * 23
    assert len({entry["worker"] for entry in workers}) == 301


def epoch(server: Any) -> str:
    """Return the store's epoch, from the id of any event."""
    for _, id_, _ in server.stream("/api/logs/stream?scope=service"):
        return str(id_.partition("-")[0])
    raise AssertionError("the stream ended")


@pytest.mark.workers_at_night
def test_a_stream_that_is_cut_again_and_again_resumes_exactly(anywhere):
    """A laptop that sleeps, a proxy that restarts: union without gap, without a line twice."""
    enough = anywhere.folder / "enough"
    path = anywhere.define("steady", STEADY + UNTIL.format(enough=enough))
    with anywhere.serving() as server:
        runner = anywhere.start("run", path, "--json", "--level", "debug")
        job = first_job(runner)
        streamed: list[dict[str, Any]] = []
        last, cuts, done = f"{epoch(server)}-0", 0, False
        while not done:
            target = f"/api/logs/stream?scope=job&job_id={job}&level=debug"
            done = True  # unless something comes: 204 says that nothing can
            for count, (event, id_, data) in enumerate(server.stream(target, **{"Last-Event-ID": last})):
                last = id_
                if event == "logs":
                    streamed += data["logs"]
                done = event == "end"
                if count == 3 and not done:
                    cuts += 1
                    break
            if cuts == 12:
                enough.touch()
        runner.communicate(timeout=PATIENCE)
        after_end = server.connection()
        after_end.request("GET", target, headers={"Authorization": f"Bearer {server.token}", "Last-Event-ID": last})
        assert after_end.getresponse().status == 204
        after_end.close()
    numbers_without_holes(streamed)
    assert cuts >= 12
