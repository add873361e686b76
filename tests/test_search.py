"""Search over all jobs, from the shell and over HTTP, and the export of a whole log."""

import json
from contextlib import closing

import pytest
from serving import running
from shells import Shell
from stores import NOW, ended, line, start_job

from quaero_cli.errors import FilterError, NotFoundError
from quaero_cli.model import Level, LogLine
from quaero_cli.store import search as scanning
from quaero_cli.store.reader import open_reader
from quaero_cli.store.search import Search

EVENTS = 'id = "events"\n[step.first]\ntype = "shell"\ncommand = "echo Needle one; echo hay; echo a needle"\n'


def _texts(view) -> list[str]:
    return [entry["message"] for entry in view["logs"]]


def _find(home, text: str, limit: int = 100, **more):
    with open_reader(home.database) as reader:
        return reader.search(Search(text, **more), limit)


def _fill(home, scribe) -> None:
    for job, definition in (("aaaa", "one"), ("bbbb", "two"), ("cccc", "one")):
        start_job(home, job, definition=definition, steps=("work", "rest"))
        for number in range(40):
            scribe.write(
                [
                    line(job, f"{job} hay {number}"),
                    line(job, f"{job} Needle {number}", step="rest" if number % 2 else "work"),
                    line(job, f"{job} needle debug {number}", level=Level.DEBUG),
                ]
            )
    scribe.write([line(None, "a needle of the service")])


@pytest.mark.parametrize("span", [7, 200_000])
def test_every_entry_is_found_wherever_it_lies(home, scribe, monkeypatch, span):
    """An entry at the border of two reads would not be found, or twice."""
    monkeypatch.setattr(scanning, "RANGE", span)
    _fill(home, scribe)
    view = _find(home, "NEEDLE")
    assert _texts(view) == [f"{job} Needle {n}" for job in ("aaaa", "bbbb", "cccc") for n in range(40)][-100:]
    assert view["meta"]["has_more"] is True
    assert len(_texts(_find(home, "needle", 1000, level=Level.DEBUG))) == 240
    assert _find(home, "needle", 120)["meta"]["has_more"] is False
    pages: list[str] = []
    before = None
    while found := _find(home, "needle", 11, before=before)["logs"]:
        pages = [entry["message"] for entry in found] + pages
        before = found[0]["id"]
    assert len(pages) == len(set(pages)) == 120


@pytest.mark.parametrize("few", [0.0, 1.0])
def test_the_filters_of_a_search(home, scribe, monkeypatch, few):
    """Narrowing a search would find other entries by one way than by the other."""
    monkeypatch.setattr(scanning, "_FEW", few)  # by the scan, and by the jobs' own index
    _fill(home, scribe)
    assert len(_texts(_find(home, "needle", definition="one"))) == 80
    assert len(_texts(_find(home, "needle", jobs=("aaaa", "bbbb")))) == 80
    assert len(_texts(_find(home, "needle", jobs=("aaaa", "bbbb"), definition="two", steps=("rest",)))) == 20
    assert _texts(_find(home, "needle", steps=("cccc.rest",)))[-1] == "cccc Needle 39"
    last = _find(home, "needle", jobs=("cccc",))["logs"]
    assert len(_find(home, "needle", jobs=("cccc",), since=last[9]["id"])["logs"]) == 30
    assert len(_find(home, "needle", jobs=("cccc",), before=last[9]["id"])["logs"]) == 9
    assert _find(home, "needle", definition="none")["logs"] == []
    assert len(_find(home, "needle", since_us=NOW)["logs"]) == 100
    assert _find(home, "needle", since_us=NOW + 1)["logs"] == []
    with pytest.raises(NotFoundError):
        _find(home, "x", jobs=("zzzz",))
    with pytest.raises(FilterError):
        _find(home, "x", steps=("zzzz",))


def test_texts_that_mean_something_to_the_engine(home, scribe):
    """A search for 100% would find everything; one for Ä would miss ä."""
    start_job(home, "aaaa")
    odd = ["100% sure", "a_b", "back\\slash", "ÄRGER", "\U0001f600", "it's"]
    scribe.write([line("aaaa", text) for text in [*odd, "100 sure", "axb"]])
    for text, found in (("0%", 1), ("a_b", 1), ("\\", 1), ("ärger", 1), ("\U0001f600", 1), ("'", 1), ("SURE", 2)):
        assert len(_find(home, text)["logs"]) == found, text


def test_a_job_that_is_gone_is_not_found(home, scribe):
    """While a job is being deleted, a search would end with an error."""
    attempt = start_job(home, "aaaa")
    scribe.write([line("aaaa", "needle"), *ended("aaaa", attempt)])
    with closing(scanning_connection(home)) as connection:
        connection.execute("DELETE FROM job WHERE id = 'aaaa'")
    assert _find(home, "needle")["logs"] == []


def scanning_connection(home):
    from quaero_cli.store.engine import connect

    return connect(home.database)


