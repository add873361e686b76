"""The plan: which steps start, are skipped or stopped, and what becomes of the job."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quaero_cli.jobdef.graph import reachable
from quaero_cli.jobdef.model import ErrorTolerance, StepDefinition
from quaero_cli.model import Status
from quaero_cli.plan import Course, Decision, Plan, job_status, judge_step

PENDING, RUNNING, DONE, FAILED = Status.PENDING, Status.RUNNING, Status.COMPLETED, Status.FAILED
WARNING, SKIPPED, CANCELLED = Status.WARNING, Status.SKIPPED, Status.CANCELLED


def step(name, depends="", **more):
    return StepDefinition(name, "shell", depends=tuple(depends.split()), **more)


def course_at(steps, states, *, ready=(), stop=None, at_once=9):
    """A course that was told of a job as it is, in the order of the states."""
    course = Course(Plan(steps, at_once))
    for name, status in states.items():
        course.set(name, status)
    for name in ready:
        course.set_ready(name, True)
    if stop is not None:
        course.stop(stop)
    return course


def decide(steps, states="", *, ready=(), stop=None, at_once=9):
    """Ask a course; `states` are words such as `a=running`, steps not named are pending."""
    known = {word.split("=")[0]: Status(word.split("=")[1]) for word in states.split()}
    return course_at(steps, known, ready=ready, stop=stop, at_once=at_once).decide()


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


@st.composite
def jobs(draw):
    """A definition's steps in any order of the file, and how each would end."""
    size = draw(st.integers(1, 8))
    names = draw(st.permutations("abcdefgh"[:size]))
    steps = []
    for place, name in enumerate(names):
        depends = draw(st.sets(st.sampled_from(names[:place]), max_size=3)) if place else set()
        steps.append(
            StepDefinition(
                name,
                "shell",
                depends=tuple(sorted(depends)),
                on_error=draw(st.sampled_from(["fail", "fail", "continue", "fatal"])),
                always_run=draw(st.sampled_from([False, False, True])),
                service=draw(st.sampled_from([False, False, True])),
            )
        )
    ends = {name: draw(st.sampled_from([DONE, DONE, DONE, WARNING, FAILED, SKIPPED, CANCELLED])) for name in names}
    return sorted(steps, key=lambda item: item.name), ends, draw(st.integers(1, 4)), draw(st.integers(0, 2**16))


class Job:
    """Carries decisions out the way the engine does, one random event at a time, and checks each of them."""

    def __init__(self, steps, ends, at_once, seed):
        self.steps = {item.name: item for item in steps}
        self.ends, self.at_once, self.random = ends, at_once, Random(seed)
        self.course = Course(Plan(steps, at_once))
        self.states = dict.fromkeys(self.steps, PENDING)
        self.ready, self.stop, self.began = set(), None, []

    def run(self):
        for _ in range(200):
            # What a course remembers never differs from what one that is told everything now would decide.
            told = list(self.states.items())
            self.random.shuffle(told)
            steps = list(self.steps.values())
            anew = course_at(steps, dict(told), ready=self.ready, stop=self.stop, at_once=self.at_once)
            found = self.course.decide()
            assert found == anew.decide()
            assert self.course.decide() == replace(found, skip={})
            self.check(found)
            self.carry_out(found)
            if found.finished:
                return found
            self.happen()
        raise AssertionError("the job does not end")

    def check(self, found):
        assert not set(found.start) & found.skip.keys()
        assert all(self.states[name] is PENDING for name in (*found.start, *found.skip))
        assert all(self.states[name] is RUNNING for name in (*found.cancel, *found.stop))
        for name in found.start:
            for other in self.steps[name].depends:
                service = self.steps[other].service and self.states[other] is RUNNING and other in self.ready
                assert service or self.states[other].final or other in found.skip
                if not self.steps[name].always_run:
                    assert other not in found.skip
                    assert service or self.tolerated(other)
        assert not found.stopping or all(self.steps[name].always_run for name in found.start)

    def tolerated(self, name):
        status = self.states[name]
        return status.good or status is SKIPPED or (status is FAILED and self.steps[name].on_error == "continue")

    def carry_out(self, found):
        for names, status in ((found.skip, SKIPPED), (found.cancel, CANCELLED), (found.stop, DONE)):
            for name in names:
                self.reach(name, status)
        for name in found.start:
            self.began.append(name)
            self.reach(name, SKIPPED if self.ends[name] is SKIPPED else RUNNING)
        busy = [n for n, s in self.states.items() if s is RUNNING and not self.steps[n].service]
        assert len(busy) <= self.at_once

    def reach(self, name, status):
        self.states[name] = status
        self.course.set(name, status)

    def set_ready(self, name, ready):
        (self.ready.add if ready else self.ready.discard)(name)
        self.course.set_ready(name, ready)

    def happen(self):
        """One running step ends, or one service gets ready; a service whose end is good stays until it is stopped."""
        running = [name for name, status in self.states.items() if status is RUNNING]
        events = [name for name in running if not (self.steps[name].service and name in self.ready)]
        if events:
            name = self.random.choice(events)
            if self.steps[name].service and self.ends[name].good:
                self.set_ready(name, True)
            else:
                self.reach(name, self.ends[name])
        elif self.ready and self.random.random() < 0.3:
            self.set_ready(self.random.choice(sorted(self.ready)), False)  # it is started again
        if self.random.random() < 0.05:
            self.stop = "too many workers failed"
            self.course.stop(self.stop)


