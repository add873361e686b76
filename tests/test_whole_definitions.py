"""Definitions as people write them, run by real processes: what a key promises is what is stored and shown."""


def messages(shell, *words):
    return [entry["message"] for entry in shell.lines("tail", "last", "-n", "all", *words) if entry["event"] == "log"]


def test_attempts_are_stored_and_shown(shell):
    """A step that did well at the third attempt looks as if nothing had happened."""
    path = shell.define("flaky", """
        [step.a]
        type = "shell"
        retries = { limit = 3, delay = "10ms", backoff = 1.0 }
        command = '''
        echo "this is $QUAERO_ATTEMPT"
        test "$QUAERO_ATTEMPT" = 3
        '''
    """)  # fmt: skip
    shell.run("run", path)
    (step,) = shell.json("show", "last")["steps"]
    assert (step["status"], step["attempt"], step["counts"]["warn"]) == ("completed", 3, 2)
    assert "completed, attempt 3" in shell.run("show", "last").stdout
    assert messages(shell) == [
        "Status changed: running (job: flaky)",
        "Status changed: running (step: a, type: shell)",
        "this is 1", "Attempt 1 of 4 failed: exit code 1; next in 0.0 s", "Attempt 2 of 4",
        "this is 2", "Attempt 2 of 4 failed: exit code 1; next in 0.0 s", "Attempt 3 of 4",
        "this is 3",
        "Status changed: completed (step: a, type: shell)",
        "Status changed: completed (job: flaky)",
    ]  # fmt: skip


def test_a_fan_out_over_files_and_lines(shell, tmp_path):
    """What an item holds would be read by the shell, or the lines of all workers would be one heap."""
    (tmp_path / "b $(touch hacked).csv").write_text("1\n2\n")
    (tmp_path / "a.csv").write_text("1\n")
    (tmp_path / "people.ndjson").write_text('{"name": "Ann\'s", "n": 1}\n{"name": "Bo; exit 3", "n": 2}\n')
    (tmp_path / "greet.py").write_text(
        "import logging\n\ndef greet(name, ctx):\n    logging.info('hi ' + name)\n    return dict(length=len(name))\n"
    )
    path = shell.define("fan", """
        [step.count]
        type = "shell"
        for_each = { glob = "*.csv" }
        command = '''
        echo "file is '{item}' for $QUAERO_WORKER"
        echo "lines=$(wc -l <{item})" >>"$QUAERO_OUTPUT"
        '''
        [step.greet]
        type = "python"
        for_each = { file = "people.ndjson" }
        call = "greet.py:greet"
        args = { name = "{item.name}" }
        [step.sum]
        type = "shell"
        depends = ["count", "greet"]
        for_each = "{steps.count.outputs.items}"
        command = ["echo", "{item.lines} lines"]
    """)  # fmt: skip
    shell.run("run", path)
    found = shell.json("show", "last")
    workers = {worker["name"]: worker for worker in found["workers"]}
    assert [(worker["label"], worker["item"]) for worker in workers.values()][:3] == [
        ("a.csv", "a.csv"),
        ("b $(touch hacked).csv", "b $(touch hacked).csv"),
        ('{"name": "Ann\'s", "n": 1}', {"name": "Ann's", "n": 1}),
    ]
    assert found["outputs"] == {
        "count": {"items": [{"lines": "1"}, {"lines": "2"}]}, "greet": {"items": [{"length": 5}, {"length": 10}]},
        "sum": {"items": [{}, {}]},
    }  # fmt: skip
    assert not (tmp_path / "hacked").exists()
    lines = [entry for entry in shell.lines("tail", "last", "-n", "all") if entry["event"] == "log"]
    said = {(entry["worker"], entry["message"]) for entry in lines if entry["originator"] == "worker"}
    assert {
        ("count-2", "file is 'b $(touch hacked).csv' for count-2"), ("greet-1", "hi Ann's"),
        ("greet-2", "hi Bo; exit 3"), ("sum-2", "2 lines"),
    } <= said  # fmt: skip


def test_services_of_shell_and_python_are_used_and_stopped(shell, tmp_path):
    """What needs a server would start before it listens, or its processes would stay behind."""
    (tmp_path / "helper.py").write_text(
        "import trio\n\nasync def serve(ctx):\n    listeners = await trio.open_tcp_listeners(0, host='127.0.0.1')\n"
        "    ctx.ready({'port': listeners[0].socket.getsockname()[1]})\n    await trio.sleep_forever()\n"
    )
    path = shell.define("services", """
        [step.server]
        type = "shell"
        service = true
        command = "exec python3 -u -m http.server --bind 127.0.0.1 0"
        ready = { log = 'port (?P<port>\\d+)' }
        [step.again]
        type = "shell"
        service = true
        depends = "server"
        command = "exec sleep 1000"
        ready = { url = "http://127.0.0.1:{steps.server.outputs.port}/" }
        [step.helper]
        type = "python"
        service = true
        call = "helper.py:serve"
        ready = { call = true, timeout = "30s" }
        [step.use]
        type = "shell"
        depends = ["again", "helper"]
        command = 'test -n "$A" && test -n "$B" && echo "used"'
        env = { A = "{steps.server.outputs.port}", B = "{steps.helper.outputs.port}" }
    """)  # fmt: skip
    shell.run("run", path)
    steps = {step["name"]: step["status"] for step in shell.json("show", "last")["steps"]}
    assert steps == dict.fromkeys(("server", "again", "helper", "use"), "completed")
    said = messages(shell)
    assert said.index("Status changed: completed (step: again, type: shell)") < said.index(
        "Status changed: completed (step: server, type: shell)"
    )
    assert "Ended a process that had outlived its step" not in said


def test_a_service_that_does_not_start_says_why(shell):
    """A typing error in its command would look like a timeout."""
    path = shell.define("broken", """
        [step.server]
        type = "shell"
        service = true
        command = "no-such-server --port 1"
        ready = { port = 1 }
        [step.use]
        type = "shell"
        depends = "server"
        command = "true"
    """)  # fmt: skip
    shell.run("run", path, code=1)
    assert [step["error"] for step in shell.json("show", "last")["steps"]] == [
        "exit code 127", "depends on server, which failed",
    ]  # fmt: skip


def test_the_example_of_a_fan_out_runs(shell):
    """The first thing that somebody tries who has read about retries."""
    shell.run("run", "fan-out-example", "-p", "pages=3")
    found = shell.json("show", "last")
    assert {step["name"]: step["status"] for step in found["steps"]} == dict.fromkeys(
        ("server", "plan", "fetch", "report"), "completed"
    )
    attempts = [worker["attempt"] for worker in found["workers"] if worker["name"].startswith("fetch-")]
    assert attempts == [2, 2, 2]
