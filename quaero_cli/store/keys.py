"""Jobs and steps by the integers that stand for them in the store."""

from quaero_cli.store.engine import Connection


class Keys:
    """What a writer has looked up. A deleted job that comes back has another key: `forget` before that can be."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection  # replaced when the writer opens another
        self._jobs: dict[str, int] = {}
        self._steps: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Look everything up anew."""
        self._jobs.clear()
        self._steps.clear()

    def job(self, job: str) -> int:
        """Return the integer that stands for a job in `log`. Raises KeyError for a job that is not stored."""
        key = self._jobs.get(job)
        if key is None:
            row = self.connection.execute("SELECT key FROM job WHERE id = ?", (job,)).fetchone()
            if row is None:
                raise KeyError(job)
            key = self._jobs[job] = row[0]
        return key

    def step(self, job: str, step: str) -> int:
        """Return the integer that stands for a step. Raises KeyError for one that is not stored."""
        key = self._steps.get((job, step))
        if key is None:
            row = self.connection.execute(
                "SELECT key FROM step WHERE job = ? AND name = ?", (self.job(job), step)
            ).fetchone()
            if row is None:
                raise KeyError((job, step))
            key = self._steps[job, step] = row[0]
        return key
