"""Which worker machines of a cluster may take a job: what a job needs, and what a machine offers. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DEFAULT_QUEUE = "default"
# Each label of a job is a condition; more of them than this no machine meets but by accident.
MAX_LABELS = 16
_QUEUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,62}", re.ASCII)
# Hex digits that tell one set of labels from another in the name of a lane.
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Needs:
    """What a machine must have to be given a job: it serves the queue, and has all the labels."""

    queue: str = DEFAULT_QUEUE
    labels: Mapping[str, str] = field(default_factory=dict)
    part: bool = False  # it is an item of a step with `spread`, for which a machine has room of its own

    @property
    def lane(self) -> str:
        """A name that jobs of the same needs share, and no others."""
        end = "+items" if self.part else ""
        if not self.labels:
            return self.queue + end
        text = "\n".join(labels_as_words(self.labels))
        return f"{self.queue}={hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}{end}"

    @property
    def words(self) -> str:
        """What is needed, for people."""
        return f"queue {self.queue}" + (f", labels {' '.join(labels_as_words(self.labels))}" if self.labels else "")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a worker machine offers."""

    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    labels: Mapping[str, str] = field(default_factory=dict)
    jobs: bool = True  # there is room for a job now
    parts: bool = False  # and for an item of a step with `spread`

    def meets(self, needs: Needs) -> bool:
        """Return whether a job may run here. A label that the job does not ask for harms nothing."""
        has_room = self.parts if needs.part else self.jobs
        return has_room and needs.queue in self.queues and needs.labels.items() <= self.labels.items()


def is_queue(name: str) -> bool:
    """Return whether `name` can be the name of a queue."""
    return _QUEUE.fullmatch(name) is not None


def is_label(key: str, value: str) -> bool:
    """Return whether this can be a label."""
    return _KEY.fullmatch(key) is not None and _VALUE.fullmatch(value) is not None


def labels_as_words(labels: Mapping[str, str]) -> list[str]:
    """Return labels as people write them, in an order that depends on nothing else."""
    return [f"{key}={labels[key]}" for key in sorted(labels)]


def labels_of_words(words: Iterable[str]) -> dict[str, str]:
    """Return labels of `key=value` words; the last one of a key counts. Raises ValueError with the word."""
    labels = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not is_label(key, value):
            raise ValueError(word)
        labels[key] = value
    return labels


def why_untaken(needs: Needs, offers: Iterable[Offer]) -> str | None:
    """Return why no machine may take a job, the `offers` being those of all that live; None: one may."""
    known = list(offers)
    if any(offer.meets(needs) for offer in known):
        return None
    if not known:
        return "no worker is there"
    serving = [offer for offer in known if needs.queue in offer.queues]
    if not serving:
        return f"no worker serves the queue {needs.queue}"
    nobodys = {word for word in needs.labels.items() if all(word not in offer.labels.items() for offer in serving)}
    if nobodys:
        return f"no worker of the queue {needs.queue} has the label {' '.join(labels_as_words(dict(nobodys)))}"
    return f"no worker of the queue {needs.queue} has all of the labels {' '.join(labels_as_words(needs.labels))}"
