"""The queue of jobs: a work queue stream for whose turn it is, and a stream of states that fences. asyncio thread.

`q.jobs.<lane>.<job>` (see `lanes`) holds a job until it has ended: one message, since another of the same subject is
refused. `q.state.<job>` holds the job's attempt and who has it, whether it shall be cancelled, and its end; each
change says which one it follows, so of two that change it at once one is refused. A job that waits has no state: its
first claim is the first state, and so is the end of one that nobody shall claim any more.

The fencing token is the attempt with the process that has it, not the server's count of deliveries. A server that
lost power may have forgotten its newest words: states, deliveries, messages, each for itself. So:

- A first delivery is claimed without looking: one request, which any state refuses. Then, and at each other delivery,
  the state is read: a job that has ended is taken off; one of which the server forgot that it gave it away is left to
  whoever has it, who says so within a lease.
- A claim that was forgotten is made again by its holder's next heartbeat. If another process was quicker, both have
  the same attempt: the state names the one that holds the job, and the other one has lost it and ends nothing.
- A job whose claim was forgotten looks like one that waits, and may be cancelled as such: its holder is told as if it
  had been flagged.
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson
from nats.aio.msg import Msg

from quaero_cli.cluster.nats.lanes import JOBS, SECOND, Lanes, subject_of
from quaero_cli.cluster.nats.pulls import Pulls
from quaero_cli.cluster.nats.wire import ApiError, Wire
from quaero_cli.cluster.ports import EngineAway, Health, JobState, owner_of_part
from quaero_cli.model.taking import Needs, Offer

STATE, PARTS = "QSTATE", "QPART"
_WAITING: Mapping[str, Any] = {"attempt": 0, "cancel": False, "status": None}
LEASE = 30.0  # seconds without a heartbeat until another worker gets the job: longer than an election of servers


class Queue:
    """The queue."""

    def __init__(self, wire: Wire, lease: float = LEASE) -> None:
        self._wire = wire
        self._lease = lease
        self._lanes = Lanes(wire, lease, self.state, self.change)
        self._pulls = Pulls(wire)

    async def enqueue(self, needs: Needs, job: str, body: bytes) -> bool:
        """Add a job; False when it is known already."""
        if not needs.part:  # the lane of a job is made with that of its parts
            await self._lanes.make(needs)
        if await self._wire.store_after(subject_of(needs, job), body, 0) is None:
            return False
        _, state = await self.state(job)
        if state is not None and state["status"] is not None:
            if not needs.part:
                await self._remove(job)
            return False
        return True

    async def prepare(self, needs: Needs) -> None:
        """Make a lane, so that workers may wait at it before its first job."""
        await self._lanes.make(needs)

    async def claim(self, offer: Offer, node: str, wait: float) -> "NatsLease | None":
        """Take the next job of those that may run here."""
        message = await self._pulls.next(await self._lanes.met_by(offer), wait)
        if message is None:
            return None
        job = message.subject.rpartition(".")[2]
        if message.metadata.num_delivered == 1:  # it waits, most likely
            lease = await self._claim_as(message, job, 0, None, node)
            if lease is not None:
                return lease
        number, state = await self.state(job)
        if state is not None and state["status"] is not None:
            await self._wire.tell(message.reply, b"+ACK")
            return None
        if state is not None and message.metadata.num_delivered <= state["attempt"]:
            # The server was killed and forgot to whom it gave the job; who has it says so within a lease.
            delay = orjson.dumps({"delay": int(self._lease * SECOND)})
            await self._wire.tell(message.reply, b"-NAK " + delay)
            return None
        lease = await self._claim_as(message, job, number, state, node)
        if lease is None:
            await self._wire.tell(message.reply, b"-NAK")
        return lease

    async def _claim_as(
        self, message: Msg, job: str, number: int, state: dict[str, Any] | None, node: str
    ) -> "NatsLease | None":
        """Claim a job whose state is the one of that number; None: it is another by now."""
        attempt = 1 if state is None else int(state["attempt"]) + 1
        cancel = state is not None and bool(state["cancel"])
        claimed = {"attempt": attempt, "cancel": cancel, "status": None, "node": node}
        if await self.change(job, number, claimed) is None:
            return None
        return NatsLease(self, self._wire, message, attempt, node)

    async def cancel(self, job: str) -> bool:
        """End a job that waits, or is not known, flag one that runs."""
        while True:
            number, state = await self.state_of(job)
            if state["status"] is not None:
                return False
            waits = state["attempt"] == 0
            wish = {**state, "cancel": True, "status": "cancelled" if waits else None}
            if await self.change(job, number, wish) is None:
                continue
            if waits:
                if owner_of_part(job) is None:  # a part is taken off by the worker that comes upon it
                    await self._remove(job)
                return True
            await self._wire.tell(f"q.ctl.cancel.{job}", b"")
            return False

    async def settle(self, job: str, status: str) -> None:
        """Keep that a job has ended."""
        while True:
            number, state = await self.state_of(job)
            if state["status"] is not None:
                return
            if await self.change(job, number, {**state, "status": status}) is not None:
                await self._remove(job)
                return

    async def _remove(self, job: str) -> None:
        try:
            await self._wire.api(f"STREAM.PURGE.{JOBS}", {"filter": f"q.jobs.*.{job}"})
        except ApiError as error:
            raise EngineAway(str(error)) from error

    async def look(self, job: str) -> JobState | None:
        """Return what is known of a job; None also of one that waits."""
        _, state = await self.state(job)
        return (
            None
            if state is None
            else JobState(state["attempt"], state["status"], state.get("node", ""), state.get("result"))
        )

    async def state(self, job: str) -> tuple[int, dict[str, Any] | None]:
        """Return a job's state and its number; (0, None) when there is none."""
        try:
            stream, subject = _place_of(job)
            found = await self._wire.api(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})
        except ApiError as error:
            if error.is_missing:
                return 0, None
            raise EngineAway(str(error)) from error
        return int(found["message"]["seq"]), orjson.loads(b64decode(found["message"]["data"]))

    async def state_of(self, job: str) -> tuple[int, Mapping[str, Any]]:
        """Return a job's state and its number; that of one that waits when there is none."""
        number, state = await self.state(job)
        return number, state or _WAITING

    async def change(self, job: str, number: int, state: dict[str, Any]) -> int | None:
        """Change a state, if it is still the one of that number."""
        return await self._wire.store_after(_place_of(job)[1], orjson.dumps(state), number)


