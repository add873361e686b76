"""What every step type promises, whoever wrote it."""

import tomllib
from pathlib import Path

import pytest
import trio
from fakes import FakeContext

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
    assert late < 3  # seconds; one, on a machine that is not busy with other tests
    assert find_strays(ctx.job_id) == []
