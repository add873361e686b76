"""The cluster's lines of a worker's service log: those of all machines are read as one, so each says whose it is."""

from quaero_cli.engine.log import JobLog


class NamedLog:
    """A service log that begins each line with a worker's name."""

    def __init__(self, log: JobLog, name: str) -> None:
        self._log = log
        self._name = name

    def info(self, text: str, **fields: object) -> None:
        """Write a line that is good to know."""
        self._log.info(f"Worker {self._name}: {text}", **fields)

    def warn(self, text: str, **fields: object) -> None:
        """Write a line that somebody may have to look at."""
        self._log.warn(f"Worker {self._name}: {text}", **fields)
