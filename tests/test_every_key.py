"""Every key of the file format does something: with it a job goes another way than without it.

A table a key: a definition in which one line stands or does not. What a key does exactly is told by other tests; here
it is enough that ignoring it would show, and that no key is missing.
"""

from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from textwrap import dedent

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Stage

from quaero_cli.errors import DefinitionError, QuaeroError
from quaero_cli.jobdef import keys
from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.parameters import resolve_parameters
from quaero_cli.jobdef.place import Place
from quaero_cli.jobdef.steps import read_steps
from quaero_cli.jobdef.table import Table
from quaero_cli.model import LogLine, StepOutput, WorkerChanged
from quaero_cli.plaindata import plain

# key -> a definition; the line that ends with ### is the key, and is taken out for comparison.
RUN = {
    "name": "name = 'Other' ###\n[step.a]\ntype = 'work'",
    "timeout": "timeout = '5s' ###\n[step.a]\ntype = 'work'\nseconds = 50",
    "max_parallel_steps": "max_parallel_steps = 1 ###\n[step.a]\ntype = 'work'\nseconds = 1\n"
                          "[step.b]\ntype = 'work'\nseconds = 1",
    "error_tolerance": "error_tolerance = { max_child_failures = 9 } ###\n[step.a]\ntype = 'fan'\nfailing = 1",
    "max_child_failures": "[error_tolerance]\nmax_child_failures = 9 ###\n[step.a]\ntype = 'fan'\nfailing = 1",
    "failure_action": "[error_tolerance]\nmax_child_failures = 1\nfailure_action = 'mark_warning' ###\n"
                      "[step.a]\ntype = 'fan'\nfailing = 2",
    "step.depends": "[step.a]\ntype = 'work'\ndepends = 'b' ###\n[step.b]\ntype = 'work'\nseconds = 3",
    "step.on_error": "[step.a]\ntype = 'work'\nfail = 'x'\non_error = 'continue' ###\n"
                     "[step.b]\ntype = 'work'\ndepends = 'a'",
    "step.timeout": "[step.a]\ntype = 'work'\nseconds = 50\ntimeout = '5s' ###",
    "step.idle_timeout": "[step.a]\ntype = 'work'\nseconds = 50\nidle_timeout = '5s' ###",
    "step.concurrency": "[step.a]\ntype = 'fan'\ncount = 4\nconcurrency = 4 ###",
    "step.always_run": "[step.a]\ntype = 'work'\nfail = 'x'\n[step.b]\ntype = 'work'\ndepends = 'a'\n"
                       "always_run = true ###",
    "step.condition": "[step.a]\ntype = 'work'\ncondition = '' ###",
    "step.service": "[step.a]\ntype = 'flaky'\nfailures = 0\nseconds = 3\nservice = true ###\n"
                    "[step.b]\ntype = 'work'\ndepends = 'a'\nseconds = 1",
    "step.retries": "[step.a]\ntype = 'flaky'\nretries = { limit = 1 } ###",
    "step.for_each": "[step.a]\ntype = 'each'\nvalue = 'x'\nfor_each = [1, 2] ###",
    "step.worker_timeout": "[step.a]\ntype = 'each'\nvalue = 'x'\nfor_each = [1]\nseconds = 50\n"
                           "worker_timeout = '5s' ###",
    "step.ready": "[step.a]\ntype = 'quiet'\nservice = true\nready = { call = true } ###\n"
                  "[step.b]\ntype = 'work'\ndepends = 'a'",
}  # fmt: skip

_RETRIED = "[step.a]\ntype = 'flaky'\nfailures = 9\n[step.a.retries]\nlimit = 3\ndelay = '2s'\n"
_USED = "[step.b]\ntype = 'work'\ndepends = 'a'\n"
RUN |= {
    "retries.limit": "[step.a]\ntype = 'flaky'\nretries = { limit = 1 } ###",
    "retries.delay": _RETRIED.replace("delay = '2s'", "delay = '3s' ###"),
    "retries.backoff": _RETRIED + "backoff = 5 ###",
    "retries.max_delay": _RETRIED + "max_delay = '2s' ###",
    "retries.jitter": _RETRIED + "jitter = true ###",
    "ready.log": _USED + "[step.a]\ntype = 'talker'\nservice = true\n[step.a.ready]\nlog = 'listening' ###",
    "ready.call": _USED + "[step.a]\ntype = 'quiet'\nservice = true\n[step.a.ready]\ncall = true ###",
    "ready.timeout": _USED + "[step.a]\ntype = 'service'\nservice = true\nseconds = 99\n[step.a.ready]\n"
                             "timeout = '3s' ###",
}  # fmt: skip

