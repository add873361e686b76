"""The promise, with real processes: every line stored, shown in order, live, once, and never lost."""

import json
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from shells import PATIENCE, Shell, entries, first_job, read_line

from quaero_cli.engine.procfs import read_stat
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

STEADY = """
    [step.one]
    type = "test_job_generator"
    worker_count = 5
    log_count = 60
    log_delay_ms = 10
    failure_rate = 0.3
    child_count = 2
    recursion_depth = 1
    [step.two]
    type = "test_job_generator"
    worker_count = 3
    log_count = 200
    log_delay_ms = 2
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
    [error_tolerance]
    max_child_failures = 100
"""

# A step that goes on until the test has seen what it wants to see, however slow the machine is.
UNTIL = """
    [step.until]
    type = "shell"
    command = "i=0; while [ ! -e {enough} ]; do i=$((i + 1)); echo line $i; sleep 0.01; done"
"""


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


def numbers_without_holes(found: list[dict[str, Any]]) -> None:
    """Check that no entry is missing and none is twice: by id, per job and per step."""
    ids = [entry["id"] for entry in found]
    assert ids == sorted(set(ids))
    assert [entry["job_line"] for entry in found] == list(range(1, len(found) + 1))
    for step in {entry.get("step_id") for entry in found}:
        lines = [entry["line_number"] for entry in found if entry.get("step_id") == step]
        assert lines == list(range(1, len(lines) + 1)), step


def read_stream(server: Any, target: str, into: list[Any]) -> threading.Thread:
    thread = threading.Thread(target=lambda: into.extend(server.stream(target)), daemon=True)
    thread.start()
    return thread


def test_terminal_second_shell_and_stream_show_the_same_entries(shell):
    """`run`, `tail` and `curl -N` side by side: the same lines in the same order, and counts that equal a recount."""
    path = shell.define("steady", STEADY)
    with shell.serving() as server:
        runner = shell.start("run", path, "--json", "--level", "debug")
        job = first_job(runner)
        tail = shell.start("tail", job, "--json", "--level", "debug", "-n", "all")
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


def test_a_burst_of_301_workers_reaches_a_slow_reader_whole(shell):
    """The case that the origin lost 1,930 lines in."""
    path = shell.define("burst", BURST)
    with shell.serving() as server:
        runner = shell.start("run", path, "--json")
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


def test_a_stream_that_is_cut_again_and_again_resumes_exactly(shell):
    """A laptop that sleeps, a proxy that restarts: union without gap, without a line twice."""
    enough = shell.folder / "enough"
    path = shell.define("steady", STEADY + UNTIL.format(enough=enough))
    with shell.serving() as server:
        runner = shell.start("run", path, "--json", "--level", "debug")
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


def test_kill_9_of_the_runner_loses_nothing_that_was_shown(shell):
    """The next look says `interrupted`, and every line that any reader had is there."""
    path = shell.define("steady", STEADY.replace("log_count = 60", "log_count = 6000"))
    runner = shell.start("run", path, "--json", "--level", "debug", stderr=subprocess.DEVNULL)
    assert runner.stdout is not None
    shown = []
    for line in runner.stdout:
        shown.append(json.loads(line))
        if len(shown) == 300:
            runner.send_signal(signal.SIGKILL)
            break
    rest = runner.stdout.read().splitlines()
    runner.communicate(timeout=PATIENCE)
    shown += [json.loads(line) for line in rest if line.endswith("}")]
    (job,) = shell.json("jobs")
    assert job["status"] == "interrupted"
    stored = entries(shell.lines("tail", "last", "-n", "all", "--level", "debug", code=5))
    numbers_without_holes(stored)
    acknowledged = entries(shown)
    assert stored[: len(acknowledged)] == acknowledged
    assert stored[-1]["message"].startswith("Status changed: interrupted")
    # A new job of the same definition is not refused because of the dead one.
    assert shell.run("run", path, "--dry-run")


@pytest.mark.parametrize("words", [("jobs",), ("run", "hello")])
def test_what_a_killed_runner_left_behind_is_ended(shell, words):
    """A child that needs no pipe would go on for ever, beside the job's next run."""
    runner = started(shell, "[step.a]\ntype = 'shell'\ncommand = 'echo $$; echo up; exec sleep 600'\n")
    runner.send_signal(signal.SIGKILL)
    runner.communicate(timeout=PATIENCE)
    shell.run(*words)
    pid = next(line["message"] for line in shell.lines("tail", "sleeper", code=5) if line.get("source") == "stdout")
    stat = read_stat(int(pid))
    assert stat is None or stat.zombie  # whoever adopted it may take its time


