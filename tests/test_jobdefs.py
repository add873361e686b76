"""The definitions that travel with quaero: each of them loads, and the load generator's is what is promised."""

import pytest

from quaero_cli.jobdef.find import find, listing
from quaero_cli.jobdef.model import ErrorTolerance
from quaero_cli.jobdef.parameters import resolve_parameters
from quaero_cli.jobdef.placeholders import Scope, resolve_options
from quaero_cli.resources import shipped
from quaero_cli.steps.registry import load_step_types

TYPES = load_step_types()
FOLDERS = [shipped("jobdefs")]


@pytest.mark.parametrize("found", listing(FOLDERS, TYPES), ids=lambda found: found.id)
def test_every_shipped_definition_loads(found):
    """Nothing that quaero brings along is broken, and its parameters have usable defaults."""
    assert found.error is None
    assert found.path.stem == found.id
    required = {item.name for item in found.definition.parameters if item.required}
    assert not required
    assert resolve_parameters(found.definition, {}) is not None


def test_hello_greets_whom_it_is_told_to():
    """The first command of every new user."""
    job = find("hello", FOLDERS, TYPES)
    for given, word in (({}, "world"), ({"who": "Ada L."}, "'Ada L.'")):
        scope = Scope("j", params=resolve_parameters(job, given))
        options = resolve_options(job.steps[0], TYPES["shell"], scope)
        assert options == {"command": f"echo Hello, {word}"}


# step: workers, entries, delay in ms, failure rate, children, depth
GENERATORS = {
    "fast_generator": (5, 50, 10, 0.1, 0, 0),
    "high_volume_generator": (3, 1200, 5, 0.05, 0, 0),
    "slow_generator": (2, 300, 500, 0.0, 0, 0),
    "recursive_generator": (3, 20, 50, 0.2, 2, 2),
}
KEYS = ("worker_count", "log_count", "log_delay_ms", "failure_rate", "child_count", "recursion_depth")


def test_the_load_generator_is_a_chain_of_four():
    """The figures of the documentation are those of the file."""
    job = find("test-job-generator", FOLDERS, TYPES)
    assert {item.name: tuple(item.options[key] for key in KEYS) for item in job.steps} == GENERATORS
    assert [item.depends for item in job.steps] == [(), *((name,) for name in list(GENERATORS)[:-1])]
    assert {(item.type, item.on_error) for item in job.steps} == {("test_job_generator", "continue")}
    assert (job.timeout, job.error_tolerance) == (1800.0, ErrorTolerance(100, "continue"))