def _place_of(job: str) -> tuple[str, str]:
    """Return the stream and the subject of a job's state. Those of parts are many, and soon forgotten."""
    owner = owner_of_part(job)
    return (STATE, f"q.state.{job}") if owner is None else (PARTS, f"q.part.{owner}.{job}")


class NatsLease:
    """A job that is ours for as long as the server hears of us."""

    def __init__(self, queue: Queue, wire: Wire, message: Msg, attempt: int, node: str) -> None:
        self._queue = queue
        self._wire = wire
        self._reply = message.reply
        self._node = node
        self.job, self.attempt, self.body = message.subject.rpartition(".")[2], attempt, message.data

    def _is_anothers(self, state: Mapping[str, Any]) -> bool:
        same = state["attempt"] == self.attempt and state.get("node") == self._node
        return bool(state["attempt"] >= self.attempt and not same)

    async def heartbeat(self) -> Health:
        """Renew it, and look whether it is ours."""
        await self._wire.tell(self._reply, b"+WPI")
        number, state = await self._queue.state_of(self.job)
        if state["status"] is not None:
            unclaimed = state["attempt"] == 0 and state["cancel"]
            return Health.CANCEL if unclaimed else Health.LOST
        if self._is_anothers(state):
            return Health.LOST
        if state["attempt"] < self.attempt:  # the server came back from an older state: the next one must be newer
            # If that is refused another was quicker, and the next heartbeat sees whose the job is.
            await self._queue.change(self.job, number, {**state, "attempt": self.attempt, "node": self._node})
        return Health.CANCEL if state["cancel"] else Health.OK

    async def finish(self, status: str, result: str | None = None) -> bool:
        """End the job, if it is still ours."""
        while True:
            number, state = await self._queue.state_of(self.job)
            if state["status"] is not None:
                # It was kept before and the answer was lost, or a view was first.
                if state["status"] != status or state.get("node", self._node) != self._node:
                    return False
                await self._wire.tell(self._reply, b"+ACK")
                return True
            if self._is_anothers(state):
                return False
            ended = {**state, "attempt": self.attempt, "node": self._node, "status": status, "result": result}
            if await self._queue.change(self.job, number, ended) is not None:
                await self._wire.tell(self._reply, b"+ACK")
                return True

    async def release(self) -> None:
        """Give it back."""
        await self._wire.tell(self._reply, b"-NAK")
