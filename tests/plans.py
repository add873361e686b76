"""Steps, and courses that are told of a job as it is, for tests of the plan."""

from quaero_cli.jobdef.model import StepDefinition
from quaero_cli.model import Status
from quaero_cli.plan import Course, Plan

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
