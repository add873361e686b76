"""Which worker a job goes to: queues and labels, and what is told where there is none."""

from contextlib import closing
from dataclasses import replace

import pytest
import trio
from engines import PATIENCE, needs_nats
from machines import machines, until
from stores import new_home, new_job, write_once

from quaero_cli.cluster import dispatch
from quaero_cli.cluster.memory import MemoryEngine
from quaero_cli.model import Fact, JobChanged, JobClaimed, LogLine
from quaero_cli.model.taking import Needs, Offer, labels_of_words, why_untaken
from quaero_cli.store.dispatch import keep_node, mark_sent
from quaero_cli.store.factcodec import encode_fact, join_facts
from quaero_cli.store.intake import Intake
from quaero_cli.store.outbox import Shipment
from quaero_cli.store.queue import enqueue_elsewhere, now_us, request_cancel
from quaero_cli.store.reader import open_reader
from quaero_cli.stream.nudge import nudge
from quaero_cli.stream.wakeups import Wakeups

GPU = Needs("gpu", {"gpu": "a100", "os": "linux"})


@pytest.mark.parametrize(
    ("offers", "words"),
    [
        ([], "no worker is there"),
        ([Offer()], "no worker serves the queue gpu"),
        ([Offer(("gpu",), {"os": "linux"})], "no worker of the queue gpu has the label gpu=a100"),
        (
            [Offer(("gpu",), {"os": "linux"}), Offer(("gpu",), {"gpu": "a100", "os": "bsd"})],
            "no worker of the queue gpu has all of the labels gpu=a100 os=linux",
        ),
        ([Offer(("gpu",), {"os": "linux", "gpu": "a100", "rack": "7"})], None),
    ],
)
def test_why_nobody_takes_a_job(offers, words):
    """Somebody would not know which label to give to which machine."""
    assert why_untaken(GPU, offers) == words


def test_needs_of_other_jobs_are_another_lane():
    """A job would reach a machine that does not have what it needs."""
    lanes = {Needs().lane, Needs("gpu").lane, GPU.lane, Needs("gpu", {"gpu": "a100"}).lane, Needs("gpu-a100").lane}
    assert len(lanes) == 5
    assert replace(GPU, labels={"os": "linux", "gpu": "a100"}).lane == GPU.lane


@pytest.mark.parametrize("word", ["gpu", "=a", "a=", "A=b", "a=b c", "a=*"])
def test_what_is_no_label_is_told(word):
    """A worker would never be given the jobs that it was meant for."""
    with pytest.raises(ValueError, match=word.replace("*", ".")):
        labels_of_words([word])


async def test_a_job_that_nobody_may_take_says_so_in_its_log(tmp_path, monkeypatch):
    """A job would wait for ever, and nobody would know for what."""
    monkeypatch.setattr(dispatch, "RECONCILE_INTERVAL", 0.02)
    view = new_home(tmp_path)
    send, told = trio.open_memory_channel[str](100)

    def emit(fact):
        if isinstance(fact, LogLine):
            send.send_nowait(fact.message)

    facts = {"queues": ["gpu"], "slots": 1}
    keep_node(view.database, "w1", facts, now_us())
    enqueue_elsewhere(view.database, replace(new_job("j1"), queue="gpu", labels={"gpu": "a100"}))
    wakeups = Wakeups(view.wake, view.database)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            end = MemoryEngine().connect()
            hands = dispatch.Dispatcher(view.database, wakeups, end, emit, print, hearing=0)
            nursery.start_soon(hands.run)
            assert await told.receive() == "Waiting in the queue: no worker of the queue gpu has the label gpu=a100"
            keep_node(view.database, "w1", facts | {"labels": {"gpu": "a100"}}, now_us())
            assert await told.receive() == "A worker is there that may take the job"
            nursery.cancel_scope.cancel()
    assert told.statistics().current_buffer_used == 0, "it is told once"


async def test_a_job_is_handed_over_at_once_however_lately_somebody_looked(tmp_path, monkeypatch):
    """Each job of a cluster would begin as late as others may log without waking whoever hands over."""
    monkeypatch.setattr(dispatch, "LOOK_INTERVAL", 10 * PATIENCE)
    view = new_home(tmp_path)
    wakeups = Wakeups(view.wake, view.database)
    engine = MemoryEngine()
    worker = engine.connect()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await nursery.start(wakeups.run)
            hands = dispatch.Dispatcher(view.database, wakeups, engine.connect(), print, print)
            nursery.start_soon(hands.run)
            for number in range(4):
                job = replace(new_job(f"j{number}"), queue="default", overlap="allow")
                made = enqueue_elsewhere(view.database, job)
                if number % 2:
                    await hands.hand_over(made)
                else:
                    nudge(view.wake, errand=True)
                lease = await worker.claim(Offer(), "w1", PATIENCE)
                assert lease is not None
                assert lease.job == f"j{number}"
            nursery.cancel_scope.cancel()


async def test_a_job_that_the_engine_has_forgotten_can_be_cancelled(tmp_path):
    """A job whose engine and worker lost power together would be shown as running for ever."""
    view = new_home(tmp_path)
    enqueue_elsewhere(view.database, new_job("j1", overlap="allow"))
    mark_sent(view.database, ["j1"])
    with closing(Intake(view.database)) as intake:
        claimed = join_facts([encode_fact(JobClaimed("j1", "w1", 3, now_us()))])
        intake.take([Shipment("o1", 1, 1, claimed)], "1")
    request_cancel(view.database, "j1")
    send, emitted = trio.open_memory_channel[Fact](100)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            wakeups = Wakeups(view.wake, view.database)
            hands = dispatch.Dispatcher(view.database, wakeups, MemoryEngine().connect(), send.send_nowait, print)
            nursery.start_soon(hands.run)
            facts: list[Fact] = []
            while not facts or not isinstance(facts[-1], JobChanged):
                facts.append(await emitted.receive())
            nursery.cancel_scope.cancel()
    write_once(view, facts)
    with open_reader(view.database) as reader:
        assert reader.summary("j1")["status"] == "cancelled"


@needs_nats
def test_queue_and_labels_of_a_definition_choose_the_worker(tmp_path):
    """A job that needs a graphics card would run where there is none."""
    text = """
        queue = "gpu"
        labels = { card = "a100" }
        [step.work]
        type = "shell"
        command = "true"
    """
    with machines(tmp_path) as found:
        found.start_view()
        found.start_worker("w1", "--queue", "gpu", "--queue", "default", "--label", "card=t4")
        path = found.view.define("gpu", text)
        job = found.view.run("run", path, "--on", "cluster", "--detach").stdout.strip()
        until(lambda: bool(found.view.json("workers")))
        shown = found.view.json("show", job)["job"]
        assert (shown["status"], shown["queue"], shown["labels"]) == ("pending", "gpu", {"card": "a100"})
        assert shown["untaken"] == "no worker of the queue gpu has the label card=a100"
        (found.folder / "w2").mkdir()
        (found.folder / "w2" / "quaero.toml").write_text('[cluster]\nlabels = ["card=a100"]\n')
        found.start_worker("w2", "--queue", "gpu", "--label", "rack=7")
        found.view.run("tail", job, "-n", "all")
        shown = found.view.json("show", job)["job"]
        assert (shown["status"], shown["node"], shown["untaken"]) == ("completed", "w2", None)
        plain = found.view.lines("run", path, "--on", "cluster", "--queue", "default", "--detach")[0]["job_id"]
        assert found.view.json("show", plain)["job"]["queue"] == "default", "the option wins over the definition"
