"""`quaero run news-crawler`, again and again, as processes: the site's own log says what was asked of it."""

from collections import Counter
from pathlib import Path

import pytest
from shells import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def _asked(shell: Shell) -> Counter[tuple[str, int]]:
    """What the demo site of the newest job answered: paths and statuses."""
    entries = shell.lines("tail", "last", "-n", "all", "--level", "debug", "--step", "site", "--no-follow")
    fields = [entry.get("fields", {}) for entry in entries if entry["event"] == "log"]
    return Counter((each["path"], each["status"]) for each in fields if "path" in each)


def test_a_second_crawl_fetches_no_body_and_adds_no_document(shell: Shell) -> None:
    """A crawl on a schedule would fetch everything each time, and each demo add as many documents again."""
    options = ("run", "news-crawler", "-p", "max_pages=40", "--quiet")
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