def test_a_tail_that_follows_sees_its_runner_die(shell):
    """Nobody waits for ever on a job whose process is gone."""
    path = shell.define("steady", STEADY.replace("log_count = 60", "log_count = 6000"))
    runner = shell.start("run", path, "--json", stderr=subprocess.DEVNULL)
    job = first_job(runner)
    tail = shell.start("tail", job, "--json")
    read_line(tail.stdout)
    runner.send_signal(signal.SIGKILL)
    events = [json.loads(line) for line in tail.communicate(timeout=PATIENCE)[0].splitlines()]
    runner.communicate(timeout=PATIENCE)
    assert tail.returncode == 5
    assert events[-1] == {"event": "end", "job_id": job, "status": "interrupted", "exit_code": 5}


SLEEPER = """
    [step.a]
    type = "shell"
    command = "echo up; trap 'echo bye; exit 0' TERM; sleep 600 & wait"
    [step.b]
    type = "shell"
    depends = "a"
    command = "echo never"
"""


def started(shell: Shell, text: str, *words: str) -> subprocess.Popen[str]:
    """Start a job and wait until its first step says `up`."""
    child = shell.start("run", shell.define("sleeper", text), "--json", *words)
    while '"message":"up"' not in read_line(child.stdout):
        pass
    return child


def test_cancel_reaches_a_job_in_another_process(shell):
    """Wherever it runs, and it stays cancelled."""
    runner = started(shell, SLEEPER)
    assert "cancelled" in shell.run("cancel", "last").stderr
    out, _ = runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 3
    assert '"message":"bye"' in out
    assert '"message":"never"' not in out
    shown = shell.json("show", "last")
    assert [step["status"] for step in shown["steps"]] == ["cancelled", "skipped"]
    assert "has ended already" in shell.run("cancel", "last", code=2).stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 3)])
def test_the_first_signal_cancels_and_waits(shell, number, code):
    """Ctrl-C gives children their time, and what they say last is stored."""
    runner = started(shell, SLEEPER)
    runner.send_signal(number)
    out, err = runner.communicate(timeout=PATIENCE)
    assert (runner.returncode, "Traceback" in err) == (code, False)
    assert '"message":"bye"' in out
    assert shell.json("jobs")[0]["status"] == "cancelled"


