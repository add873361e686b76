"""`overlap`, with real processes: who waits for whom, who gives way, and that no job is ever executed twice."""

import signal
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

from shells import PATIENCE, Shell, first_job, read_line, until_says
from stores import new_home, new_job

from quaero_cli.settings import Settings
from quaero_cli.store.queue import enqueue
from quaero_cli.store.reader import open_reader

# A job that says who runs, and goes on until its file is there: it ends when the test wants it to.
GATED = '''
    overlap = "{overlap}"
    [params.gate]
    [params.who]
    default = "x"
    [step.work]
    type = "shell"
    command = """
        echo in {{params.who}} >> trace
        until [ -e {{params.gate}} ]; do sleep 0.02; done
        echo out {{params.who}} >> trace
    """
    working_dir = "{folder}"
'''


def define(shell: Shell, overlap: str) -> str:
    return shell.define("gated", GATED.format(overlap=overlap, folder=shell.folder))


def start(shell: Shell, path: str, who: str) -> tuple[subprocess.Popen[str], str]:
    """Start a job that ends when `who` is a file; return its process and ID."""
    child = shell.start("run", path, "-p", f"gate={who}", "-p", f"who={who}", "--json")
    return child, first_job(child)


def first_of_a_queue(shell: Shell) -> tuple[str, subprocess.Popen[str], str]:
    """Start a job, `a`, for which others of its definition wait; return the definition, its process and its ID."""
    path = define(shell, "queue")
    child, job = start(shell, path, "a")
    until_says(child, "running (step: work")
    return path, child, job


def start_waiting(shell: Shell, path: str, who: str) -> tuple[subprocess.Popen[str], str]:
    """Start a job that has to wait for its turn."""
    child, job = start(shell, path, who)
    until_says(child, "Waiting for job")
    return child, job


def open_gate(shell: Shell, *names: str) -> None:
    for name in names:
        (shell.folder / name).touch()


def trace(shell: Shell) -> list[str]:
    return (shell.folder / "trace").read_text().splitlines()


def end(child: subprocess.Popen[str], code: int = 0) -> None:
    out, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == code, (out[-2000:], err)


def test_queued_jobs_run_one_after_the_other_in_order(shell):
    """Five starts of a nightly import must not meet in its files, whoever started them."""
    path = define(shell, "queue")
    names = ["a", "b", "c", "d", "e"]
    started = []
    for name in names:
        started.append(start(shell, path, name))
        until_says(started[-1][0], "running (step: work" if name == "a" else f"Waiting for job {started[0][1]}")
    states = {job["id"]: (job["status"], job["waiting_for"]) for job in shell.json("jobs")}
    assert states[started[0][1]] == ("running", None)
    assert all(states[job] == ("pending", started[0][1]) for _, job in started[1:])
    open_gate(shell, *names)
    for child, _ in started:
        end(child)
    assert trace(shell) == [f"{word} {name}" for name in names for word in ("in", "out")]


def test_a_queued_job_can_be_cancelled_while_it_waits(shell):
    """Nobody has to wait for the turn of a job that nobody wants any more; the others move up."""
    path, first, _ = first_of_a_queue(shell)
    second, job = start_waiting(shell, path, "b")
    third, _ = start_waiting(shell, path, "c")
    shell.run("cancel", job)
    end(second, 3)
    assert shell.json("show", job)["job"]["status"] == "cancelled"
    assert [step["status"] for step in shell.json("show", job)["steps"]] == ["skipped"]
    open_gate(shell, "a", "c")
    end(first)
    end(third)
    assert trace(shell) == ["in a", "out a", "in c", "out c"]


def test_ctrl_c_ends_the_wait(shell):
    """A terminal is given back at once, and the job has an end in the store."""
    path, first, _ = first_of_a_queue(shell)
    second, job = start_waiting(shell, path, "b")
    second.send_signal(signal.SIGINT)
    end(second, 130)
    assert shell.json("show", job)["job"]["status"] == "cancelled"
    open_gate(shell, "a")
    end(first)


def test_a_dead_submitter_holds_up_nobody(shell):
    """Its pending job has lost its process: it is interrupted, and the next in the queue starts."""
    path, first, _ = first_of_a_queue(shell)
    second, dead = start_waiting(shell, path, "b")
    third, _ = start_waiting(shell, path, "c")
    second.kill()
    second.communicate()
    open_gate(shell, "a", "c")
    end(first)
    end(third)
    assert shell.json("show", dead)["job"]["status"] == "interrupted"
    assert trace(shell) == ["in a", "out a", "in c", "out c"]


