"""CI services that fold their logs: the lines that open and close a group, for those that announce themselves. Pure.

A group is a step: it is opened by the step's first entry. Entries of steps that run at the same time stay in the
order of the log, whichever group is open; the runner's own belong to none, so that how a job ended is never folded
away. Where a step goes on behind them it gets another group. No other line of ours can begin like a
command of such a service, because every entry begins with its time and every further line of one with a margin.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from quaero_cli.model import Entry
from quaero_cli.terminal.clean import flat


class Folding(NamedTuple):
    """How a service wants a group to be opened and closed; both take the group and the time in seconds."""

    opening: Callable[["Group", int], str]
    closing: Callable[["Group", int], str]


class Group(NamedTuple):
    """A group's title, clean, and the how manyeth it is of this log: a name that no other one has."""

    title: str
    number: int


def _gitlab(kind: str, group: Group, now: int) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", group.title)
    return f"section_{kind}:{now}:{name}_{group.number}\r\x1b[0K"


# The variable by which a service says that it is there.
_SERVICES: Mapping[str, Folding] = {
    "GITHUB_ACTIONS": Folding(lambda group, _: f"::group::{group.title}\n", lambda *_: "::endgroup::\n"),
    "GITLAB_CI": Folding(
        lambda group, now: f"{_gitlab('start', group, now)}{group.title}\n",
        lambda group, now: f"{_gitlab('end', group, now)}\n",
    ),
    "TF_BUILD": Folding(lambda group, _: f"##[group]{group.title}\n", lambda *_: "##[endgroup]\n"),
    "BUILDKITE": Folding(lambda group, _: f"--- {group.title}\n", lambda *_: ""),
}


def folding_for(env: Mapping[str, str]) -> Folding | None:
    """Return the folding of the service that `env` announces, if any."""
    for variable, folding in _SERVICES.items():
        if env.get(variable, "").lower() in ("true", "1"):
            return folding
    return None


class Groups:
    """Puts the lines of entries into groups, one for each step."""

    def __init__(self, folding: Folding, now: Callable[[], float]) -> None:
        self._folding = folding
        self._now = now
        self._seen: set[str] = set()
        self._opened = 0
        self._open: Group | None = None

    def batch(self, entries: Sequence[Entry], line: Callable[[Entry], str]) -> str:
        """Return the lines of `entries`, each made by `line`, with a new group where one begins."""
        parts = []
        for entry in entries:
            step = entry.get("step_name")
            if not step:
                parts.append(self.close())
            elif self._open is None or step not in self._seen:
                parts += [self.close(), self._begin(step)]
            parts.append(line(entry))
        return "".join(parts)

    def close(self) -> str:
        """Return what closes the group that is open; nothing when there is none."""
        group, self._open = self._open, None
        return "" if group is None else self._folding.closing(group, int(self._now()))

    def _begin(self, step: str) -> str:
        self._seen.add(step)
        self._opened += 1
        self._open = Group(flat(step), self._opened)
        return self._folding.opening(self._open, int(self._now()))
