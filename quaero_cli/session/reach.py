"""Whether a worker machine can take jobs from the engine: told when it cannot, and when it can again, once each."""

from collections.abc import Callable

from quaero_cli.cluster.ports import EngineAway
from quaero_cli.session.namedlog import NamedLog


class Reach:
    """What is known of it, by the last try. `tell` is given words for stderr."""

    def __init__(self, log: NamedLog, tell: Callable[[str], None]) -> None:
        self._log = log
        self._tell = tell
        self._lost: str | None = None  # what was told

    def lost(self, error: EngineAway) -> None:
        """A try has failed. Told again when it is another kind of trouble now."""
        if self._lost == error.word:
            return
        self._lost = error.word
        what = error.message if error.word == EngineAway.word else f"the engine is {error.word}: {error.message}"
        self._log.warn(f"No job can be taken: {what}")
        hint = f"hint: {error.hint}\n" if error.hint else ""
        self._tell(f"warning: no job can be taken: {what}\n{hint}")

    def found(self) -> None:
        """A try has not failed, whether it brought a job or not."""
        if self._lost is not None:
            self._lost = None
            self._log.info("Jobs can be taken again")
            self._tell("jobs can be taken again\n")
