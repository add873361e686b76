"""The plan over any job that can be drawn: it ends, in the order that was asked for, whatever its steps do."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from plans import CANCELLED, DONE, FAILED, PENDING, RUNNING, SKIPPED, WARNING, course_at

from quaero_cli.jobdef.graph import reachable
from quaero_cli.jobdef.model import StepDefinition
from quaero_cli.plan import Course, Plan, job_status


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