@given(jobs())
@settings(max_examples=600, deadline=None, derandomize=True)
def test_every_job_ends_and_every_order_is_kept(job):
    """No definition can deadlock, start a step too early, or leave one without an end."""
    steps, ends, at_once, seed = job
    run = Job(steps, ends, at_once, seed)
    found = run.run()
    assert all(status.final for status in run.states.values())
    depends = {item.name: item.depends for item in steps}
    for item in steps:
        before = reachable([item.name], depends)
        assert not {*run.began[run.began.index(item.name) :]} & before if item.name in run.began else True
        if item.always_run and not item.service:
            assert item.name in run.began
    assert job_status(steps, run.states, stopped=run.stop).final
    assert found.finished


STATUSES = [
    # step statuses with their on_error, what the job is
    ("completed completed", "completed"),
    ("completed skipped", "completed"),
    ("skipped skipped", "completed"),
    ("completed warning", "warning"),
    ("completed failed:continue", "warning"),
    ("completed failed:fail", "failed"),
    ("failed:fail skipped", "failed"),
    ("failed:fatal cancelled", "failed"),
    ("failed:continue failed:fail", "failed"),
    ("completed cancelled", "cancelled"),
    ("warning interrupted", "cancelled"),
    ("failed:continue cancelled", "cancelled"),
]


@pytest.mark.parametrize(("words", "wanted"), STATUSES)
def test_a_job_is_what_its_steps_are(words, wanted):
    """No green job with a red step in it."""
    steps, states = [], {}
    for number, word in enumerate(words.split()):
        status, _, on_error = word.partition(":")
        steps.append(step(f"s{number}", on_error=on_error or "fail"))
        states[f"s{number}"] = Status(status)
    assert job_status(steps, states) == wanted
    assert job_status(steps, states, cancelled=True, stopped=True) == "cancelled"
    assert job_status(steps, states, stopped=True) == "failed"


NONE_TOLERATED = ErrorTolerance(0, "continue")
JUDGED = [
    # failed in the step, in the job, tolerance; status, stop
    (0, 0, None, DONE, False),
    (0, 99, ErrorTolerance(5, "stop_all"), DONE, False),
    (1, 1, None, FAILED, False),
    (1, 1, NONE_TOLERATED, FAILED, False),
    (1, 1, ErrorTolerance(0, "mark_warning"), FAILED, False),
    (1, 1, ErrorTolerance(0, "stop_all"), FAILED, True),
    (1, 5, ErrorTolerance(5, "continue"), WARNING, False),
    (5, 5, ErrorTolerance(5, "stop_all"), WARNING, False),
    (1, 6, ErrorTolerance(5, "continue"), FAILED, False),
    (1, 6, ErrorTolerance(5, "mark_warning"), WARNING, False),
    (6, 6, ErrorTolerance(5, "stop_all"), FAILED, True),
]


@pytest.mark.parametrize(("in_step", "in_job", "tolerance", "status", "stop"), JUDGED)
def test_failed_workers_fail_their_step_unless_tolerated(in_step, in_job, tolerance, status, stop):
    """The tolerance counts over the whole job, and each action beyond it does what it says."""
    assert judge_step(in_step, in_job, tolerance) == (status, stop)
