"""What a job definition and a step type are, as frozen records; no reading, no checking.

`StepType` lives here, beside the definition that uses it, so that checking a file needs no import of any step.
Durations are float seconds everywhere behind the TOML text.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NewType

from quaero_cli.model import Overlap

# Annotation of a step type's option that is written "10s" in TOML and handed over as seconds.
Duration = NewType("Duration", float)
# Annotation of a step type's option that is written "10MiB" in TOML, or as a number, and handed over as bytes.
Size = NewType("Size", int)

OnError = Literal["fail", "continue", "fatal"]
FailureAction = Literal["continue", "mark_warning", "stop_all"]
HookEvent = Literal["on_success", "on_failure", "on_exit"]
Catchup = Literal["none", "last", "all"]
ParameterType = Literal["string", "int", "float", "bool", "list", "path"]

# A value as TOML or JSON holds it: text, numbers, truth values, lists and tables. Checked where it is used.
Value = Any

StepFunction = Callable[..., Awaitable[Mapping[str, Any] | None]]


class Kind(StrEnum):
    """What an option takes; the value is the word for it in messages and help."""

    STRING = "a string"
    INT = "an integer"
    FLOAT = "a number"
    BOOL = "true or false"
    PATH = "a path"
    DURATION = 'a duration such as "10s"'
    SIZE = 'a size such as "10MiB"'
    STRINGS = "a list of strings"
    INT_OR_INTS = "an integer or a list of integers"
    STRING_OR_STRINGS = "a string or a list of strings"
    STRING_TABLE = "a table of strings"
    TABLE = "a table"
    VALUE = "any value"
    CHOICE = "one of its choices"


@dataclass(frozen=True, slots=True)
class Between:
    """In an annotation, `Annotated[int, Between(0, 10)]`: the least and the most that a number may be."""

    least: float
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """In an annotation, `Annotated[str, Checked(function)]`: asks more of a value than its type.

    The function is called with the option's name and a value of its type, when the file is loaded and when the step
    starts; it raises StepFailed for a value that cannot work.
    """

    function: Callable[[str, Any], object]


@dataclass(frozen=True, slots=True)
class Excludes:
    """In an annotation, `Annotated[str, Excludes("other")]`: may not stand in a step beside that other option."""

    other: str


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a step type. `default` is the function's own, for help; it is never handed over."""

    name: str
    kind: Kind
    default: Any = None
    required: bool = False
    help: str = ""
    nullable: bool = False
    choices: tuple[str | int, ...] = ()
    bounds: Between | None = None
    checked: Checked | None = None
    excludes: str | None = None  # the option that it may not stand beside

    @property
    def expects(self) -> str:
        """What the option takes, in words."""
        if self.kind is Kind.CHOICE:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        if self.bounds is None:
            return self.kind.value
        if self.bounds.most is None:
            return f"{self.kind.value}, at least {self.bounds.least:g}"
        return f"{self.kind.value}, {self.bounds.least:g} to {self.bounds.most:g}"


@dataclass(frozen=True, slots=True)
class StepType:
    """A step type: its function, and what its signature and docstring say."""

    name: str
    function: StepFunction
    options: tuple[Option, ...] = ()
    summary: str = ""
    help: str = ""  # the docstring without its lines about options
    default_concurrency: int = 1  # workers at once when the definition does not say; 0: no bound
    service: bool = False  # may be used with `service = true`
    announces: bool = True  # as a service it calls `ctx.ready` by itself; else it is ready when it has started
    workers: bool = False  # has a fan-out of its own, and so none by `for_each`

    def option(self, name: str) -> Option | None:
        """The option of that name."""
        return next((option for option in self.options if option.name == name), None)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter. `default` None: none was declared; bounds and pattern None: no limit."""

    name: str
    type: ParameterType = "string"
    default: Any = None
    required: bool = False
    description: str = ""
    choices: tuple[Any, ...] = ()
    pattern: str | None = None  # must match the whole value
    min: float | None = None
    max: float | None = None
    secret: bool = False  # its value is masked wherever it would be stored or shown


@dataclass(frozen=True, slots=True)
class ErrorTolerance:
    """How many failed workers a job bears, and what happens beyond."""

    max_child_failures: int = 0
    failure_action: FailureAction = "continue"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a failed step (in a fan-out: a worker) is tried again, and after which pauses.

    The first pause is `delay` seconds, each later one `backoff` times the one before, none longer than `max_delay`
    (None: DEFAULT_MAX_DELAY, or `delay` where that is longer). With `jitter` up to a half is taken off at random.
    """

    limit: int  # attempts after the first
    delay: float = 1.0
    backoff: float = 2.0
    max_delay: float | None = None
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class ForEach:
    """Where the items of a fan-out come from: one of these, with its placeholders."""

    items: list[Any] | str | None = None  # a list, or a placeholder that stands for one
    glob: str | None = None  # a pattern for paths, from the definition's folder
    file: str | None = None  # a file of lines, from there, too


