"""Settings of one process: built once by the command line, frozen, handed down as plain keyword arguments."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things lie and how words are shown."""

    home: Path  # the data directory: database, locks, sockets, token
    debug: bool = False  # show tracebacks of errors

    @property
    def database(self) -> Path:
        """The one database file."""
        return self.home / "quaero.db"

    @property
    def locks(self) -> Path:
        """One lock file per job; its runner holds it."""
        return self.home / "locks"

    @property
    def wake(self) -> Path:
        """Unix datagram sockets of the processes that follow the store."""
        return self.home / "wake"

    @property
    def token_file(self) -> Path:
        """The server's token, mode 0600."""
        return self.home / "token"

    @property
    def definitions(self) -> tuple[Path, ...]:
        """Folders with job definitions of the user's, the first wins; the shipped ones come after them."""
        return (Path("jobdefs"), self.home / "jobdefs")
