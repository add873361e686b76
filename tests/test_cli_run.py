"""The contract of `quaero run`, sentence by sentence, with real processes."""

import json
import signal

import pytest
from livejobs import TWO_STEPS, messages, sleeping
from shells import PATIENCE


def test_run_takes_steps_levels_and_files_of_parameters(shell):
    """Options of the contract would be refused, or be without effect."""
    path = shell.define("steps", TWO_STEPS)
    assert messages(shell.run("run", path, "--step", "two").stdout) == ["third"]
    assert shell.run("run", path, "--level", "error").stdout == ""
    (shell.folder / "who.toml").write_text('who = "Toml"')
    (shell.folder / "who.json").write_text('{"who": "Json"}')
    for kind in ("toml", "json"):
        done = shell.run("run", "hello", "--params", f"who.{kind}")
        assert messages(done.stdout) == [f"Hello, {kind.title()}"]


def test_quiet_leaves_the_summary(shell):
    """For cron: nothing on stdout, one look at how it went."""
    done = shell.run("run", "hello", "--quiet")
    assert done.stdout == ""
    assert "completed" in done.stderr


def test_a_dry_run_has_the_plan_and_the_parameters(shell):
    """Careful people look first."""
    plan = shell.json("run", shell.define("steps", TWO_STEPS), "--dry-run")
    assert [(step["name"], step["depends"]) for step in plan["steps"]] == [("one", []), ("two", ["one"])]
    assert shell.json("run", "hello", "--dry-run", "-p", "who=Ann")["parameters"] == {"who": "Ann"}
    text = shell.run("run", "hello", "--dry-run").stdout
    assert "greet" in text
    assert "who" in text
    assert shell.json("jobs") == []


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("command = 'true'", 0, "completed"),
        ("command = 'false'", 1, "failed"),
    ],
)
def test_run_and_tail_end_with_the_jobs_code(shell, text, code, status):
    """`quaero run x && deploy` must not deploy what failed."""
    path = shell.define("ends", f"[step.a]\ntype = 'shell'\n{text}\n")
    events = shell.lines("run", path, code=code)
    end = {"event": "end", "job_id": events[0]["job"]["id"], "status": status, "exit_code": code}
    assert events[-1] == end
    assert shell.lines("tail", "last", code=code)[-1] == end


def test_a_tolerated_failure_is_a_warning_and_no_failure(shell):
    """A crawl with one dead page would fail the night's pipeline."""
    generator = "type = 'test_job_generator'\nworker_count = 4\nlog_count = 1\nlog_delay_ms = 0\nfailure_rate = 1.0\n"
    text = f"[error_tolerance]\nmax_child_failures = 100\n[step.a]\n{generator}child_count = 0\n"
    events = shell.lines("run", shell.define("warns", text), code=0)
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("warning", 0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 3)])
def test_the_end_event_has_the_exit_code_of_the_process(shell, number, code):
    """A script that reads `run --json` would believe another end than its caller."""
    runner, job = sleeping(shell)
    runner.send_signal(number)
    out, _ = runner.communicate(timeout=PATIENCE)
    end = json.loads(out.splitlines()[-1])
    assert end == {"event": "end", "job_id": job, "status": "cancelled", "exit_code": code}
    assert runner.returncode == code
    assert shell.run("tail", job, code=3).returncode == 3  # for whoever looks later it was cancelled
