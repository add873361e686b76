"""The keys `schedule`, `timezone`, `catchup`, `auto_start`: what they take, and how a mistake is told."""

import pytest
from jobfiles import define

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.model import Schedule

STEP = "\n[step.a]\ntype = 'shell'\ncommand = 'true'\n"
REQUIRED = "\n[params.who]\nrequired = true\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Schedule()),
        ("schedule = '*/30 7-19 * * 1-5'", Schedule(("*/30 7-19 * * 1-5",))),
        ("schedule = ['0 7 * * *', '0 9 * * sat', '0 7 * * *']", Schedule(("0 7 * * *", "0 9 * * sat"))),
        ("schedule = '0 7 * * *'\ntimezone = 'Europe/Berlin'\ncatchup = 'all'",
         Schedule(("0 7 * * *",), "Europe/Berlin", "all")),
        ("auto_start = true", Schedule(auto_start=True)),
    ],
)  # fmt: skip
def test_a_schedule_is_read(text, expected):
    """A key would be taken and mean nothing."""
    assert define(text + STEP).schedule == expected


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("schedule = '61 * * * *'", "schedule: not a cron expression: '61 * * * *': bad minute", "30 7 * * 1-5"),
        ("schedule = '* * * *'", "schedule: not a cron expression of five fields: '* * * *'", "weekday"),
        ("schedule = '* * * * * *'", "of five fields", "weekday"),
        ("schedule = '@daily'", "of five fields: '@daily'", "weekday"),
        ("schedule = ''", "of five fields: ''", "weekday"),
        (f"schedule = '{'9' * 5000} * * * *'", "of five fields", "weekday"),
        ("schedule = '0 0 31 2 *'", "bad day-of-month", "weekday"),
        ("schedule = 5", "schedule: must be a string, not 5", None),
        ("schedule = []", "schedule: must be one cron expression or a list of 1 to 50, not of 0", None),
        ("schedule = ['0 7 * * *', 'x']", "schedule: item 2: not a cron expression", "weekday"),
        ("timezone = 'europe/berlin'", "timezone: unknown time zone 'europe/berlin'", "did you mean 'Europe/Berlin'"),
        ("timezone = 'Mars/Olympus'", "timezone: unknown time zone 'Mars/Olympus'", "Europe/Berlin"),
        ("timezone = '../../etc/passwd'", "timezone: unknown time zone", "Europe/Berlin"),
        ("timezone = ''", "timezone: unknown time zone ''", "Europe/Berlin"),
        ("catchup = 'some'", "catchup: must be one of 'none', 'last', 'all', not 'some'", None),
        ("auto_start = 1", "auto_start: must be true or false, not 1", None),
        ("schedule = '0 7 * * *'" + REQUIRED, "schedule: parameter who is required, and nobody gives it",
         "give [params.who] a default"),
        ("auto_start = true" + REQUIRED, "auto_start: parameter who is required", "default"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_when_the_file_is_loaded(text, says, hint):
    """It would be found at seven in the morning, by nobody."""
    with pytest.raises(DefinitionError) as caught:
        define(text + STEP)
    assert says in caught.value.message
    assert caught.value.message.startswith("job.toml: ")
    assert "\n" not in caught.value.message
    if hint is not None:
        assert hint in str(caught.value.hint)
