"""The step type `crawler` and the definition that comes with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from crawling import Leftovers
from fakes import FakeContext
from web import start_web

from quaero_cli.crawl.addresses import local_hosts
from quaero_cli.errors import StepFailed
from quaero_cli.steps.contract import StepContext
from quaero_cli.steps.crawler import DEFAULT_CONCURRENCY, crawler
from quaero_cli.steps.registry import load_step_types

HEAVY = ("pycurl", "lxml", "trafilatura", "selectolax", "ada_url", "protego", "trio", "orjson")


def test_the_type_is_known() -> None:
    """The type could not be used in a definition, or an option would be without help."""
    found = load_step_types()["crawler"]
    assert found.default_concurrency == DEFAULT_CONCURRENCY == 32
    assert {option.name for option in found.options if not option.help} == set()
    names = {option.name for option in found.options}
    wanted = (
        "start_urls allowed_domains include_patterns exclude_patterns max_depth max_pages follow_links per_host delay"
        " obey_robots sitemaps feeds user_agent allow_private timeout_connect timeout_page max_bytes since recrawl"
        " keep_html extract headers cookies login proxy ca_file timeout_first_byte engine"
    )
    assert set(wanted.split()) <= names


def test_listing_step_types_imports_nothing_heavy() -> None:
    """Every command would pay for the crawler's libraries."""
    code = f"import sys, quaero_cli.steps.crawler; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_crawl(tmp_path: Path, nursery: trio.Nursery) -> None:
    """The step would not hand its options over, or leave no outputs."""
    web = await start_web(nursery)
    web.page("/", links=["/a", "/b"])
    web.page("/a")
    web.page("/b")
    ctx: StepContext = FakeContext(tmp_path)
    outputs = await crawler(ctx, start_urls=f"{web.url}/", allow_private=["127.0.0.1"], max_pages=2)
    assert outputs == {"pages": 2, "documents": 0, "skipped": 2, "failed": 0}
    assert web.requests[0].headers["user-agent"].startswith("quaero/")


async def test_the_default_start_url(tmp_path: Path, nursery: trio.Nursery) -> None:
    """The built-in definition would have no page to start from, or take the default though others were named."""
    web, other = await start_web(nursery), await start_web(nursery)
    web.page("/")
    other.page("/")
    allow = ["127.0.0.1"]
    await crawler(FakeContext(tmp_path), default_start_url=web.url, allow_private=allow)
    assert web.hits["/"] == 1
    named = [f"{other.url}/"]
    await crawler(FakeContext(tmp_path), start_urls=named, default_start_url=web.url, allow_private=allow)
    assert (web.hits["/"], other.hits["/"]) == (1, 1)


async def test_no_start_url_is_told(tmp_path: Path) -> None:
    """A parameter that is empty would crawl nothing and call it a success."""
    with pytest.raises(StepFailed, match=r"^start_urls is empty") as caught:
        await crawler(FakeContext(tmp_path), start_urls=[])
    assert caught.value.hint


async def test_private_addresses_need_to_be_named(tmp_path: Path, nursery: trio.Nursery) -> None:
    """A definition could read the machine's own services without its author having said so."""
    web = await start_web(nursery)
    web.page("/")
    with pytest.raises(StepFailed, match=r"127\.0\.0\.1 is a loopback address") as caught:
        await crawler(FakeContext(tmp_path), start_urls=[web.url])
    assert "allow_private" in (caught.value.hint or "")
    assert not web.hits


async def test_a_start_url_on_this_machine_opens_nothing_else_of_it(tmp_path: Path, nursery: trio.Nursery) -> None:
    """A crawl of some site would reach this machine's own services, because the demo site is one of them."""
    web, other = await start_web(nursery), await start_web(nursery)
    web.page("/", links=[f"http://localhost:{other.port}/"])
    other.page("/")
    await crawler(
        FakeContext(tmp_path), start_urls=[web.url], allow_local=True, allowed_domains=["127.0.0.1", "localhost"]
    )
    assert (web.hits["/"], other.hits["/"]) == (1, 0)


def test_hosts_of_this_machine() -> None:
    """A private network, or a name that begins like this machine's, would count as this machine."""
    urls = [
        "http://localhost:1/",
        "http://[::1]/",
        "http://127.9.9.9/",
        "http://10.0.0.1/",
        "http://localhost.example/",
    ]
    assert local_hosts([*urls, urls[0]]) == ["localhost", "[::1]", "127.9.9.9"]


@pytest.mark.parametrize(
    "command", [[sys.executable, "-m", "quaero_cli"], [str(Path(sys.executable).with_name("quaero"))]]
)
def test_the_built_in_definition(tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`quaero run news-crawler`, the first thing people try, would fail, or leave processes behind."""
    leftovers = Leftovers(monkeypatch)
    arguments = ["--home", str(tmp_path / "home"), "run", "news-crawler", "-p", "max_pages=12", "--json"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    finished = [event for event in events if event.get("message") == "Crawl finished"]
    assert [event["fields"]["pages"] for event in finished] == [12]
    assert (events[-1]["event"], events[-1]["status"]) == ("end", "completed")
    assert leftovers.processes() == []
