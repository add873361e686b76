"""How many entries a second a job writes, over the last few seconds. Pure: the time is handed in."""

from collections import deque

# Seconds that are looked back on: long enough to stand still, short enough to tell the present.
_SPAN = 5.0
# Seconds below which a rate would be a guess.
_LEAST = 0.8


class Rates:
    """Remembers the totals of each job for a while."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def note(self, job_id: str, total: int, moment: float) -> None:
        """Take the job's number of entries at a moment."""
        seen = self._seen.setdefault(job_id, deque())
        seen.append((moment, total))
        while len(seen) > 1 and seen[1][0] <= moment - _SPAN:
            seen.popleft()

    def forget(self, job_id: str) -> None:
        """The job has ended."""
        self._seen.pop(job_id, None)

    def at(self, moment: float) -> dict[str, int]:
        """Return whole entries a second by job, for those that write any."""
        found = {}
        for job_id, seen in self._seen.items():
            began, first = seen[0]
            passed = moment - began
            if passed >= _LEAST and (rate := round((seen[-1][1] - first) / passed)) > 0:
                found[job_id] = rate
        return found
