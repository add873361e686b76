"""What every step type promises, whoever wrote it."""

import json
import signal
import tomllib
from pathlib import Path

import pytest
import trio
from fakes import FakeContext
from shells import PATIENCE, Shell, first_job

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.load import parse
from quaero_cli.resources import shipped
from quaero_cli.steps.registry import load_step_types

TYPES = load_step_types()

# Options with which each type would run far longer than the test waits.
ENDLESS = {
    "shell": {"command": ["sh", "-c", "trap '' TERM; sleep 600 & sleep 600"]},
    "python": {"call": "trio:sleep", "args": {"seconds": 600}},
    "crawler": {"start_urls": ["http://127.0.0.1:{port}/"], "allow_private": ["127.0.0.1"], "obey_robots": False},
    "demo_site": {},
    "http": {"url": "http://127.0.0.1:{port}/"},
    "notify": {"urls": "json://127.0.0.1:{port}/", "body": "x"},
    "job": {"definition": "hello"},
    "test_job_generator": {"worker_count": 50, "log_count": 1000, "log_delay_ms": 10_000},
}


@pytest.mark.parametrize("name", TYPES)
def test_its_docstring_is_its_help(name):
    """`quaero steps TYPE` is where people look first."""
    kind = TYPES[name]
    assert kind.summary
    assert [option.name for option in kind.options if not option.help] == []


@pytest.mark.parametrize("name", TYPES)
def test_an_unknown_option_is_refused(name):
    """A misspelled option that is ignored is the worst kind of default."""
    required = {option.name: "x" for option in TYPES[name].options if option.required}
    keys = "\n".join(f"{key} = '{value}'" for key, value in required.items())
    text = f"[step.a]\ntype = '{name}'\n{keys}\nno_such_option = 1\n"
    with pytest.raises(DefinitionError, match=r"step a: unknown key 'no_such_option'"):
        parse(text, path=Path("job.toml"), step_types=TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_it_has_an_example(name):
    """The quickest way to a definition of one's own is to copy one that runs."""
    used = set()
    for path in shipped("jobdefs").glob("*.toml"):
        document = tomllib.loads(path.read_text())
        used |= {step["type"] for step in document.get("step", {}).values()}
    assert name in used


@pytest.mark.parametrize("name", TYPES)
async def test_it_ends_soon_after_it_is_cancelled_and_leaves_no_process(name, tmp_path):
    """Ctrl-C must not wait for a step that thinks it is more important."""
    from quaero_cli.engine.strays import find_strays

    async def silent(stream):
        await trio.sleep_forever()  # a site that never answers

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, silent, 0)
        port = listeners[0].socket.getsockname()[1]
        options = dict(ENDLESS[name])
        if "start_urls" in options:
            options["start_urls"] = [url.format(port=port) for url in options["start_urls"]]
        if "url" in options:
            options["url"] = options["url"].format(port=port)
        if "urls" in options:
            options["urls"] = options["urls"].format(port=port)
        ctx = FakeContext(tmp_path)
        with trio.move_on_after(0.7) as scope:
            await TYPES[name].function(ctx, **options)
        assert scope.cancelled_caught
        late = trio.current_time() - scope.deadline
        nursery.cancel_scope.cancel()
    assert late < PATIENCE  # each of them is endless
    assert find_strays(ctx.job_id) == []


TREES = """
    (setsid sh -c '(sleep 1000) & exit' &)
    setsid sleep 1000 &
    setsid sh -c 'trap "" TERM; sleep 1000; sleep 1000' &
    (trap '' TERM; sleep 1000; sleep 1000) &
    sh -c 'kill -STOP $$; sleep 1000' &
    for i in $(seq 40); do setsid sh -c 'sleep 1000 & sleep 1000' & done
    sleep 1000 &
"""


@pytest.mark.parametrize("how", ["ends", "is cancelled", "is killed"])
def test_no_process_outlives_a_job(how, tmp_path):
    """Daemons, stopped and stubborn processes of a job would go on for ever, and be nobody's."""
    from quaero_cli.engine.strays import find_strays

    shell = Shell(tmp_path)
    trees, end = TREES, "echo begun; sleep 1000"
    if how == "ends":  # the stubborn ones have their grace, which is tested elsewhere
        trees, end = "\n".join(line for line in TREES.splitlines() if "trap" not in line), "sleep 0.3"
    path = shell.define("trees", f"[step.a]\ntype = 'shell'\ncommand = '''{trees}\n{end}'''\n")
    running = shell.start("run", path, "--json")
    job = first_job(running)
    if how != "ends":
        for line in running.stdout:
            if json.loads(line).get("message") == "begun":
                break
        assert len(find_strays(job)) > 40
        running.send_signal(signal.SIGKILL if how == "is killed" else signal.SIGINT)
        if how == "is cancelled":
            for line in running.stdout:
                if "Cancelling" in line:
                    break
            running.send_signal(signal.SIGINT)
    running.communicate(timeout=PATIENCE)
    (found,) = shell.json("jobs")
    assert found["status"] == {"ends": "completed", "is cancelled": "cancelled", "is killed": "interrupted"}[how]
    assert find_strays(job) == []
