"""`quaero retry` and its route, with real processes: what is run again, what is kept, and when it is refused."""

from pathlib import Path

from shells import Shell, entries, first_job, until_says

# Each step writes its name into `ran`; `middle` fails on item 2 until the file `ok` is there.
CHAIN = '''
    [params.who]
    default = "x"
    [step.first]
    type = "shell"
    command = """
    echo first >> {ran}; echo 'count=7' >> $QUAERO_OUTPUT
    cd $QUAERO_ARTIFACTS; echo kept > note; mkfifo pipe"""
    [step.middle]
    type = "shell"
    depends = "first"
    for_each = ["1", "2", "3"]
    command = "echo middle{{item}} >> {ran}; echo got={{item}} >> $QUAERO_OUTPUT; test {{item}} != 2 || test -e {ok}"
    [step.last]
    type = "shell"
    depends = "middle"
    command = "echo last {{params.who}} {{steps.first.outputs.count}} {{steps.middle.outputs.items}} >> {ran}"
    [step.tidy]
    type = "shell"
    depends = "last"
    always_run = true
    command = "echo tidy >> {ran}"
'''


def chain(shell: Shell) -> str:
    return shell.define("chain", CHAIN.format(ran=shell.folder / "ran", ok=shell.folder / "ok"))


def ran(shell: Shell) -> list[str]:
    """Return what has run since the last look."""
    file = shell.folder / "ran"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def states(shown) -> dict[str, str]:
    return {step["name"]: step["status"] for step in shown["steps"]}


def test_retry_runs_all_of_it_again_as_a_new_job(shell):
    """The old job stays as it was, and the new one says which it repeats; the file may have changed or gone."""
    path = chain(shell)
    shell.run("run", path, "-p", "who=ann", code=1)
    old = shell.json("jobs")[0]["id"]
    ran(shell)
    Path(path).unlink()
    (shell.folder / "ok").touch()
    shell.run("retry", old)
    new = shell.json("show", "last")
    assert (new["job"]["retry_of"], new["job"]["trigger"], new["job"]["status"]) == (old, "retry", "completed")
    assert new["parameters"] == {"who": "ann"}
    assert shell.json("show", old)["job"]["status"] == "failed"
    lines = ran(shell)
    assert [lines[0], *sorted(lines[1:4])] == ["first", "middle1", "middle2", "middle3"]
    assert lines[4].startswith("last ann 7 ")


def test_retry_of_what_failed_keeps_the_rest_with_its_outputs(shell):
    """Hours of work that went well are not done again, and what comes after can use what they left."""
    shell.run("run", chain(shell), code=1)
    old = shell.json("show", "last")
    assert states(old) == {"first": "completed", "middle": "failed", "last": "skipped", "tidy": "completed"}
    ran(shell)
    (shell.folder / "ok").touch()
    shown = entries(shell.lines("retry", "last", "--failed"))
    assert any("Not run again" in entry["message"] and "first" in entry["message"] for entry in shown)
    assert ran(shell) == ["middle2", 'last x 7 [{"got": "1"}, {"got": "2"}, {"got": "3"}]', "tidy"]
    new = shell.json("show", "last")
    assert set(states(new).values()) == {"completed"}
    assert new["outputs"]["first"] == {"count": "7"}
    assert [worker["status"] for worker in new["workers"]] == ["completed"] * 3
    assert [(file["step"], file["name"]) for file in new["artifacts"]] == [("first", "note")]
    first = {step["name"]: step for step in new["steps"]}["first"]
    assert first["finished_at"] == {step["name"]: step for step in old["steps"]}["first"]["finished_at"]


def test_a_retry_that_fails_can_be_retried(shell):
    """What was kept once is kept again."""
    shell.run("run", chain(shell), code=1)
    shell.run("retry", "last", "--failed", code=1)
    ran(shell)
    (shell.folder / "ok").touch()
    shell.run("retry", "last", "--failed")
    assert ran(shell)[0] == "middle2"


