"""One job on its way along a plan: told what happened, it says what to do now. Pure, but it remembers.

Asked after everything that happens, it must not look at every step each time: a job may have thousands. So it keeps,
for each step, how many of those that it depends on are open or lost, and moves these numbers only around a step that
changed. `decide` then takes what has become due: its cost is that of what it decides. A course that was told the same
in another order decides the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from quaero_cli.model import Status
from quaero_cli.plan.rules import Plan, Standing, fate, standing


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, each in the order of the file."""

    start: tuple[str, ...] = ()  # a step whose `condition` is false is then skipped by the caller
    skip: Mapping[str, str] = field(default_factory=dict)  # step -> why
    cancel: tuple[str, ...] = ()  # running steps that a stop ends; repeated until they have ended
    stop: tuple[str, ...] = ()  # running services that nobody needs any more; they end well
    stopping: bool = False
    finished: bool = False  # nothing runs, nothing will


class Course:
    """Follows one job. Every step is pending in the beginning."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._states = dict.fromkeys(plan.steps, Status.PENDING)
        self._standings = dict.fromkeys(plan.steps, Standing.OPEN)
        self._ready: set[str] = set()
        # Of what a step depends on, how many are not done yet, and how many are lost.
        self._open = {name: len(step.depends) for name, step in plan.steps.items()}
        self._lost = dict.fromkeys(plan.steps, 0)
        self._unfinished = len(plan.steps)
        self._unfinished_users = {service: len(users) for service, users in plan.users.items()}
        self._idle = {service for service, users in self._unfinished_users.items() if not users}
        self._busy = 0  # running steps that are no services
        self._in_the_way: set[str] = set()  # running steps that a stop ends: all but clean-up, and but services
        self._fatal: set[str] = set()
        self._stop: str | None = None
        # Places in the file of steps that may start, ranks of those to skip; what has changed since is passed over.
        self._startable: list[int] = []
        self._startable_services: set[str] = set()
        self._to_skip: list[int] = []
        self._names = list(plan.steps)
        self._all_skipped = False  # by the stop
        for name in plan.steps:
            self._look_at_pending(name)

    # ------------------------------------------------------------------ what happened

    def stop(self, why: str) -> None:
        """A stop was ordered from outside; the first reason counts."""
        if self._stop is None:
            self._stop = why

    def set_ready(self, service: str, ready: bool) -> None:
        """Whether a running service can be used."""
        (self._ready.add if ready else self._ready.discard)(service)
        self._stand(service)

    def set(self, name: str, status: Status) -> None:
        """A step has reached `status`."""
        before, step = self._states[name], self._plan.steps[name]
        if before is status:
            return
        self._states[name] = status
        if not step.service:
            self._busy += (status is Status.RUNNING) - (before is Status.RUNNING)
            if status is Status.RUNNING and not step.always_run:
                self._in_the_way.add(name)
        if status is not Status.RUNNING:
            self._in_the_way.discard(name)
        if status.final and not before.final:
            self._unfinished -= 1
            for service in self._plan.needs[name]:
                self._unfinished_users[service] -= 1
                if not self._unfinished_users[service]:
                    self._idle.add(service)
        if status is Status.FAILED and step.on_error == "fatal":
            self._fatal.add(name)
        self._stand(name)

    def _stand(self, name: str) -> None:
        """Look again where a step stands, and tell those that depend on it, as far as that changes anything."""
        moved = [name]
        while moved:
            name = moved.pop()
            step = self._plan.steps[name]
            unhindered = step.always_run or (not self._open[name] and not self._lost[name])
            before = self._standings[name]
            now = standing(step, self._states[name], ready=name in self._ready, unhindered=unhindered)
            if now is before:
                continue
            self._standings[name] = now
            for user in self._plan.after[name]:
                self._open[user] += (now is Standing.OPEN) - (before is Standing.OPEN)
                self._lost[user] += (now is Standing.LOST) - (before is Standing.LOST)
                if self._states[user] is Status.SKIPPED:
                    moved.append(user)
                else:
                    self._look_at_pending(user)

    def _look_at_pending(self, name: str) -> None:
        """Keep in mind that a step may start, or must be skipped."""
        if self._states[name] is not Status.PENDING:
            return
        step = self._plan.steps[name]
        if self._lost[name] and not step.always_run:
            heappush(self._to_skip, self._plan.rank[name])
        elif self._can_start(name):
            if step.service:
                self._startable_services.add(name)
            else:
                heappush(self._startable, self._plan.place[name])

    def _can_start(self, name: str) -> bool:
        return (
            self._states[name] is Status.PENDING
            and not self._open[name]
            and (not self._lost[name] or self._plan.steps[name].always_run)
        )

    # ------------------------------------------------------------------ what to do

    def decide(self) -> Decision:
        """Return what to do now. What it says to skip counts as skipped; the caller carries out the rest."""
        fatal = min(self._fatal, key=self._plan.place.__getitem__, default=None)
        stopping = self._stop is not None or fatal is not None
        skip = self._skip(fatal)
        return Decision(
            start=self._starts(stopping),
            skip={name: skip[name] for name in self._in_file(skip)},
            cancel=self._in_file(self._in_the_way) if stopping else (),
            stop=self._in_file([name for name in self._idle if self._states[name] is Status.RUNNING]),
            stopping=stopping,
            finished=not self._unfinished,
        )

    def _in_file(self, names: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self._plan.place.__getitem__))

    def _skip(self, fatal: str | None) -> dict[str, str]:
        """Skip steps that will never start; return them with the reason."""
        skip: dict[str, str] = {}
        why = f"the job is stopping: {self._stop if fatal is None else f'{fatal} failed'}"
        if (fatal is not None or self._stop is not None) and not self._all_skipped:
            self._all_skipped = True
            for rank in range(len(self._plan.order)):
                heappush(self._to_skip, rank)
        while self._to_skip:
            name = self._plan.order[heappop(self._to_skip)]
            step = self._plan.steps[name]
            if self._states[name] is not Status.PENDING or step.always_run:
                continue
            if self._lost[name]:
                lost = next(other for other in step.depends if self._standings[other] is Standing.LOST)
                skip[name] = f"depends on {lost}, which {fate(self._states[lost])}"
            elif self._all_skipped:
                skip[name] = why
            else:
                continue  # what was lost has been found again: a service that was started anew
            self.set(name, Status.SKIPPED)
        while idle := [name for name in self._idle if self._states[name] is Status.PENDING]:
            name = max(idle, key=self._plan.rank.__getitem__)
            skip[name] = "no step needs it any more"
            self.set(name, Status.SKIPPED)
        return skip

    def _starts(self, stopping: bool) -> tuple[str, ...]:
        if stopping and self._in_the_way:
            return ()
        self._startable_services = {name for name in self._startable_services if self._can_start(name)}
        start = [*self._startable_services]
        room = self._plan.max_parallel_steps - self._busy
        taken: list[int] = []
        while self._startable and len(taken) < room:
            place = heappop(self._startable)
            if self._can_start(self._names[place]) and place not in taken[-1:]:
                taken.append(place)
        for place in taken:  # until they have been started
            heappush(self._startable, place)
        return self._in_file([*start, *(self._names[place] for place in taken)])
