"""`quaero docs` as a process: the list, the search, one article, files."""

import json
from pathlib import Path

import pytest
from shells import Shell
from stores import new_home, write_once
from test_store_documents import DAY, TEXTS, found

PAGE = b"<html><title>Rain</title>"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    home = new_home(tmp_path)
    facts = [found(url, title, text, at=DAY, authors=by, published="2026-01-15T10:00:00Z", html=PAGE)
             for url, (title, text, by) in TEXTS.items()]  # fmt: skip
    write_once(home, [*facts, found("http://news.example/sun", 'Sun: "a" \u001b[31mstar', "New text.", at=2 * DAY)])
    return shell


def test_listing_and_searching(shell: Shell) -> None:
    """The collection could only be read with SQL."""
    assert [each["id"] for each in shell.json("docs")] == [3, 2, 1]
    assert [each["id"] for each in shell.json("docs", "search", "rained")] == [1]
    assert [each["id"] for each in shell.json("docs", "search", "ten", "days", "--site", "news.example")] == [1]
    out = shell.run("docs", "search", "rained").stdout
    assert "Rain over the valley" in out
    assert "**rained**" in out
    assert shell.json("docs", "--since", "1h") == []
    assert "no document matches" in shell.run("docs", "search", "nothing").stderr
    shell.run("docs", "search", code=2)
    shell.run("docs", "search", "*", code=2)
    shell.run("docs", "--format", "warc", code=2)


def test_showing_one(shell: Shell) -> None:
    """An article, what it said before, or the page itself could not be read."""
    whole = shell.json("docs", "show", "2")
    assert (whole["version"], whole["text"]) == (2, "New text.")
    assert shell.json("docs", "show", "2", "--version", "1")["text"] == TEXTS["http://news.example/sun"][1]
    assert "\x1b" not in shell.run("docs", "show", "2").stdout
    assert shell.run("docs", "show", "1", "--html").stdout == PAGE.decode()
    shell.run("docs", "show", "2", "--version", "7", code=4)


def test_exporting_markdown(shell: Shell) -> None:
    """Notes made of articles would lack their facts, or an article with an odd title could not be written."""
    shell.run("docs", "export", "out")
    names = sorted(path.name for path in (shell.folder / "out").iterdir())
    assert names == ["000001-rain-over-the-valley.md", "000002-sun-a-31mstar.md", "000003-taxes.md"]
    text = (shell.folder / "out" / names[0]).read_text()
    _, front, body = text.split("---\n", 2)
    facts = dict(line.split(": ", 1) for line in front.splitlines())
    assert json.loads(facts["authors"]) == ["Ann"]
    assert json.loads(facts["published"]) == "2026-01-15T10:00:00Z"
    assert body.startswith("\n# Rain over the valley\n\nIt rained")
    assert shell.json("docs", "export", "out", "--limit", "1") == {
        "directory": "out",
        "format": "markdown",
        "documents": 1,
    }


def test_exporting_for_programs(shell: Shell) -> None:
    """An archive could not be read by the tools that read archives."""
    from warcio.archiveiterator import ArchiveIterator

    shell.run("docs", "export", "out", "--format", "ndjson")
    lines = (shell.folder / "out" / "documents.ndjson").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [3, 2, 1]
    shell.run("docs", "export", "out", "--format", "warc")
    with (shell.folder / "out" / "documents.warc.gz").open("rb") as file:
        found, belonging = [], set()
        for record in ArchiveIterator(file, check_digests="raise"):
            headers = record.rec_headers
            found.append((record.rec_type, headers.get_header("WARC-Target-URI"), record.content_stream().read()))
            belonging.add(headers.get_header("WARC-Warcinfo-ID") or headers.get_header("WARC-Record-ID"))
    assert [number for number, (kind, _, _) in enumerate(found) if kind == "warcinfo"] == [0]
    assert b"software: quaero/" in found[0][2]
    assert len(belonging) == 1  # each record says that it is of this file
    assert ("resource", "http://news.example/rain", PAGE) in found
    assert [kind for kind, _, _ in found].count("conversion") == 3
    (shell.folder / "file").touch()
    assert "file" in shell.run("docs", "export", "file", code=2).stderr
    shell.run("docs", "export", "out", "--format", "epub", code=2)