def test_a_step_without_items_runs_again_as_a_whole(shell):
    """Half a crawl cannot be recognised: its workers have no items."""
    path = shell.define(
        "crawl",
        """
        [step.load]
        type = "test_job_generator"
        worker_count = 3
        log_count = 1
        log_delay_ms = 0
        failure_rate = 1.0
        child_count = 0
        recursion_depth = 0
        """,
    )
    shell.run("run", path, code=1)
    shell.run("retry", "last", "--failed", code=1)
    assert len(shell.json("show", "last")["workers"]) == 3


def test_a_cancelled_and_an_interrupted_job_go_on_where_they_were(shell):
    """A cancelled job, or one whose machine lost power, is resumed with what it had done."""
    gate = shell.folder / "gate"
    path = shell.define(
        "long",
        f"""
        [step.one]
        type = "shell"
        command = "echo one >> {shell.folder}/ran"
        [step.two]
        type = "shell"
        depends = "one"
        command = "echo two >> {shell.folder}/ran; echo up; until [ -e {gate} ]; do sleep 0.02; done"
        """,
    )
    runner = shell.start("run", path, "--json")
    job = first_job(runner)
    until_says(runner, '"message":"up"')
    error = shell.run("retry", job, code=2).stderr
    assert f"job {job} is still running" in error
    assert "hint: " in error
    runner.kill()
    runner.communicate()
    ran(shell)
    gate.touch()
    shell.run("retry", job, "--failed")
    assert ran(shell) == ["two"]
    assert shell.json("show", job)["job"]["status"] == "interrupted"


def test_what_did_not_fail_is_not_retried_as_failed(shell):
    """`--failed` on a completed job would run nothing and call it a success."""
    shell.run("run", "hello")
    error = shell.run("retry", "last", "--failed", code=2).stderr
    assert "nothing failed in job" in error
    assert "hint: run all of it again: quaero retry" in error
    assert "no job nonsense" in shell.run("retry", "nonsense", code=4).stderr
    assert len(shell.json("jobs")) == 1


def test_a_secret_parameter_must_be_given_again(shell):
    """Secrets are not stored, so a retry cannot know them; it must ask, not run with `***`."""
    path = shell.define(
        "secret",
        """
        [params.key]
        secret = true
        [step.a]
        type = "shell"
        env = { KEY = "{params.key}" }
        command = "test $KEY = right-value"
        """,
    )
    shell.run("run", path, "-p", "key=wrong-value", code=1)
    assert "-p key=VALUE" in shell.run("retry", "last", code=2).stderr
    shell.run("retry", "last", "-p", "key=right-value")


def test_retry_can_be_detached(shell):
    """The kept steps travel with the job to its process."""
    shell.run("run", chain(shell), code=1)
    ran(shell)
    (shell.folder / "ok").touch()
    job = shell.run("retry", "last", "--failed", "--detach").stdout.strip()
    shell.run("tail", job)
    assert ran(shell)[0] == "middle2"
    assert shell.json("show", job)["outputs"]["first"] == {"count": "7"}


def test_retry_over_http(shell):
    """The viewer's button: 202 with the new job, 409 when the state does not allow it."""
    shell.run("run", chain(shell), code=1)
    old = shell.json("jobs")[0]["id"]
    ran(shell)
    (shell.folder / "ok").touch()
    with shell.serving() as server:
        status, answer = server.request("POST", f"/api/jobs/{old}/retry", {"failed": True})
        assert (status, answer["status"]) == (202, "pending")
        shell.run("tail", answer["job_id"])
        assert ran(shell)[0] == "middle2"
        new = server.get(f"/api/jobs/{answer['job_id']}")["job"]
        assert (new["retry_of"], new["trigger"]) == (old, "retry")
        status, error = server.request("POST", f"/api/jobs/{answer['job_id']}/retry", {"failed": True})
        assert (status, "nothing failed" in error["error"]) == (409, True)
        for body in ({"failed": 1}, {"fail": True}, [True]):
            assert server.request("POST", f"/api/jobs/{old}/retry", body)[0] == 400, body
        assert server.request("POST", "/api/jobs/zzzzzzzz/retry")[0] == 404
        status, again = server.request("POST", f"/api/jobs/{old}/retry")
        assert status == 202
        shell.run("tail", again["job_id"])
        assert ran(shell)[0] == "first"