# What the engine is handed, or others use: the definition that was read differs.
LOADED = {
    "id": "id = 'other' ###",
    "description": "description = 'What it does' ###",
    "tags": "tags = ['night'] ###",
    "enabled": "enabled = false ###",
    "overlap": "overlap = 'allow' ###",
    "schedule": "schedule = '0 3 * * *' ###",
    "queue": "queue = 'gpu' ###",
    "labels": "labels = { gpu = 'a100' } ###",
    "timezone": "schedule = '0 3 * * *'\ntimezone = 'Europe/Berlin' ###",
    "catchup": "schedule = '0 3 * * *'\ncatchup = 'last' ###",
    "auto_start": "auto_start = true ###",
    "on_success": "on_success = { command = 'true' } ###",
    "on_failure": "on_failure = { command = 'true' } ###",
    "on_exit": "on_exit = { command = 'true' } ###",
    "params": "params = { a = { default = 'x' } } ###",
    "config": "config = { a = 1 } ###",
    "env": "env = { A = 'x' } ###",
    "secrets": "secrets = { A = 'env:A' } ###",
    "hook.command": "[on_exit]\ncommand = 'true' ###",
    "hook.job": "[on_exit]\njob = 'other' ###",
    "hook.params": "[on_exit]\njob = 'other'\nparams = { a = 1 } ###",
    "hook.timeout": "[on_exit]\ncommand = 'true'\ntimeout = '5s' ###",
    "step.spread": "[step.a]\ntype = 'each'\nvalue = 'x'\nfor_each = [1, 2]\nspread = true ###",
    "step.description": "[step.a]\ntype = 'work'\ndescription = 'What it does' ###",
    "for_each.glob": "[step.a]\ntype = 'work'\n[step.a.for_each]\nglob = '*.csv' ###",
    "for_each.file": "[step.a]\ntype = 'work'\n[step.a.for_each]\nfile = 'a.txt' ###",
    "ready.port": _USED + "[step.a]\ntype = 'quiet'\nservice = true\n[step.a.ready]\nport = 80 ###",
    "ready.url": _USED + "[step.a]\ntype = 'quiet'\nservice = true\n[step.a.ready]\nurl = 'http://x/' ###",
}

# A declaration, and values of which at least one is taken in another way because of it.
GIVEN = {
    "type": ("type = 'int' ###", ["5"]),
    "default": ("default = 'x' ###", [None]),
    "required": ("required = true ###", [None]),
    "choices": ("choices = ['a', 'b'] ###", ["c"]),
    "pattern": ("pattern = '[a-z]+' ###", ["5"]),
    "min": ("type = 'int'\nmin = 3 ###", ["2"]),
    "max": ("type = 'int'\nmax = 3 ###", ["4"]),
}

# Nothing may come of these by themselves, or they are told elsewhere.
FREE = {"meta", "step", "step.type", "param.description", "param.secret"}


def without(text):
    """The definition without its key, or the key's table without what is in it."""
    return "\n".join(line for line in text.splitlines() if not line.endswith("###"))


def with_(text):
    return text.replace("###", "")


async def outcome(tmp_path, text):
    """What a job did: how it and its steps ended, and what was said when; in the same moment the order is open."""
    stage = Stage(tmp_path)
    lines = []

    def emit(fact):
        stage.facts.append(fact)
        if isinstance(fact, LogLine):
            lines.append((round(stage.seconds, 2), str(fact.step), fact.worker or 0, fact.level, fact.message))

    try:
        status = await stage.play(text, emit=emit)
    except QuaeroError as error:
        return str(error)
    others = [fact for fact in stage.facts if isinstance(fact, StepOutput | WorkerChanged)]
    return str(status), stage.states(), sorted(lines), len(others)


