"""Which keys a definition has. Data only. Any other is refused, with the nearest one that is known."""

ROOT_KEYS = (
    "id", "name", "description", "tags", "timeout", "enabled", "overlap", "max_parallel_steps",
    "queue", "labels", "schedule", "timezone", "catchup", "auto_start", "on_success", "on_failure", "on_exit",
    "params", "config", "env", "secrets", "error_tolerance", "step", "meta",
)  # fmt: skip

STEP_KEYS = (
    "type", "description", "depends", "on_error", "timeout", "idle_timeout", "concurrency",
    "always_run", "condition", "service", "retries", "for_each", "spread", "worker_timeout",
    "ready",
)  # fmt: skip

PARAMETER_KEYS = ("type", "default", "required", "description", "choices", "pattern", "min", "max", "secret")

RETRIES_KEYS = ("limit", "delay", "backoff", "max_delay", "jitter")

FOR_EACH_KEYS = ("glob", "file")

READY_KEYS = ("port", "url", "log", "call", "timeout")

HOOK_KEYS = ("command", "job", "params", "timeout")

TOLERANCE_KEYS = ("max_child_failures", "failure_action")


# Names that no option of a step type can have: a definition would mean the step's own key.
RESERVED_OPTIONS = frozenset(STEP_KEYS)
