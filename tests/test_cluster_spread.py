"""`spread = true`: the items of one step are done by several machines, and it looks as if one had done them."""

from pathlib import Path

import pytest
from engines import PATIENCE, needs_nats
from machines import machines, until
from shells import entries, first_job

pytestmark = needs_nats

# Two items that wait for each other: on two machines with room for one each, both must take part.
MEETS = """
    [step.meet]
    type = "shell"
    for_each = ["a", "b", "c", "d"]
    spread = true
    concurrency = 2
    retries = {{ limit = 1, delay = "1ms" }}
    command = '''
        cd {folder}
        echo "{{item}} one"; echo "{{item}} two"
        case {{item}} in
            a) touch a; until [ -e b ]; do sleep 0.02; done;;
            b) touch b; until [ -e a ]; do sleep 0.02; done;;
            c) [ -e tried ] || {{ touch tried; exit 1; }};;
            d) exit 3;;
        esac
        echo "WHO={{item}}" >>"$QUAERO_OUTPUT"
    '''
    [step.after]
    type = "shell"
    depends = "meet"
    always_run = true
    command = "echo 'left: {{steps.meet.outputs.items}}'"
    [error_tolerance]
    max_child_failures = 1
    failure_action = "mark_warning"
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A cluster of a view and two workers with room for one each."""
    with machines(tmp_path_factory.mktemp("spread")) as found:
        found.start_view()
        for name in ("w1", "w2"):
            found.start_worker(name)
        yield found


def test_items_are_done_on_all_machines_as_if_there_were_one(two):
    """A fan-out would be bound to one machine, or its log, states or outputs would be wrong."""
    path = two.view.define("meets", MEETS.format(folder=two.folder))
    lines = two.view.lines("run", path, "--on", "cluster", "--level", "debug")
    job = lines[-1]["job_id"]
    assert lines[-1]["status"] == "warning"
    shown = two.view.json("show", job)
    said = entries(two.view.lines("tail", job, "-n", "all", "--level", "debug"))
    assert [each["job_line"] for each in said] == list(range(1, len(said) + 1))
    runners = {each["worker"]: each["fields"]["node"] for each in said if each["message"].startswith("Run by ")}
    assert {runners["meet-1"], runners["meet-2"]} == {"w1", "w2"}
    states = {each["name"]: (each["status"], each["attempt"]) for each in shown["workers"]}
    assert states == {
        "meet-1": ("completed", 1), "meet-2": ("completed", 1), "meet-3": ("completed", 2), "meet-4": ("failed", 2),
    }  # fmt: skip
    assert shown["outputs"]["meet"]["items"] == [{"WHO": "a"}, {"WHO": "b"}, {"WHO": "c"}, {}]
    step = next(each for each in shown["steps"] if each["name"] == "meet")
    assert (step["workers"]["completed"], step["workers"]["failed"]) == (3, 1)
    for number, item, attempts in ((1, "a", 1), (2, "b", 1), (3, "c", 2), (4, "d", 2)):
        mine = [
            each["message"] for each in said if each.get("worker") == f"meet-{number}" and each["source"] == "stdout"
        ]
        assert mine == [f"{item} one", f"{item} two"] * attempts
    ends = [each["message"] for each in said if each["message"].startswith("Worker failed: meet-4")]
    assert len(ends) == 1
    assert "after 2 attempts" in ends[0]
    assert said[-1]["message"].startswith("Status changed: warning"), "nothing comes after the job's end"


# Items that say that they are there and wait for a file.
WAITS = """
    [step.wait]
    type = "shell"
    for_each = ["a", "b"]
    spread = true
    command = "echo $$ >>{folder}/{{item}}; until [ -e {folder}/gate ]; do sleep 0.02; done; echo went on"
"""


def _both_wait(found, folder):
    """Start a job whose two items wait, one on each machine; return its ID and how it is followed."""
    folder.mkdir()
    child = found.view.start(
        "run", found.view.define("waits", WAITS.format(folder=folder)), "--on", "cluster", "--json"
    )
    job = first_job(child)
    until(lambda: all((folder / item).exists() and (folder / item).read_text() for item in "ab"))
    return job, child


def test_cancel_ends_the_items_on_all_machines(two, tmp_path):
    """Items would go on on other machines after their job was cancelled."""
    job, child = _both_wait(two, tmp_path / "cancel")
    two.view.run("cancel", "--no-wait", job)
    child.communicate(timeout=PATIENCE)
    assert child.returncode == 3
    shown = two.view.json("show", job)
    assert {each["status"] for each in shown["workers"]} == {"cancelled"}
    until(lambda: all(not each["items"] and not each["jobs"] for each in two.view.json("workers")))
    children = [int((tmp_path / "cancel" / item).read_text()) for item in "ab"]
    assert not [pid for pid in children if _lives(pid)]
    said = entries(two.view.lines("tail", job, "-n", "all", code=3))
    assert said[-1]["message"].startswith("Status changed: cancelled (job")
    assert "went on" not in {each["message"] for each in said}


def _lives(pid):
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False
