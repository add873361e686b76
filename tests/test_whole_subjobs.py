"""Sub-jobs as people use them: real jobs, linked both ways, that start, end and are cancelled together."""

import json
import signal

import pytest
from shells import PATIENCE, Shell, first_job

CHILD = """
    name = "Child"
    [params.n]
    type = "int"
    default = 1
    [step.work]
    type = "shell"
    command = 'echo "n={params.n}" >>"$QUAERO_OUTPUT"; echo "list=[1, 2]" >>"$QUAERO_OUTPUT"; exit {config.code}'
    [config]
    code = %d
"""
PARENT = """
    [step.call]
    type = "job"
    definition = "child.toml"
    params = { n = "7" }
    [step.use]
    type = "shell"
    depends = ["call"]
    command = "echo got {steps.call.outputs.n} of {steps.call.outputs.job_id}"
"""


def test_a_sub_job_is_a_job_that_names_its_parent(shell):
    """Whoever looks at one of the two would not find the other."""
    shell.define("child", CHILD % 0)
    done = shell.run("run", shell.define("parent", PARENT))
    child, parent = shell.json("jobs")
    assert (child["definition"], child["trigger"], child["parent_id"]) == ("child", "job", parent["id"])
    assert parent["parent_id"] is None
    assert f"got 7 of {child['id']}" in done.stdout
    shown = shell.json("show", parent["id"])
    assert shown["children"] == [
        {"id": child["id"], "step": "call", "definition": "child", "name": "Child", "status": "completed"}
    ]
    assert shown["outputs"]["call"] == {
        "job_id": child["id"], "status": "completed", "n": "7", "list": [1, 2],
        "outputs": {"work": {"n": "7", "list": [1, 2]}},
    }  # fmt: skip
    shown_child = shell.json("show", child["id"])
    assert (shown_child["parent_step"], shown_child["parameters"]) == ("call", {"n": 7})
    assert child["id"] in shell.run("show", parent["id"]).stdout
    assert parent["id"] in shell.run("show", child["id"]).stdout
    with shell.serving() as server:
        answer = server.get(f"/api/jobs/{parent['id']}")
        assert [each["id"] for each in answer["children"]] == [child["id"]]
        assert server.get(f"/api/jobs/{child['id']}")["job"]["parent_id"] == parent["id"]


def test_a_job_that_a_hook_started_stands_on_its_parents_page(shell):
    """The page of every job with such a hook would be an error instead."""
    shell.define("child", CHILD % 0)
    path = shell.define("parent", 'on_exit = { job = "child.toml" }\n[step.a]\ntype = "shell"\ncommand = "true"\n')
    shell.run("run", path)
    child = shell.json("jobs", "--definition", "child")[0]
    assert [(each["id"], each["step"]) for each in shell.json("show", "parent")["children"]] == [(child["id"], None)]
    (line,) = [line for line in shell.run("show", "parent").stdout.splitlines() if child["id"] in line]
    assert line.split()[0] == "(hook)"


def test_a_failed_sub_job_fails_its_step_and_says_which(shell):
    """A pipeline would go on after a stage that failed."""
    shell.define("child", CHILD % 3)
    shell.run("run", shell.define("parent", PARENT), code=1)
    child, parent = shell.json("jobs")
    assert (child["status"], parent["status"]) == ("failed", "failed")
    steps = {step["name"]: step for step in shell.json("show", parent["id"])["steps"]}
    assert steps["call"]["error"] == f"job {child['id']} (child) failed: step work failed: exit code 3"
    assert steps["use"]["status"] == "skipped"
    assert shell.json("show", parent["id"])["outputs"] == {"call": {"job_id": child["id"]}}


def test_a_warning_is_no_failure(shell):
    """Failures that the child's definition bears would end its parent."""
    shell.define("child", "[step.a]\ntype = 'shell'\ncommand = 'false'\non_error = 'continue'\n")
    shell.run("run", shell.define("parent", "[step.call]\ntype = 'job'\ndefinition = 'child.toml'\n"))
    assert [job["status"] for job in shell.json("jobs")] == ["warning", "completed"]


