"""Files that steps leave on a worker: in pieces to the views, and whole there, whatever comes how often."""

import os
import random
from contextlib import closing

import pytest
import trio
from machines import machines
from shells import entries
from stores import NOW, line, new_home, new_job
from test_cluster_intake import shipment

from quaero_cli.engine.shared import Ground
from quaero_cli.model import Abroad, FilePiece, JobChanged, JobClaimed, JobQueued, Status
from quaero_cli.session.filesout import FilesOut
from quaero_cli.store.artifacts import listing, stamps
from quaero_cli.store.factcodec import decode_facts, encode_fact, join_facts
from quaero_cli.store.filepieces import PIECE, fitting, pieces
from quaero_cli.store.intake import Intake
from quaero_cli.store.reader import open_reader

JOB = "job-1"
CONTENTS = {
    b"plain.txt": b"found\n",
    b"empty": b"",
    b"deep/er/data.bin": random.Random(1).randbytes(2 * PIECE + 5),
    b"caf\xe9 \n\x1b[31m": b"its name is no text",
}
LEAVES = """
    [step.leave]
    type = "shell"
    command = '''
        cd "$QUAERO_ARTIFACTS"; mkdir -p deep; ln -s /etc/passwd link
        echo found >found.txt; head -c 700000 /dev/zero | tr '\\0' x >deep/large.txt; : >empty
    '''
    [step.fails]
    type = "shell"
    depends = "leave"
    command = "[ -e {gate} ]"
"""
SPREADS = """
    [step.each]
    type = "shell"
    for_each = ["a", "b", "c"]
    spread = true
    command = 'echo {item} >"$QUAERO_ARTIFACTS/{item}.txt"'
"""


@pytest.fixture
def worker(tmp_path):
    """The data directory of a worker whose job has left files, beside what is no file."""
    home = new_home(tmp_path / "worker")
    folder = home.home / "artifacts" / JOB / "step"
    for name, content in CONTENTS.items():
        path = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "fifo")
    return home


@pytest.fixture
def view(tmp_path):
    return new_home(tmp_path / "view")


@pytest.fixture
def intake(view):
    with closing(Intake(view.database)) as opened:
        opened.take([shipment("w", 1, JobQueued(new_job(JOB), "default", NOW), JobClaimed(JOB, "w1", 1, NOW))], "1")
        yield opened


def piece(name: bytes = b"x", data: bytes = b"new", step: str = "step") -> FilePiece:
    return FilePiece(JOB, step, name, 0, len(data), data)


def _all(home):
    return [piece for _, piece in pieces(home.database, JOB, stamps(home.database, JOB)[0])]


def _contents(home, step: str = "step") -> dict[bytes, bytes]:
    top = os.fsencode(home.home / "artifacts" / JOB / step)
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, top)] = file.read()
    return found


def test_files_arrive_as_they_were(worker, view, intake):
    """What a job made would be looked for in vain by whoever started it."""
    sent = _all(worker)
    assert decode_facts(join_facts([encode_fact(Abroad(each)) for each in sent])) == sent
    taken = intake.take([shipment("w", 3, *sent)], "2")
    assert taken.refused == []
    assert _contents(view) == CONTENTS
    assert listing(view.database, JOB) == listing(worker.database, JOB)
    assert {each.name for each in (view.home / "artifacts" / JOB).iterdir()} == {"step"}, "something is left over"


def test_pieces_that_come_again_change_nothing(worker, view):
    """A view that was killed before its commit would spoil a file that was whole."""
    begin = shipment("w", 1, JobQueued(new_job(JOB), "default", NOW), JobClaimed(JOB, "w1", 1, NOW))
    sent = _all(worker)
    for start in range(len(sent)):
        with closing(Intake(view.database)) as intake, pytest.raises(ZeroDivisionError):
            intake.take(_dying([begin, shipment("w", 3, *sent[: start + 1])]), "1")
    with closing(Intake(view.database)) as intake:
        intake.take([begin, shipment("w", 3, *sent)], "1")
    assert _contents(view) == CONTENTS


def _dying(shipments):
    """Give shipments, and die before the transaction is committed."""
    yield from shipments
    raise ZeroDivisionError


async def test_a_file_that_changes_while_it_is_sent_is_told_of(worker, view, intake):
    """A report would be missing without a word, and half of it lie about for ever."""
    told: list = []
    large = worker.home / "artifacts" / JOB / "step" / "deep" / "er" / "data.bin"

    async def room() -> None:
        if isinstance(told[-1], Abroad) and told[-1].fact.offset:
            os.truncate(large, PIECE)

    ground = Ground(told.append, room, {}, worker.home / "artifacts", {}, trio.Event())
    await FilesOut(worker.database, "w1", 10 * PIECE).on(ground, lambda: False).keep_files(JOB)
    *sent, word = told
    assert word.fields["names"] == ["step/deep/er/data.bin"]
    assert "changed while" in word.message
    intake.take([shipment("w", 3, *(each.fact for each in sent))], "2")
    folder = view.home / "artifacts" / JOB
    assert [path.name for path in folder.glob(".coming-*")] != []
    last = 2 + len(sent)
    intake.take([shipment("w", last + 1, JobChanged(JOB, Status.COMPLETED, NOW, 1))], "3")
    assert {path.name for path in folder.iterdir()} == {"step"}
    assert {*_contents(view)} == {*CONTENTS} - {b"deep/er/data.bin"}