# Seconds until a service must be ready when its definition does not say: slow to start is a minute, not ten.
DEFAULT_READY_TIMEOUT = 60.0

ReadyKind = Literal["port", "url", "log", "call", "started"]


@dataclass(frozen=True, slots=True)
class Ready:
    """When a service can be used: `value` is the port, the URL or what a line holds, with its placeholders.

    `call`: when the step says so by `ctx.ready`; `started`: as soon as what it runs has begun. `timeout` in seconds.
    """

    kind: ReadyKind
    timeout: float = DEFAULT_READY_TIMEOUT
    value: Value = None


# Seconds: a failure that lasts is looked at again soon enough, and costs nothing meanwhile.
DEFAULT_MAX_DELAY = 600.0


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """A step as written: options still hold their placeholders and TOML values."""

    name: str
    type: str
    description: str = ""
    depends: tuple[str, ...] = ()
    on_error: OnError = "fail"
    timeout: float | None = None
    idle_timeout: float | None = None
    concurrency: int | None = None  # None: the type's default; 0: no bound
    always_run: bool = False
    condition: str | None = None
    service: bool = False
    retries: Retries | None = None  # of each worker where there is `for_each`, else of the step
    for_each: ForEach | None = None
    spread: bool = False  # on a cluster, the workers of `for_each` are divided over its machines
    worker_timeout: float | None = None  # of each attempt of a worker of `for_each`
    ready: Ready | None = None  # of a service
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a definition's jobs start by themselves, where `quaero serve` runs. No expression: never."""

    expressions: tuple[str, ...] = ()  # cron, five fields each
    timezone: str | None = None  # an IANA name; None: the machine's
    catchup: Catchup = "none"  # which of the fires are run that nobody was there for
    auto_start: bool = False  # once when `serve` starts, too


# Seconds that a hook may take when it does not say: a message that cannot be sent keeps its job open no longer.
DEFAULT_HOOK_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Hook:
    """What happens when a job has ended: a command, or another definition's job. Holds its placeholders still."""

    event: HookEvent
    command: str | tuple[str, ...] | None = None  # a line for `sh`, or words
    job: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = DEFAULT_HOOK_TIMEOUT


# Steps at once when a definition does not say: enough to overlap waiting, few enough for a laptop.
DEFAULT_PARALLEL_STEPS = 4


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A checked definition. `steps` are in the order of the file; `text` is the file as it was read."""

    id: str
    name: str
    path: Path
    text: str
    content_hash: str  # sha-256 of `text`, hex
    steps: tuple[StepDefinition, ...]
    description: str = ""
    tags: tuple[str, ...] = ()
    timeout: float | None = None
    enabled: bool = True
    overlap: Overlap = "refuse"
    max_parallel_steps: int = DEFAULT_PARALLEL_STEPS
    parameters: tuple[Parameter, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)  # name -> `env:VARIABLE` or `file:PATH`; never a value
    error_tolerance: ErrorTolerance | None = None
    queue: str | None = None  # of the cluster's workers; None: the default one
    labels: Mapping[str, str] = field(default_factory=dict)  # that a worker must have to run it
    schedule: Schedule = Schedule()
    hooks: tuple[Hook, ...] = ()

    def step(self, name: str) -> StepDefinition:
        """The step of that name. Raises KeyError."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