def test_a_killed_runner_gives_way_to_the_queue(shell):
    """kill -9 of the running job must not leave the queue waiting for ever."""
    path, first, dead = first_of_a_queue(shell)
    second, _ = start_waiting(shell, path, "b")
    first.kill()
    first.communicate()
    open_gate(shell, "b")
    end(second)
    assert shell.json("show", dead)["job"]["status"] == "interrupted"


def test_a_queued_job_of_the_server_waits_for_one_of_a_shell(shell):
    """The queue is one for all processes; the API answers at once with `pending`."""
    (shell.folder / "jobdefs").mkdir()
    path = define(shell, "queue")
    Path(path).rename(shell.folder / "jobdefs" / "gated.toml")
    first, running = start(shell, "gated", "a")
    until_says(first, "running (step: work")
    with shell.serving() as server:
        status, answer = server.request("POST", "/api/job-definitions/gated/execute", {"gate": "b", "who": "b"})
        assert (status, answer["status"]) == (202, "pending")
        tail = shell.start("tail", answer["job_id"], "--json")
        until_says(tail, f"Waiting for job {running}")
        open_gate(shell, "a", "b")
        end(first)
        end(tail)
    assert trace(shell) == ["in a", "out a", "in b", "out b"]


def test_a_detached_job_waits_for_its_turn_without_a_terminal(shell):
    """The ID comes at once, although the job does not start yet; and the API ends the wait like any job."""
    path, first, running = first_of_a_queue(shell)
    waiting = [
        shell.run("run", path, "--detach", "-p", f"gate={who}", "-p", f"who={who}").stdout.strip() for who in "bc"
    ]
    assert [shell.json("show", job)["job"]["waiting_for"] for job in waiting] == [running, running]
    with shell.serving() as server:
        status, answer = server.request("POST", f"/api/jobs/{waiting[0]}/cancel")
        assert (status, answer["status"]) == (202, "pending")
        shell.run("tail", waiting[0], code=3)
    open_gate(shell, "a", "c")
    end(first)
    shell.run("tail", waiting[1])
    assert trace(shell) == ["in a", "out a", "in c", "out c"]


def test_overlap_cancel_takes_the_running_ones_place(shell):
    """The newest wins, wherever the others run; it starts when they have ended, not before."""
    path = define(shell, "cancel")
    first, old = start(shell, path, "a")
    until_says(first, "running (step: work")
    second, new = start(shell, path, "b")
    end(first, 3)
    open_gate(shell, "b")
    end(second)
    assert {job["id"]: job["status"] for job in shell.json("jobs")} == {old: "cancelled", new: "completed"}
    ended, started = shell.json("show", old)["job"]["finished_at"], shell.json("show", new)["job"]["started_at"]
    assert ended <= started


def test_overlap_cancel_ends_those_that_wait_too(shell):
    """Three quick starts leave one job, the last one."""
    path = define(shell, "cancel")
    slow = shell.define(
        "gated",
        Path(path).read_text() + "\n[step.tidy]\ntype = 'shell'\nalways_run = true\ndepends = ['work']\n"
        f"command = 'until [ -e {shell.folder}/tidy ]; do sleep 0.02; done'\n",
    )
    first, _ = start(shell, slow, "a")
    until_says(first, "running (step: work")
    second, _ = start(shell, slow, "b")
    until_says(second, "Waiting for job")
    third, _ = start(shell, slow, "c")
    end(second, 3)
    open_gate(shell, "tidy", "c")
    end(first, 3)
    end(third)
    assert trace(shell) == ["in a", "in c", "out c"]


def test_racing_processes_claim_a_job_once(tmp_path):
    """A job that runs twice sends the mail twice. Eight processes try for each of 25 jobs at the same moment."""
    home = new_home(tmp_path)
    jobs = [f"job{number:02}" for number in range(25)]
    for job in jobs:
        enqueue(home.database, new_job(job))
    program = (
        "import sys, pathlib\n"
        "from quaero_cli.store.queue import claim\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print([job for job in sys.argv[2:] if claim(pathlib.Path(sys.argv[1]), job) is not None])\n"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(home.database), *jobs],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    for racer in racers:
        assert read_line(racer.stdout) == "ready\n"
    claimed = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        out, _ = racer.communicate(timeout=PATIENCE)
        assert racer.returncode == 0
        claimed += literal_eval(out)
    assert sorted(claimed) == jobs
    with open_reader(Settings(home=home.home).database) as reader:
        assert {job["status"] for job in reader.list_jobs()} == {"running"}