def test_nohup_is_respected(shell):
    """`nohup quaero run … &` is what people type before they log out."""
    import os

    path = shell.define("sleeper", SLEEPER)
    child = subprocess.Popen(
        ["nohup", sys.executable, "-m", "quaero_cli", "run", path, "--json"],
        cwd=shell.folder, env=shell.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while '"message":"up"' not in read_line(child.stdout):
        pass
    os.kill(child.pid, signal.SIGHUP)
    shell.run("tail", "last", "--timeout", "0.7", code=124)
    assert shell.json("jobs")[0]["status"] == "running"
    shell.run("cancel", "last")
    child.communicate(timeout=PATIENCE)


def test_cancel_of_several_does_not_stop_at_one_that_has_ended(shell):
    """A list of jobs is a list of wishes."""
    shell.run("run", "hello")
    runner = started(shell, SLEEPER)
    error = shell.run("cancel", "hello", "sleeper", code=2).stderr
    assert "has ended already" in error
    runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 3


def test_the_second_signal_kills_what_will_not_go(shell):
    """A child that ignores TERM must not hold the shell for its grace."""
    runner = started(
        shell, "[step.a]\ntype = 'shell'\ncommand = \"trap '' TERM; echo up; sleep 600 & wait; sleep 600\"\n"
    )
    runner.send_signal(signal.SIGINT)
    assert "again to kill" in read_line(runner.stderr)
    runner.send_signal(signal.SIGINT)
    runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 130
    assert shell.json("jobs")[0]["status"] == "cancelled"


def test_ctrl_c_in_tail_only_stops_watching(shell):
    """A watcher never harms a job; and it says how to go on."""
    runner = started(shell, SLEEPER)
    tail = shell.start("tail", "last", "--json")
    read_line(tail.stdout)
    tail.send_signal(signal.SIGINT)
    _, err = tail.communicate(timeout=PATIENCE)
    assert tail.returncode == 130
    assert "the job goes on" in err
    assert shell.json("jobs")[0]["status"] == "running"
    shell.run("cancel", "last")
    runner.communicate(timeout=PATIENCE)


def test_a_reader_that_leaves_does_not_stop_the_job(shell):
    """`quaero run … | head`: the job runs to its end, and every line is stored."""
    path = shell.define("count", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 20000'\n")
    command = f"{sys.executable} -m quaero_cli run {path} | head -3"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}; exit $PIPESTATUS"], env=shell.environment(), cwd=shell.folder,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    (job,) = shell.json("jobs")
    assert (job["status"], job["total_count"] > 20_000) == ("completed", True)


def test_tail_timeout_and_no_follow(shell):
    """For scripts that must go on."""
    runner = started(shell, SLEEPER)
    shell.run("tail", "last", "--timeout", "0.5", code=124)
    assert "up" in shell.run("tail", "last", "--no-follow").stdout
    shell.run("cancel", "last")
    runner.communicate(timeout=PATIENCE)
    assert "never" not in shell.run("tail", "last", code=3).stdout


def test_a_full_disk_is_one_clear_error_and_keeps_what_was_stored(shell):
    """Exit code 6, and the lines that were shown are there afterwards."""
    path = shell.define("count", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 200000'\n")
    shell.run("run", "hello")
    words = [sys.executable, "-m", "quaero_cli", "run", path, "--json"]
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 3000; exec "$@"', "bash", *words], env=shell.environment(), cwd=shell.folder,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "hint: free space" in done.stderr
    shown = entries([json.loads(line) for line in done.stdout.splitlines() if line.endswith("}")])
    stored = entries(shell.lines("tail", "count", "-n", "all", "--level", "debug", code=5))
    numbers_without_holes(stored)
    assert stored[: len(shown)] == shown


def test_the_api_starts_and_cancels_jobs(shell):
    """The viewer's buttons."""
    with shell.serving() as server:
        status, answer = server.request("POST", "/api/job-definitions/hello/execute", {"who": "API"})
        assert (status, answer["status"]) == (202, "pending")
        events = list(server.stream(f"/api/logs/stream?scope=job&job_id={answer['job_id']}"))
        assert events[-1][0] == "end"
        assert server.get(f"/api/jobs/{answer['job_id']}")["job"]["status"] == "completed"
        status, error = server.request("POST", "/api/job-definitions/hello/execute", {"whom": "API"})
        assert (status, "whom" in error["error"]) == (400, True)
        assert server.request("POST", "/api/job-definitions/nope/execute", {})[0] == 404
        path = shell.folder / "jobdefs"
        path.mkdir()
        (path / "slow.toml").write_text("[step.a]\ntype = 'shell'\ncommand = 'sleep 600'\n")
        status, slow = server.request("POST", "/api/job-definitions/slow/execute", {})
        assert status == 202
        assert server.request("POST", "/api/job-definitions/slow/execute", {})[0] == 409
        assert server.request("POST", f"/api/jobs/{slow['job_id']}/cancel")[0] == 202
        assert (
            list(server.stream(f"/api/logs/stream?scope=job&job_id={slow['job_id']}"))[-1][2]["status"] == "cancelled"
        )
        assert server.request("POST", f"/api/jobs/{slow['job_id']}/cancel")[0] == 409
        messages = [entry["message"] for entry in server.get("/api/logs?scope=service&limit=100")["logs"]]
        assert f"Job started: {slow['job_id']}" in messages
        assert f"Job ended: {slow['job_id']}" in messages


def test_a_server_that_is_stopped_cancels_its_jobs_and_stores_their_ends(shell):
    """`serve` leaves no child and no job that runs for ever on paper."""
    with shell.serving() as server:
        (shell.folder / "jobdefs").mkdir()
        (shell.folder / "jobdefs" / "slow.toml").write_text("[step.a]\ntype = 'shell'\ncommand = 'sleep 600'\n")
        _, slow = server.request("POST", "/api/job-definitions/slow/execute", {})
        stream = server.stream(f"/api/logs/stream?scope=job&job_id={slow['job_id']}")
        next(stream)
        server.process.send_signal(signal.SIGTERM)
        events = list(stream)
    assert events[-1][0] in ("shutdown", "end")
    assert shell.json("jobs")[0]["status"] == "cancelled"


def test_run_serves_beside_the_job(shell):
    """`run --serve`: the viewer for as long as the job runs."""
    runner = shell.start("run", shell.define("sleeper", SLEEPER), "--json", "--serve", "--port", "0")
    url = read_line(runner.stderr).strip()
    job = first_job(runner)
    port, _, token = url.removeprefix("http://127.0.0.1:").partition("/#t=")
    from shells import Server

    server = Server(int(port), token, runner)
    assert server.get(f"/api/jobs/{job}")["job"]["status"] in ("pending", "running")  # shown before it is claimed
    assert server.request("POST", f"/api/jobs/{job}/cancel")[0] == 202
    runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 3
