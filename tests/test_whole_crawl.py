"""`quaero run news-crawler`, again and again, as processes: the site's own log says what was asked of it."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from shells import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


DEMO = """
    [step.site]
    type = "demo_site"
    service = true
    articles = 12

    [step.crawl]
    type = "crawler"
    depends = ["site"]
    start_urls = "{steps.site.outputs.url}"
    allow_private = ["127.0.0.1"]
    max_pages = 1000
    max_depth = 20
    """


def _asked(shell: Shell) -> Counter[tuple[str, int]]:
    """What the demo site of the newest job answered: paths and statuses."""
    entries = shell.lines("tail", "last", "-n", "all", "--level", "debug", "--step", "site", "--no-follow")
    fields = [entry.get("fields", {}) for entry in entries if entry["event"] == "log"]
    return Counter((each["path"], each["status"]) for each in fields if "path" in each)


def test_a_second_crawl_fetches_no_body_and_adds_no_document(shell: Shell) -> None:
    """A crawl on a schedule would fetch everything each time, and each demo add as many documents again."""
    path = shell.define("demo", DEMO)
    options = ("run", path, "--quiet")
    shell.run(*options)
    first = _asked(shell)
    documents = shell.json("docs", "--limit", "1000")
    assert documents
    assert max(first.values()) == 1
    shell.run(*options)
    second = _asked(shell)
    assert {status for _, status in second} <= {304, 301, 302, 307, 308, 404, 410, 500, 503}
    assert {path for path, status in second if status == 304} == {path for path, status in first if status == 200}
    again = shell.json("docs", "--limit", "1000")
    assert {each["id"] for each in again} == {each["id"] for each in documents}
    assert {each["version"] for each in again} == {1}
    assert all(each["last_seen"] > each["first_seen"] for each in again)
    assert {each["job_id"] for each in again} == {shell.json("jobs")[0]["id"]}


PAGES = 40
OPEN = 24  # the first pages; the others wait until the crawl was killed


class Gazette(ThreadingHTTPServer):
    """A site of articles that counts what it is asked for, and lets the last ones wait for `gate`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.hits: Counter[str] = Counter()
        self.gate = threading.Event()


def _paragraphs(number: int) -> str:
    draw = random.Random(number)
    subjects = ("The council", "A farmer", "The old bridge", "Every visitor", "The museum", "No one", "The river")
    verbs = ("remembers", "crosses", "praises", "paints", "forgets", "measures", "repairs", "describes")
    things = ("the quiet market square", "a long winter", "the new railway", "its oldest houses", "the harvest")

    def sentence() -> str:
        return f"{draw.choice(subjects)} {draw.choice(verbs)} {draw.choice(things)} {draw.randrange(10_000)} times. "

    return "".join(f"<p>{''.join(sentence() for _ in range(5))}</p>" for _ in range(4))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gazette

    def do_GET(self) -> None:
        path, mark, query = self.path.partition("?")
        query = mark + query
        self.server.hits[self.path] += 1
        name = path.strip("/")
        if path == "/":
            body = "".join(f'<a href="/{n}{query}">x</a>' for n in range(PAGES))
        elif name.isdigit():
            if int(name) >= OPEN:
                self.server.gate.wait()
            title = f"<!-- {query} --><title>Number {name}</title>"
            body = f"{title}<article><h1>Number {name}</h1>{_paragraphs(int(name))}</article>"
        else:
            self.send_error(404)
            return
        with suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gazette() -> Iterator[Gazette]:
    with Gazette() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("query", ["", "?key=tops3cret-%5E"])
def test_a_killed_crawl_goes_on_and_fetches_nothing_twice_that_was_stored(
    tmp_path: Path, gazette: Gazette, query: str
) -> None:
    """A crawl of hours would begin anew after a power cut, and ask the site for everything once more; or one whose
    addresses hold a secret store it, or ask for stars."""
    shell = Shell(tmp_path, {"GAZETTE_KEY": query or "no secret"})
    path = shell.define("crawl", f"""
        [secrets]
        KEY = "env:GAZETTE_KEY"

        [step.crawl]
        type = "crawler"
        start_urls = "{gazette.url}/{'{env.KEY}' if query else ''}"
        keep_html = true
        allow_private = ["127.0.0.1"]
        per_host = 32  # those that wait for the gate must not keep the others from being fetched
        """)  # fmt: skip
    child = shell.start("run", path, "--json")
    stored: set[str] = set()
    assert child.stdout is not None
    for line in child.stdout:
        event = json.loads(line)
        if event.get("message") == "Extracted":
            stored.add(event["fields"]["url"].removeprefix(gazette.url).removesuffix("***"))
        if len(stored) == OPEN:
            break
    child.kill()
    child.communicate()
    assert shell.json("jobs")[0]["status"] == "interrupted"
    gazette.gate.set()
    shell.run("retry", "last", "--failed")
    assert {page: gazette.hits[page + query] for page in stored} == dict.fromkeys(stored, 1)
    assert all(gazette.hits[f"/{n}{query}"] for n in range(PAGES))
    assert not [page for page in gazette.hits if "*" in page]
    (first, *_) = shell.json("docs", "--limit", "1")
    assert (b"tops3cret" in (shell.home / "quaero.db").read_bytes()) is False
    assert "tops3cret" not in shell.run("docs", "show", str(first["id"]), "--html").stdout
    assert len(shell.json("docs", "--limit", "100")) == PAGES
    (summary,) = [
        entry for entry in shell.lines("tail", "last", "-n", "all", "--no-follow")
        if entry.get("message") == "Crawl finished"
    ]  # fmt: skip
    assert summary["fields"]["pages"] == PAGES + 1
