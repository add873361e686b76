"""The plan: which steps start, are skipped or stopped."""

from dataclasses import replace

import pytest
from plans import decide, step

from quaero_cli.plan import Decision

CHAIN = [step("a"), step("b", "a"), step("c", "b")]


FORK = [step("z"), step("a"), step("end", "a z")]


def test_steps_start_in_the_order_of_the_file_when_nothing_holds_them():
    """Independent steps run at the same time, and always in the same order."""
    assert decide(FORK) == Decision(start=("z", "a"))
    assert decide(FORK, "z=completed a=running") == Decision()
    assert decide(FORK, "z=completed a=warning") == Decision(start=("end",))
    assert decide(FORK, "z=completed a=completed end=completed") == Decision(finished=True)
    assert decide(CHAIN) == Decision(start=("a",))


def test_no_more_steps_at_once_than_allowed():
    """max_parallel_steps holds, over calls too; services and ended steps do not count."""
    steps = [step("s", service=True), step("a"), step("b", "s"), step("c"), step("d")]
    assert decide(steps, at_once=2).start == ("s", "a", "c")
    assert decide(steps, "s=running a=running c=running", ready=["s"], at_once=2).start == ()
    assert decide(steps, "s=running a=completed c=running", ready=["s"], at_once=2).start == ("b",)


@pytest.mark.parametrize("status", ["failed", "cancelled", "interrupted"])
def test_what_depends_on_a_lost_step_is_skipped(status):
    """Nothing waits for a step that cannot come, over any number of steps, and the reason is told."""
    found = decide(CHAIN, f"a={status}")
    word = {"failed": "failed"}.get(status, f"was {status}")
    assert found.skip == {"b": f"depends on a, which {word}", "c": "depends on b, which was skipped"}
    assert (found.start, found.finished, found.stopping) == ((), True, False)


def test_a_skip_does_not_wait_for_the_other_dependencies():
    """The tree shows at once what will not run."""
    assert decide(FORK, "z=running a=failed").skip == {"end": "depends on a, which failed"}


def test_a_failure_that_is_tolerated_holds_nobody():
    """on_error = "continue": what comes after runs."""
    steps = [replace(CHAIN[0], on_error="continue"), *CHAIN[1:]]
    assert decide(steps, "a=failed") == Decision(start=("b",))
    assert decide(steps, "a=cancelled").skip.keys() == {"b", "c"}


def test_a_step_skipped_by_its_condition_holds_nobody():
    """An optional step in the middle of a chain does not end the chain."""
    assert decide(CHAIN, "a=skipped") == Decision(start=("b",))
    assert decide(CHAIN, "a=completed b=skipped") == Decision(start=("c",))
    assert decide(CHAIN, "a=failed b=skipped").skip == {"c": "depends on b, which was skipped"}
    always = [CHAIN[0], replace(CHAIN[1], always_run=True), CHAIN[2]]
    assert decide(always, "a=failed b=skipped") == Decision(start=("c",))


def test_clean_up_runs_whatever_happened_but_not_before():
    """always_run waits for all it depends on to end, well or not."""
    steps = [step("a"), step("b", "a"), step("clean", "a b", always_run=True), step("after", "clean")]
    assert decide(steps, "a=running").start == ()
    found = decide(steps, "a=failed")
    assert found.skip == {"b": "depends on a, which failed"}
    assert found.start == ("clean",)
    assert decide(steps, "a=failed b=skipped clean=completed").start == ("after",)
    assert decide(steps, "a=failed b=skipped clean=failed").skip == {"after": "depends on clean, which failed"}


FATAL = [
    step("a", on_error="fatal"),
    step("b"),
    step("c", "b"),
    step("d"),
    step("clean", "c", always_run=True),
    step("late", always_run=True),
]


@pytest.mark.parametrize("ordered", ["fatal", "stop"])
def test_a_stop_cancels_what_runs_skips_what_waits_and_cleans_up_last(ordered):
    """After a fatal failure nothing goes on, and the clean-up finds nobody at work."""
    states, stop = ("a=failed", None) if ordered == "fatal" else ("a=completed", "too many workers failed")
    why = "the job is stopping: " + ("a failed" if ordered == "fatal" else "too many workers failed")
    found = decide(FATAL, f"{states} b=running", stop=stop)
    assert found == Decision(skip={"c": why, "d": why}, cancel=("b",), stopping=True)
    found = decide(FATAL, f"{states} b=cancelled c=skipped d=skipped", stop=stop)
    assert found == Decision(start=("clean", "late"), stopping=True)
    found = decide(FATAL, f"{states} b=cancelled c=skipped d=skipped clean=running late=running", stop=stop)
    assert found == Decision(stopping=True)
    found = decide(FATAL, f"{states} b=cancelled c=skipped d=skipped clean=completed late=failed", stop=stop)
    assert found == Decision(stopping=True, finished=True)


SERVICES = [
    step("db", service=True),
    step("web", "db", service=True),
    step("test", "web"),
    step("report", "test"),
]


def test_a_service_lives_from_ready_until_nobody_needs_it():
    """Dependents wait for ready; chained services stop one after the other; the job ends with the last."""
    assert decide(SERVICES) == Decision(start=("db",))
    assert decide(SERVICES, "db=running") == Decision()
    assert decide(SERVICES, "db=running", ready=["db"]) == Decision(start=("web",))
    up = "db=running web=running"
    assert decide(SERVICES, up, ready=["db", "web"]) == Decision(start=("test",))
    assert decide(SERVICES, f"{up} test=completed", ready=["db", "web"]) == Decision(start=("report",))
    ended = f"{up} test=completed report=completed"
    assert decide(SERVICES, ended, ready=["db", "web"]) == Decision(stop=("web",))
    ended = "db=running web=completed test=completed report=completed"
    assert decide(SERVICES, ended, ready=["db"]) == Decision(stop=("db",))
    assert decide(SERVICES, ended.replace("db=running", "db=completed")) == Decision(finished=True)


def test_a_service_that_nobody_needs_any_more_is_not_started():
    """When what would use it is skipped, it is skipped, too, and one that is still starting is stopped."""
    steps = [step("a"), step("db", "a", service=True), step("x"), step("test", "db x")]
    found = decide(steps, "a=running x=failed")
    assert found.skip == {"test": "depends on x, which failed", "db": "no step needs it any more"}
    found = decide(steps, "a=completed db=running x=failed")
    assert (found.skip.keys(), found.stop) == ({"test"}, ("db",))


def test_a_service_that_fails_takes_its_users_along():
    """Steps are not started against a server that is not there."""
    found = decide(SERVICES, "db=completed web=failed")
    assert found.skip == {"test": "depends on web, which failed", "report": "depends on test, which was skipped"}


def test_in_a_stop_a_service_stays_for_the_clean_up():
    """A clean-up step that empties the database still has the database."""
    steps = [step("db", service=True), step("a", "db", on_error="fatal"), step("clean", "db", always_run=True)]
    assert decide(steps, "db=running a=failed", ready=["db"]) == Decision(start=("clean",), stopping=True)
    found = decide(steps, "db=running a=failed clean=completed", ready=["db"])
    assert found == Decision(stop=("db",), stopping=True)
