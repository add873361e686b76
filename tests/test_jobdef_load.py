"""A whole definition: what a good file becomes."""

from dataclasses import fields
from hashlib import sha256

import pytest
from jobfiles import FULL, TYPES, define

from quaero_cli.jobdef.load import load
from quaero_cli.jobdef.model import ErrorTolerance, ForEach, JobDefinition, Ready, Retries, StepDefinition


def test_a_full_definition_is_read_as_written(tmp_path):
    """Every key of the format reaches the engine with its value; none is dropped on the way."""
    path = tmp_path / "other.toml"
    path.write_text(FULL)
    job = load(path, TYPES)
    crawl = {
        "start_urls": "{params.urls}",
        "max_pages": "{config.pages}",
        "rate": 1,
        "follow_links": False,
    }
    clean = {"command": ["rm", "-r", "{env.LANG}"], "env": {"JOB": "{job.id}"}}
    steps = (
        StepDefinition("site", "site", service=True, ready=Ready("url", 5.0, "http://127.0.0.1/{config.pages}")),
        StepDefinition(
            name="crawl",
            type="crawler",
            description="Fetch",
            depends=("site",),
            on_error="continue",
            timeout=600.0,
            idle_timeout=0.5,
            concurrency=32,
            condition="{params.urls}",
            options=crawl,
        ),
        StepDefinition("clean", "shell", depends=("crawl",), on_error="fatal", always_run=True, options=clean),
        StepDefinition(
            name="load",
            type="shell",
            for_each=ForEach(items=[1, "b", {"c": "{params.urls}"}]),
            worker_timeout=60.0,
            retries=Retries(3, delay=2.0, backoff=1.5, max_delay=60.0, jitter=True),
            options={"command": "echo {item}"},
        ),
        StepDefinition(
            "files",
            "shell",
            for_each=ForEach(glob="*.csv"),
            retries=Retries(1, delay=1.0, backoff=2.0, max_delay=None, jitter=False),
            options={"command": "echo {item}"},
        ),
    )
    assert job.steps == steps
    assert (job.id, job.name, job.description, job.tags) == ("news", "News", "Crawls", ("a", "b"))
    assert (job.timeout, job.enabled, job.overlap, job.max_parallel_steps) == (5400.0, False, "allow", 2)
    assert (dict(job.config), dict(job.env)) == ({"pages": 7}, {"LANG": "C"})
    assert job.error_tolerance == ErrorTolerance(100, "stop_all")
    assert [item.name for item in job.parameters] == ["urls"]
    assert (job.path, job.text, job.content_hash) == (path, FULL, sha256(FULL.encode()).hexdigest())
    assert job.step("clean") is job.steps[2]


def test_defaults(tmp_path):
    """A three-line file is a job: named for its file, enabled, refusing to overlap."""
    path = tmp_path / "tiny.toml"
    path.write_text("[step.a]\ntype = 'shell'\ncommand = 'true'\n")
    job = load(path, TYPES)
    wanted = JobDefinition(
        id="tiny", name="tiny", path=path, text=job.text, content_hash=job.content_hash, steps=job.steps
    )
    assert all(getattr(job, field.name) == getattr(wanted, field.name) for field in fields(job))
    assert job.steps == (StepDefinition("a", "shell", options={"command": "true"}),)


def test_steps_keep_the_order_of_the_file():
    """Independent steps must not start in another order from run to run."""
    names = ["z", "a", "m", "b"]
    text = "\n".join(f"[step.{name}]\ntype='shell'\ncommand='x'" for name in names)
    assert [step.name for step in define(text).steps] == names


@pytest.mark.parametrize(
    ("written", "names"), [('"a, b"', ("a", "b")), ('["b", "a"]', ("b", "a")), ('" a ,,"', ("a",)), ("[]", ())]
)
def test_depends_is_a_list_or_words(written, names):
    """Both ways of writing depends mean the same."""
    text = f"""
        [step.a]
        type = "shell"
        command = "x"
        [step.b]
        type = "shell"
        command = "x"
        [step.c]
        type = "shell"
        command = "x"
        depends = {written}
    """
    assert define(text).step("c").depends == names


def test_crawler_keys_at_the_root_are_one_step():
    """The short form of a crawl: no step table at all."""
    job = define('id = "short"\nstart_urls = ["http://a"]\nmax_pages = 3\nconcurrency = 4\ntimeout = "1m"')
    options = {"start_urls": ["http://a"], "max_pages": 3}
    assert job.steps == (StepDefinition("crawl", "crawler", concurrency=4, options=options),)
    assert job.timeout == 60.0


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    """Files saved by Windows editors load."""
    path = tmp_path / "win.toml"
    path.write_bytes(b"\xef\xbb\xbf[step.a]\r\ntype = 'shell'\r\ncommand = 'true'\r\n")
    assert load(path, TYPES).steps[0].name == "a"


def test_a_chain_of_two_thousand_steps_loads():
    """No depth of dependence runs into Python's recursion limit."""
    text = "[step.s0]\ntype='shell'\ncommand=''\n" + "".join(
        f"[step.s{n}]\ntype='site'\ndepends='s{n - 1}'\n" for n in range(1, 1500)
    )
    assert len(define(text).steps) == 1500
