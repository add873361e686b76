"""Values that can only fail: refused when the file is loaded, or before the step starts where a placeholder stood."""

from pathlib import Path

import pytest

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.placeholders import Scope, resolve_options
from quaero_cli.steps.registry import load_step_types

TYPES = load_step_types()


def define(text):
    return parse(f"[params.x]\n[step.a]\n{text}\n", path=Path("job.toml"), step_types=TYPES)


LIMITS = [
    # type, option, value, what the message says
    ("test_job_generator", "failure_rate", "2", "must be 0 to 1, not 2.0"),
    ("test_job_generator", "failure_rate", "-0.1", "must be 0 to 1, not -0.1"),
    ("test_job_generator", "worker_count", "-1", "must be at least 0, not -1"),
    ("test_job_generator", "recursion_depth", "-1", "must be at least 0, not -1"),
    ("demo_site", "articles", "0", "must be 1 to 10000, not 0"),
    ("demo_site", "port", "70000", "must be 0 to 65535, not 70000"),
    ("crawler", "max_pages", "0", "must be at least 1, not 0"),
    ("crawler", "max_depth", "-1", "must be at least 0, not -1"),
    ("crawler", "per_host", "0", "must be at least 1, not 0"),
    ("crawler", "include_patterns", "['ok', '(']", "'(' is not a regular expression: missing ): ("),
    ("crawler", "start_urls", "['ftp://x/']", "'ftp://x/' is not the address of a page"),
    ("crawler", "start_urls", "'http://a b/'", "'http://a b/' is not the address of a page"),
    ("crawler", "since", "'someday'", "'someday' is neither an age nor a date"),
]


@pytest.mark.parametrize(("kind", "option", "value", "message"), LIMITS)
def test_what_can_only_fail_is_refused_when_the_file_is_loaded(kind, option, value, message):
    """`check` would say yes, and the job would fail at three in the morning."""
    with pytest.raises(DefinitionError) as caught:
        define(f"type = '{kind}'\n{option} = {value}")
    assert caught.value.message == f"job.toml: step a: {option}: {message}"


@pytest.mark.parametrize(
    ("kind", "option", "value", "message"),
    [
        ("test_job_generator", "failure_rate", 2, "must be 0 to 1, not 2.0"),
        ("crawler", "include_patterns", ["("], "'(' is not a regular expression: missing ): ("),
    ],
)
def test_a_placeholder_is_held_to_the_same_when_the_step_starts(kind, option, value, message):
    """A parameter would get past what a written value does not."""
    job = define(f"type = '{kind}'\n{option} = '{{params.x}}'")
    with pytest.raises(DefinitionError) as caught:
        resolve_options(job.steps[0], TYPES[kind], Scope("aaaa", params={"x": value}))
    assert caught.value.message == f"step a: {option}: {message}"


def test_a_placeholder_inside_a_value_waits_for_the_start():
    """A pattern that is made of a parameter is no pattern yet."""
    job = define("type = 'crawler'\ninclude_patterns = ['({params.x})', '{params.x}']\nstart_urls = ['{params.x}']")
    step = job.steps[0]
    with pytest.raises(DefinitionError, match="is not a regular expression"):
        resolve_options(step, TYPES["crawler"], Scope("aaaa", params={"x": "("}))
    found = resolve_options(step, TYPES["crawler"], Scope("aaaa", params={"x": "https://a.example/"}))
    assert found["start_urls"] == ["https://a.example/"]