def test_large_entries_bound_what_is_found(home, scribe):
    """A search that finds a thousand of the largest entries would take 64 MB."""
    start_job(home, "aaaa")
    for _ in range(160):
        scribe.write([LogLine("aaaa", "work", None, NOW, 20, "needle" + "x" * 60_000, "step", "", None)])
    view = _find(home, "needle", 1000)
    assert 130 < len(view["logs"]) < 150
    assert view["meta"]["has_more"] is True


async def test_search_over_http(tmp_path):
    """The viewer's search would not be the shell's."""
    async with running(tmp_path) as web:
        for job in ("j1", "j2"):
            web.add_job(job, definition=job * 2)
            web.log(job, "a needle", "hay", step="fetch")
            web.log(job, "a loud needle", level=Level.ERROR)
        found = (await web.get("/api/search?q=needle")).json()
        assert [entry["job_id"] for entry in found["logs"]] == ["j1", "j1", "j2", "j2"]
        assert found["meta"] == {
            "total_count": None, "displayed_count": None, "has_more": False, "counts": None,
            "oldest_id": found["logs"][0]["id"], "newest_id": found["logs"][-1]["id"],
        }  # fmt: skip
        for query, number in (
            ("level=error", 2), ("job_id=j1", 2), ("job_id=j1&job_id=j2", 4), ("definition=j2j2", 2),
            ("step=fetch", 2),
            ("limit=1", 1), ("before=4", 2), ("since=3", 2), ("since=2023-11-14T00:00:00Z", 4),
            ("since=2030-01-01T00:00:00%2B02:00", 0),
        ):  # fmt: skip
            assert len((await web.get(f"/api/search?q=needle&{query}")).json()["logs"]) == number, query
        for query, status in (
            ("", 400), ("q=", 400), ("q=a&q=b", 400), ("q=a&limit=0", 400), ("q=a&limit=1001", 400),
            ("q=a&scope=job", 400), ("q=a&since=yesterday", 400), ("q=a&since=2023-11-14T00:00:00", 400),
            ("q=a&since=beef-4", 412), ("q=a&job_id=nope", 404), ("q=a&step=nope", 400), ("q=a&level=all", 400),
        ):  # fmt: skip
            answer = await web.get(f"/api/search?{query}")
            assert answer.status == status, query
            assert answer.json()["error"]


def test_search_in_the_shell(tmp_path):
    """Whoever looks for a word would have to open one job after the other."""
    shell = Shell(tmp_path)
    path = shell.define("events", EVENTS)
    for _ in range(2):
        shell.run("run", path)
    done = shell.run("search", "NEEDLE")
    assert [row.split()[-2:] for row in done.stdout.splitlines()] == [["Needle", "one"], ["a", "needle"]] * 2
    ids = [job["id"] for job in shell.json("jobs")]
    assert [row.split()[0] for row in done.stdout.splitlines()] == [ids[1]] * 2 + [ids[0]] * 2
    found = shell.json("search", "needle", "--job", "last", "--step", "first", "--since", "1h")
    assert [entry["message"] for entry in found] == ["Needle one", "a needle"]
    assert {entry["job_id"] for entry in found} == {ids[0]}
    some = shell.run("search", "needle", "--limit", "1", "--definition", "events")
    assert len(some.stdout.splitlines()) == 1
    assert "--limit" in some.stderr
    assert shell.json("search", "nothing like it") == []
    assert shell.run("search", "nothing like it").stdout == ""
    shell.run("search", "x", "--job", "zzz", code=4)
    shell.run("search", "x", "--step", "zzz", code=2)
    shell.run("search", "x", "--level", "loud", code=2)
    shell.run("search", "", code=2)


def test_export_of_a_whole_log(tmp_path):
    """A log that is to be sent to somebody would lack its debug lines, or be half a file."""
    shell = Shell(tmp_path)
    shell.run("run", shell.define("events", EVENTS))
    lines = shell.run("logs", "export", "last").stdout.splitlines()
    entries = [
        json.loads(row) for row in shell.run("logs", "export", "events", "--format", "ndjson").stdout.splitlines()
    ]
    assert [entry["job_line"] for entry in entries] == list(range(1, len(lines) + 1))
    assert "Needle one" in [entry["message"] for entry in entries]
    target = tmp_path / "out.txt"
    done = shell.run("logs", "export", "last", "-o", str(target))
    assert target.read_text().splitlines() == lines
    assert done.stdout == ""
    assert f"{len(lines)} entries" in done.stderr
    with shell.serving() as server:
        connection = server.connection()
        for kind, text in (("txt", target.read_text()), ("ndjson", None)):
            job = entries[0]["job_id"]
            connection.request(
                "GET", f"/api/jobs/{job}/logs.{kind}", headers={"Authorization": f"Bearer {server.token}"}
            )
            body = connection.getresponse().read().decode()
            assert body == text or [json.loads(row) for row in body.splitlines()] == entries
        connection.close()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".out")) == []
    shell.run("logs", "export", "zzz", code=4)
    shell.run("logs", "import", "last", code=2)
    shell.run("logs", "export", "last", "--format", "xml", code=2)
    shell.run("logs", "export", "last", "-o", str(tmp_path / "no" / "such.txt"), code=1)