@pytest.mark.parametrize("key", RUN)
async def test_a_job_goes_another_way_with_the_key(tmp_path, key):
    """A key that is read and then ignored lies to whoever wrote it."""
    assert await _virtually(tmp_path, with_(RUN[key])) != await _virtually(tmp_path, without(RUN[key]))


@pytest.mark.parametrize("key", RUN)
async def test_the_comparison_itself_is_fair(tmp_path, key):
    """The same definition twice would differ by itself, and every key would seem to do something."""
    if key == "retries.jitter":
        return
    assert await _virtually(tmp_path, with_(RUN[key])) == await _virtually(tmp_path, with_(RUN[key]))


async def _virtually(tmp_path, text):
    """On a clock of its own, so that each outcome begins at the same moment."""
    return await trio.to_thread.run_sync(
        lambda: trio.run(outcome, tmp_path, text, clock=trio.testing.MockClock(autojump_threshold=0))
    )


def loaded(text):
    if "[step.a]" not in text:
        text = text + "\n[step.a]\ntype = 'work'\n"
    stage = Stage(Path("/nowhere"))
    try:
        job = parse(dedent(text), path=Path("job.toml"), step_types=stage.types())
    except QuaeroError as error:
        return str(error)
    names = [field.name for field in fields(job) if field.name not in ("text", "content_hash")]
    return {name: plain(getattr(job, name)) for name in names}


@pytest.mark.parametrize("key", LOADED)
def test_a_definition_is_another_one_with_the_key(key):
    """What does not reach the engine, the scheduler or the lists cannot be done by them."""
    found = loaded(with_(LOADED[key]))
    assert isinstance(found, dict), found
    assert found != loaded(without(LOADED[key]))


@pytest.mark.parametrize("key", GIVEN)
def test_a_parameter_is_another_one_with_the_key(key):
    """A value that was forbidden would be taken."""

    def taken(declaration, value):
        job = parse(f"[params.x]\n{declaration}\n[step.a]\ntype = 'work'\n", path=Path("job.toml"),
                    step_types=Stage(Path("/nowhere")).types())  # fmt: skip
        try:
            return resolve_parameters(job, {} if value is None else {"x": value})
        except QuaeroError as error:
            return str(error)

    text, values = GIVEN[key]
    assert [taken(with_(text), value) for value in values] != [taken(without(text), value) for value in values]


def test_no_key_is_missing_here():
    """A key that is added would have no such test."""
    known = set(keys.ROOT_KEYS) | {f"step.{key}" for key in keys.STEP_KEYS}
    known |= {f"retries.{key}" for key in keys.RETRIES_KEYS} | {f"for_each.{key}" for key in keys.FOR_EACH_KEYS}
    known |= {f"ready.{key}" for key in keys.READY_KEYS} | set(keys.TOLERANCE_KEYS)
    known |= {f"param.{key}" for key in keys.PARAMETER_KEYS} | {f"hook.{key}" for key in keys.HOOK_KEYS}
    assert known == {*RUN, *LOADED, *(f"param.{key}" for key in GIVEN), *FREE}


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.dates(),
    st.sampled_from(["{item}", "{params.x}", "{steps.b.outputs.y}", "{env.", "5s", "0s", "1e400h", "*.csv", "("]),
)  # fmt: skip
NAMES = st.sampled_from(
    [*keys.RETRIES_KEYS, *keys.FOR_EACH_KEYS, *keys.READY_KEYS, "x", "a.b", "", "{item}", "\0", "\ud800"]
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.dictionaries(st.sampled_from([*keys.STEP_KEYS, "say"]), VALUES, max_size=4))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_whatever_stands_in_a_step_is_taken_or_refused(step):
    """A traceback of ours would be the answer to a typing error in somebody's file."""
    types = Stage(Path("/nowhere")).types()
    other = {"type": "work", "depends": ["a"]}
    document = Table({"step": {"a": {"type": "quiet", **step}, "b": other}}, Place("job.toml"))
    with suppress(DefinitionError):
        read_steps(document, types, {"params": ("x",), "config": ()})
