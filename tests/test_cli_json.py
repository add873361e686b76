"""What `--json` prints is what `docs/cli.schema.json` says, for every command that it names."""

import inspect
import json
import os
import signal

import fixedstore
import pytest
from cli_schema import schema
from documents import ROOT
from jsonschema import Draft202012Validator
from shells import PATIENCE, read_line

from quaero_cli.cli.app import make_app

FILE = ROOT / "docs" / "cli.schema.json"
FAILING = """
    [params.word]
    default = "x"
    [step.work]
    type = "test_job_generator"
    worker_count = 3
    log_count = 5
    log_delay_ms = 0
    failure_rate = 0
    child_count = 0
    [step.fail]
    type = "shell"
    depends = "work"
    command = "echo a=1 >> $QUAERO_OUTPUT; exit 4"
"""


# Commands on a store that is there, and the name of what they print.
STORE = {
    "search fetched": "search", "docs": "docs", "docs search harbour": "docs", "docs show 1": "docs-show",
    "docs export articles": "docs-export", "db info": "db-info", "db check": "db-check", "db compact": "db-compact",
    "db backup copy.db": "db-backup", "prune --keep 1 --dry-run": "prune", "new mine": "new",
    "run hello --detach": "detach",
}  # fmt: skip


def valid(name: str, value: object) -> None:
    """Check a value against the schema of that name in the file."""
    whole = json.loads(FILE.read_text())
    validator = Draft202012Validator({**whole, "$ref": f"#/$defs/{name}"})
    errors = [
        f"{'.'.join(map(str, each.absolute_path))}: {each.message[:300]}" for each in validator.iter_errors(value)
    ]
    assert errors == []


def test_the_file_is_that_of_the_views():
    """Authors of scripts would be told of keys that are not there, or not of those that are."""
    made = schema()
    Draft202012Validator.check_schema(made)
    text = json.dumps(made, indent=1) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        FILE.write_text(text)
    assert FILE.read_text() == text, "docs/cli.schema.json differs: run with UPDATE_GOLDEN=1"


def test_every_command_prints_what_the_file_says(shell):
    """A script would be written by the file, and fail on the program."""
    path = shell.define("failing", FAILING)
    for event in shell.lines("run", path, "--level", "debug", code=1):
        valid("event", event)
    for event in shell.lines("tail", "last", "-n", "all", "--level", "debug", code=1):
        valid("event", event)
    shell.run("run", "hello")
    valid("cancel", shell.json("cancel", "last", code=2))
    valid("jobs", shell.json("jobs"))
    for job in ("failing", "hello"):
        valid("show", shell.json("show", job))
    valid("defs", shell.json("defs", "--all"))
    valid("check", shell.json("check", "hello", "nope", code=4))
    valid("steps", shell.json("steps"))
    valid("StepTypeHelp", shell.json("steps", "crawler"))
    valid("doctor", shell.json("doctor"))
    valid("token", shell.json("token"))
    valid("dry-run", shell.json("run", path, "--dry-run"))
    server = shell.start("serve", "--port", "0", "--json")
    valid("serve", json.loads(read_line(server.stdout)))
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=PATIENCE)


def test_what_the_store_is_asked_is_in_the_file_too(shell):
    """A script that looks after the store, or collects documents, would have nothing to be written by."""
    fixedstore.make(shell.home)
    for words, name in STORE.items():
        valid(name, shell.json(*words.split()))
    for line in shell.run("logs", "export", fixedstore.CRAWL, "--format", "ndjson").stdout.splitlines():
        valid("logs", json.loads(line))
    valid("rm", shell.json("rm", fixedstore.GREETING))


def test_every_command_that_prints_json_is_in_the_file():
    """A new command would print what nobody has promised."""
    named = set(json.loads(FILE.read_text())["$defs"])
    for command in make_app().registered_commands:
        if "json" in inspect.signature(command.callback).parameters:
            streams = command.name in ("run", "tail", "retry")  # by `event`
            assert streams or any(name.partition("-")[0] == command.name for name in named), command.name


def test_a_wrong_value_is_found(shell):
    """A schema that takes everything would prove nothing."""
    shell.run("run", "hello")
    jobs = shell.json("jobs")
    for broken in ({**jobs[0], "id": 3}, {key: value for key, value in jobs[0].items() if key != "counts"}):
        with pytest.raises(AssertionError):
            valid("jobs", [broken])
    with pytest.raises(AssertionError):
        valid("event", {"event": "end", "job_id": "x", "status": "running", "exit_code": 0})