@pytest.mark.parametrize(
    ("name", "step"),
    [
        (b"../../outside", "step"), (b"/outside", "step"), (b"a/../../../../outside", "step"), (b"", "step"),
        (b"a//b", "step"), (b"a\0b", "step"), (b".", "step"), (b"outside", ".."), (b"outside", "../.."),
        (b"outside", "a/b"), (b"n" * 300, "step"),
    ],
)  # fmt: skip
def test_a_file_goes_nowhere_but_into_its_steps_folder(view, intake, name, step):
    """A worker could write wherever the view may."""
    before = sorted(view.home.rglob("*"))
    (refused,) = intake.take([shipment("w", 3, piece(name, step=step))], "2").refused
    assert JOB in refused
    inside = view.home / "artifacts"
    assert [path for path in sorted(view.home.rglob("*")) if path not in before and inside not in path.parents] in (
        [], [inside],
    )  # fmt: skip
    assert _contents(view) == {}


def test_no_link_is_followed(view, intake, tmp_path):
    """A link in the folder of a job would lead whoever sends files out of it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("old")
    folder = view.home / "artifacts" / JOB / "step"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    (folder / "file").symlink_to(outside / "file")
    (refused,) = intake.take([shipment("w", 3, piece(b"link/file"))], "2").refused
    assert "step/link/file" in refused
    intake.take([shipment("w", 4, piece(b"file"))], "3")
    assert (outside / "file").read_text() == "old"
    assert (folder / "file").read_text() == "new"
    assert not (folder / "file").is_symlink()


@pytest.mark.parametrize("where", ["artifacts", f"artifacts/{JOB}"])
def test_what_stands_in_the_way_of_files_does_not_hold_up_lines(worker, view, intake, where):
    """A view would show nothing more of any job, for the sake of a folder that cannot be made."""
    obstacle = view.home / where
    obstacle.parent.mkdir(exist_ok=True)
    obstacle.write_text("no folder")
    sent = _all(worker)
    refused = intake.take([shipment("w", 3, *sent, line(JOB, "goes on"))], "2").refused
    assert len(refused) == len(CONTENTS), "each file is told of once"
    assert obstacle.read_text() == "no folder"
    with open_reader(view.database) as reader:
        assert reader.summary(JOB)["counts"]["info"] == 1


def test_files_of_a_job_that_has_ended_stay_as_they_are(view, intake):
    """Whoever may send could change what a job of last year has left."""
    intake.take([shipment("w", 3, piece(), JobChanged(JOB, Status.COMPLETED, NOW, 1))], "2")
    intake.take([shipment("other", 1, piece(data=b"forged"), line(JOB, "late"))], "3")
    assert _contents(view) == {b"x": b"new"}


def test_what_is_too_large_is_left_out_and_the_rest_sent(worker):
    """One large file would keep all others from coming."""
    files, _ = stamps(worker.database, JOB)
    most = len(CONTENTS[b"deep/er/data.bin"]) - 1
    assert [name for _, name in files.keys() - fitting(files, most).keys()] == ["deep/er/data.bin"]
    assert set(fitting(files, 0)) == {("step", "empty")}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A cluster on a file: a view, and two workers with room for one each."""
    with machines(tmp_path_factory.mktemp("files"), file=True) as found:
        found.start_view()
        found.extra["QUAERO_CLUSTER_ARTIFACTS_MB"] = "1"
        for name in ("w1", "w2"):
            found.start_worker(name)
        yield found


def test_files_are_where_the_job_is_shown(two):
    """A report would have to be fetched from the machine that happened to make it."""
    path = two.view.define("leaves", LEAVES.format(gate=two.folder / "mended"))
    job = two.view.lines("run", path, "--on", "cluster", code=1)[-1]["job_id"]
    wanted = [("empty", 0), ("found.txt", 6), ("deep/large.txt", 700_000)]
    assert [(file["name"], file["bytes"]) for file in two.view.json("show", job)["artifacts"]] == wanted
    assert "found.txt" in two.view.run("show", job).stdout
    large = two.view.home / "artifacts" / job / "leave" / "deep" / "large.txt"
    assert large.read_bytes() == b"x" * 700_000
    (two.folder / "mended").touch()
    again = two.view.lines("retry", job, "--failed")[-1]["job_id"]
    assert [(file["name"], file["bytes"]) for file in two.view.json("show", again)["artifacts"]] == wanted


def test_what_items_leave_comes_from_each_machine_and_is_cleared_away_there(two):
    """What a spread step made would lie about on as many machines as there are, for ever."""
    job = two.view.lines("run", two.view.define("spreads", SPREADS), "--on", "cluster")[-1]["job_id"]
    shown = two.view.json("show", job)
    assert [(file["step"], file["name"]) for file in shown["artifacts"]] == [
        ("each", f"{item}.txt") for item in "abc"
    ]
    holder = shown["job"]["node"]
    (other,) = {"w1", "w2"} - {holder}
    assert not (two.shell(other).home / "artifacts" / job).exists()


def test_what_is_too_large_stays_and_is_told(two):
    """Somebody would take it for lost."""
    many = "mkdir zz; for n in $(seq 500); do : >zz/$n; done; : >empty"
    path = two.view.define(
        "large", LEAVES.replace("700000", "2000000").replace(": >empty", many).format(gate=two.folder)
    )
    lines = two.view.lines("run", path, "--on", "cluster", code=0)
    job = lines[-1]["job_id"]
    assert [file["name"] for file in two.view.json("show", job)["artifacts"]][:3] == ["empty", "found.txt", "zz/1"]
    assert len([each for each in entries(lines) if each["message"].startswith("Steps left more than 500 files")]) == 1
    (told,) = (each for each in entries(lines) if each["message"].startswith("Files that steps left stay on the"))
    assert (told["level"], told["fields"]["names"]) == ("warn", ["leave/deep/large.txt"])
    status, answer = two.web().request("GET", f"/api/jobs/{job}/artifacts/leave/deep/large.txt")
    assert status == 404
    assert "stay on the worker" in answer["hint"]