def test_what_cannot_be_started_says_why(shell):
    """The author would have to guess whether the name, a parameter or another job is in the way."""
    shell.define("strict", "[params.n]\ntype = 'int'\nrequired = true\n[step.a]\ntype = 'shell'\ncommand = 'true'\n")
    shell.define("closed", "enabled = false\n[step.a]\ntype = 'shell'\ncommand = 'true'\n")
    shell.define("again", "[step.a]\ntype = 'job'\ndefinition = 'again.toml'\n")
    shell.define("queue", "overlap = 'queue'\n[step.a]\ntype = 'job'\ndefinition = 'queue.toml'\n")
    shell.define("deep", "overlap = 'allow'\n[step.a]\ntype = 'job'\ndefinition = 'deep.toml'\n")
    cases = {
        "none": "no definition with the id 'none'",
        "none.toml": "no such file",
        "strict.toml": "strict: parameter n: is required",
        "closed.toml": "closed is disabled",
        "again.toml": "again is running already as job",
        "queue.toml": "queue would wait for itself: call-queue -> queue -> queue",
        "deep.toml": "jobs are nested 8 deep: ",
    }
    for reference, message in cases.items():
        name = reference.removesuffix(".toml")
        path = shell.define(f"call-{name}", f"[step.a]\ntype = 'job'\ndefinition = '{reference}'\n")
        assert message in shell.run("run", path, code=1).stderr
    depth = [job["definition"] for job in shell.json("jobs", "--limit", "100")].count("deep")
    assert depth == 7, "the job that calls it is the eighth"


def _wait_until_begun(shell: Shell) -> str:
    """Wait until the child job has said so, or has ended; return its ID."""
    tail = shell.start("tail", "child", "--json", "-n", "all")
    with tail:
        events = (json.loads(line) for line in tail.stdout)
        job: str = next(event["job"]["id"] for event in events if event["event"] == "status")
        any(event.get("message") == "begun" for event in events)
        tail.kill()
    return job


@pytest.mark.parametrize("how", ["Ctrl-C", "cancel", "cancel the sub-job", "the step's timeout", "kill"])
def test_parent_and_child_end_together(shell, how):
    """A child would run on for hours after its parent was cancelled."""
    shell.define("child", "[step.a]\ntype = 'shell'\ncommand = 'echo begun; exec sleep 1000'\n")
    limit = "timeout = '3s'" if "timeout" in how else ""
    text = f"[step.call]\ntype = 'job'\ndefinition = 'child.toml'\n{limit}\n"
    running = shell.start("run", shell.define("parent", text), "--json")
    parent = first_job(running)
    for line in running.stdout:
        if json.loads(line).get("fields", {}).get("definition"):
            break
    child = _wait_until_begun(shell)
    if how == "Ctrl-C":
        running.send_signal(signal.SIGINT)
    elif how == "kill":
        running.kill()
    elif how.startswith("cancel"):
        shell.run("cancel", child if "sub" in how else parent)
    running.communicate(timeout=PATIENCE)
    statuses = {job["id"]: job["status"] for job in shell.json("jobs")}
    expected = {
        "cancel the sub-job": ("failed", "cancelled"), "kill": ("interrupted", "interrupted"),
        "the step's timeout": ("failed", "cancelled"),
    }  # fmt: skip
    assert (statuses[parent], statuses[child]) == expected.get(how, ("cancelled", "cancelled"))
    error = shell.json("show", child)["job"]["error"]
    if how in ("Ctrl-C", "the step's timeout"):
        assert error == f"step call of job {parent}, which ran it, was ended"


def test_a_sub_job_hides_what_its_parent_hides(shell):
    """A token that is handed down would stand among the sub-job's parameters."""
    shell.extra["TOKEN"] = "hunter2-hunter2"
    shell.define("child", """
        [params.key]
        [step.a]
        type = "shell"
        command = "echo with {params.key}"
    """)  # fmt: skip
    shell.run("run", shell.define("parent", """
        [secrets]
        KEY = "env:TOKEN"
        [step.call]
        type = "job"
        definition = "child.toml"
        params = { key = "{env.KEY}" }
    """))  # fmt: skip
    child = shell.json("jobs")[0]["id"]
    assert shell.json("show", child)["parameters"] == {"key": "***"}
    assert "with ***" in shell.run("tail", child, "-n", "all").stdout
    for file in shell.home.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes()


WAITS = """
    overlap = "queue"
    [step.begin]
    type = "shell"
    working_dir = "."
    command = "touch {name}; until [ -e {other} ]; do sleep 0.02; done"
    [step.call]
    type = "job"
    depends = ["begin"]
    definition = "{other}.toml"
"""


def test_jobs_that_wait_for_each_other_in_a_circle_do_not_wait_for_ever(shell):
    """Two jobs that run each other's definition, each behind the other, would hang until somebody cancels them."""
    paths = [
        shell.define(name, WAITS.format(name=name, other=other))
        for name, other in (("left", "right"), ("right", "left"))
    ]
    runners = [shell.start("run", path, "--quiet") for path in paths]
    for runner in runners:
        _, err = runner.communicate(timeout=PATIENCE)
        assert runner.returncode == 1, err
    jobs = shell.json("jobs")
    assert {job["status"] for job in jobs} == {"cancelled", "failed"}
    (gave_way,) = [job for job in jobs if job["status"] == "cancelled"]
    assert gave_way["error"].startswith(f"it would wait for itself: {gave_way['id']} -> ")
    (parent,) = [job for job in jobs if job["id"] == gave_way["parent_id"]]
    assert gave_way["error"] in parent["error"]
