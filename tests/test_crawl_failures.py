"""Whole crawls over real HTTP on loopback: what fails, and what is waited for."""

from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import make_tuning, run_crawl
from web import Answer, Web, closed_port

from quaero_cli.errors import StepFailed


async def test_a_dead_link_is_a_fact_not_a_failure(tmp_path: Path, web: Web) -> None:
    """A job would fail because somebody's site has a dead link."""
    web.page("/", links=["/404", "/410", "/403"])
    web.add("/410", Answer(410))
    web.add("/403", Answer(403))
    ran = await run_crawl(tmp_path, web.url)
    assert {worker.status for worker in ran.workers} == {"completed"}
    assert sorted((line.level, line.fields["status"]) for line in ran.lines_of("Failed")) == [
        (30, 403), (30, 404), (30, 410),
    ]  # fmt: skip
    assert {line.fields["found_on"] for line in ran.lines_of("Failed")} == {f"{web.url}/"}
    assert ran.outputs["failed"] == 3
    assert ran.summary()["failed_by_kind"] == {"http_403": 1, "http_404": 1, "http_410": 1}


async def test_no_definite_answer_fails_the_worker(tmp_path: Path, web: Web) -> None:
    """A server that breaks would be taken for a site without that page."""
    web.page("/", links=["/500", "/cut", "/short", "/garbage", "/never"])
    web.routes |= {
        "/500": Answer(500),
        "/cut": Answer(cut=True),
        "/short": Answer(body="x", short=100),
        "/garbage": Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        "/never": Answer(gate=trio.Event()),
    }
    ran = await run_crawl(tmp_path, web.url, timeout_page=1.0)  # others must answer in time on a busy machine
    assert ran.statuses(web.url) == {
        "/": "completed", "/500": "failed", "/cut": "failed", "/short": "failed", "/garbage": "failed",
        "/never": "failed",
    }  # fmt: skip
    reasons = ran.reasons(web.url)
    assert reasons["/500"] == "the site answered 500"
    assert reasons["/never"] == "no complete answer within 1 s"
    assert ran.summary()["failed_by_kind"] == {"http_500": 1, "reset": 2, "protocol": 1, "timeout": 1}
    assert (web.hits["/500"], web.hits["/never"], web.hits["/garbage"]) == (3, 2, 1)
    assert web.hits["/cut"] in (3, 4)  # libcurl asks again by itself when a kept connection turns out to be closed


async def test_what_passes_is_waited_for(tmp_path: Path, web: Web) -> None:
    """One hiccup of a server would lose the page."""
    answers = iter([Answer(503, headers={"Retry-After": "0"}), Answer(429), Answer(body="here")])
    web.page("/", links=["/busy"])
    web.add("/busy", lambda _request: next(answers))
    ran = await run_crawl(tmp_path, web.url)
    assert ran.statuses(web.url)["/busy"] == "completed"
    assert web.hits["/busy"] == 3


async def test_a_pause_holds_the_whole_server(tmp_path: Path, web: Web) -> None:
    """A server that says 429 would be asked for other pages meanwhile."""
    answers = iter([Answer(429, headers={"Retry-After": "1"}), Answer(body="here")])
    web.page("/", links=["/busy", "/a", "/b"])
    web.add("/busy", lambda _request: next(answers))
    web.page("/a")
    web.page("/b")
    await run_crawl(tmp_path, web.url, per_host=1)
    first = next(request.started for request in web.requests if request.target == "/busy")
    later = [request.started for request in web.requests if request.started > first]
    assert min(later) - first > 0.9


@pytest.mark.parametrize(("status", "words"), [(404, "404"), (410, "410"), (500, "500"), (403, "403")])
async def test_a_start_that_answers_an_error_fails_the_step(
    tmp_path: Path, web: Web, status: int, words: str
) -> None:
    """A typo in the start URL would end as a successful crawl of nothing."""
    web.add("/start", Answer(status))
    with pytest.raises(StepFailed, match=rf"no start URL could be fetched: .*/start: the site answered {words}$"):
        await run_crawl(tmp_path, f"{web.url}/start")


async def test_a_start_that_refuses_fails_the_step(tmp_path: Path) -> None:
    """The error would not say what is wrong, or not what to do."""
    port = await closed_port()
    with pytest.raises(StepFailed) as caught:
        await run_crawl(tmp_path, f"http://127.0.0.1:{port}/", obey_robots=False)
    assert caught.value.message == f"no start URL could be fetched: http://127.0.0.1:{port}/: connection refused"
    assert caught.value.hint == "is the server running, and the port right?"


async def test_a_start_that_does_not_resolve_fails_the_step(tmp_path: Path) -> None:
    """A misspelt host would be retried for minutes, or not be named."""

    async def lookup(_host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(StepFailed, match=r"nowhere\.invalid does not resolve: Name or service not known"):
        await run_crawl(tmp_path, "http://nowhere.invalid/", tuning=make_tuning(lookup=lookup))


async def test_one_start_of_two_is_enough(tmp_path: Path, web: Web) -> None:
    """One dead start page would throw away the crawl of the others, or not be seen at all."""
    web.page("/")
    port = await closed_port()
    ran = await run_crawl(tmp_path, web.url, f"http://127.0.0.1:{port}/")
    assert ran.statuses() == {f"{web.url}/": "completed", f"http://127.0.0.1:{port}/": "failed"}
    assert ran.outputs == {"pages": 1, "documents": 1, "skipped": 0, "failed": 1}


async def test_a_start_that_is_no_page_fails_the_step(tmp_path: Path, web: Web) -> None:
    """A PDF as start page would end as a successful crawl of nothing."""
    web.add("/", Answer(body=b"%PDF-1.4", content_type="application/pdf"))
    with pytest.raises(StepFailed, match=r"not html: application/pdf$"):
        await run_crawl(tmp_path, web.url)


async def test_a_hostile_page_fails_alone(tmp_path: Path, web: Web) -> None:
    """One page that crashes or stalls the parser would take the crawl with it."""
    hostile = ["/kill", "/stall", "/raise", "/memory"]
    fine = [f"/{n}" for n in range(6)]
    web.page("/", links=hostile + fine)
    for path, words in zip(hostile, ("KILL ME", "STALL", "RAISE", "MEMORY"), strict=True):
        web.page(path, body=words)
    for path in fine:
        web.page(path)
    tuning = make_tuning(reader_factory="readers:hostile", reader_seconds=0.5)
    ran = await run_crawl(tmp_path, web.url, tuning=tuning)
    assert ran.reasons(web.url) == {
        "/kill": "it ended its reading process",
        "/stall": "reading it took more than 0.5 s of processor time",
        "/raise": "the parser failed: RecursionError: too deep",
        "/memory": "it ended its reading process",
    }
    assert {path for path, status in ran.statuses(web.url).items() if status == "failed"} == set(hostile)
    assert ran.outputs["documents"] == 7


async def test_a_reader_that_cannot_start_is_told(tmp_path: Path, web: Web) -> None:
    """A missing library would show as pages without a word about them."""
    web.page("/")
    ran = await run_crawl(tmp_path, web.url, tuning=make_tuning(reader_factory="readers:broken"))
    assert ran.reasons(web.url) == {"/": "the reading process cannot start: ImportError: no module named trafilatura"}
    assert ran.statuses(web.url) == {"/": "failed"}
