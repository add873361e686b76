"""When definitions fire, and what is done about fires that came, late or not: pure, any date and any zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quaero_cli.jobdef.model import Schedule
from quaero_cli.schedule.decide import clock_was_wrong, decide
from quaero_cli.schedule.times import MINUTE, MOST_DUE, SECOND, due_fires, next_fires

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def told(moments) -> list[str]:
    return [(EPOCH + timedelta(microseconds=each)).strftime("%m-%d %H:%M") for each in moments]


def schedule(*expressions: str, zone: str | None = "UTC", catchup: str = "none") -> Schedule:
    return Schedule(expressions, zone, catchup)


EVERY_MINUTE = schedule("* * * * *")
NOON = us("2026-01-15 12:00")


@pytest.mark.parametrize(
    ("expressions", "zone", "after", "expected"),
    [
        (["*/30 7-8 * * 1-5"], "UTC", "2026-01-16 08:00", ["01-16 08:30", "01-19 07:00", "01-19 07:30"]),
        (["0 9 * * *"], "Europe/Berlin", "2026-01-15 12:00", ["01-16 08:00", "01-17 08:00", "01-18 08:00"]),
        (["0 9 * * *", "0 21 * * *"], "UTC", "2026-01-15 12:00", ["01-15 21:00", "01-16 09:00", "01-16 21:00"]),
        (["0 9 * * *", "0 9 * * 5"], "UTC", "2026-01-15 12:00", ["01-16 09:00", "01-17 09:00", "01-18 09:00"]),
        (["0 0 1 1 *"], "Asia/Kolkata", "2026-01-15 12:00", ["12-31 18:30", "12-31 18:30", "12-31 18:30"]),
        (["0 12 * * SUN"], "UTC", "2026-01-15 12:00", ["01-18 12:00", "01-25 12:00", "02-01 12:00"]),
        (["0 12 L * *"], "UTC", "2026-01-15 12:00", ["01-31 12:00", "02-28 12:00", "03-31 12:00"]),
        (["0 12 29 2 *"], "UTC", "2026-01-15 12:00", ["02-29 12:00", "02-29 12:00", "02-29 12:00"]),
    ],
)  # fmt: skip
def test_a_schedule_fires_as_cron_would(expressions, zone, after, expected):
    """A job would run at another hour than its author meant."""
    assert told(next_fires(schedule(*expressions, zone=zone), us(after), 3)) == expected


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # 2026-03-29, 2:00 to 3:00 does not exist in Berlin; 2026-10-25, 2:00 to 3:00 comes twice.
        ("30 2 * * *", "2026-03-28 12:00", ["03-29 01:00", "03-30 00:30"]),
        ("30 2 * * *", "2026-10-24 12:00", ["10-25 00:30", "10-26 01:30"]),
        ("0,30 2 * * *", "2026-03-28 12:00", ["03-29 01:00", "03-30 00:00"]),
        ("*/30 * * * *", "2026-10-25 00:00", ["10-25 00:30", "10-25 01:00", "10-25 01:30", "10-25 02:00"]),
    ],
)
def test_where_clocks_are_changed_nothing_is_lost_or_doubled(expression, after, expected):
    """A nightly job would be left out in March, and run twice in October."""
    assert told(next_fires(schedule(expression, zone="Europe/Berlin"), us(after), len(expected))) == expected


@given(
    st.sampled_from(["30 2 * * *", "*/17 * * * *", "0 2,3 * * *", "59 1-3 * * 0"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]),
    st.integers(us("2025-01-01 00:00"), us("2027-01-01 00:00")),
)
def test_fires_only_go_forward(expression, zone, after):
    """A fire at or before the last one would be run again."""
    moments = next_fires(schedule(expression, zone=zone), after, 20)
    assert moments == sorted(set(moments))
    assert moments[0] > after
    # Asked from any fire on, the rest is the same: a restart changes nothing.
    assert next_fires(schedule(expression, zone=zone), moments[9], 10) == moments[10:]
    local = [(EPOCH + timedelta(microseconds=each)).astimezone(ZoneInfo(zone)) for each in moments]
    assert all(each.second == 0 for each in local)


def test_without_expressions_nothing_fires():
    """A definition that nobody scheduled would start."""
    assert next_fires(Schedule(), NOON, 3) == []
    assert due_fires(Schedule(), 0, NOON).fires == ()


def test_after_a_year_off_the_newest_fires_are_known():
    """A machine that was off for a year would count half a million fires before it starts one."""
    due = due_fires(EVERY_MINUTE, NOON - 365 * DAY, NOON)
    assert len(due.fires) == MOST_DUE
    assert due.fires[-1] == NOON
    assert due.more
    assert due_fires(schedule("0 12 * * *"), NOON - 365 * DAY, NOON).fires[0] == NOON - 364 * DAY


@pytest.mark.parametrize("catchup", ["none", "last", "all"])
def test_a_fire_on_time_is_run(catchup):
    """The usual case."""
    decision = decide(schedule("* * * * *", catchup=catchup), NOON - MINUTE, NOON + SECOND)
    assert (decision.run, decision.missed, decision.waits) == ((NOON,), (), False)


def test_a_restart_across_a_minute_misses_nothing():
    """A server that is started anew at 12:00:00 would leave out the job of 12:00."""
    assert decide(EVERY_MINUTE, NOON - MINUTE, NOON + 59 * SECOND).run == (NOON,)


@pytest.mark.parametrize(
    ("catchup", "run", "dropped", "waits"),
    [("none", [], [-2, -1], False), ("last", [-1], [-2], False), ("all", [-2, -1], [], True)],
)
def test_catchup_says_which_of_the_missed_are_run(catchup, run, dropped, waits):
    """A key of the file would be ignored."""
    decision = decide(schedule("0 * * * *", catchup=catchup), NOON - 3 * HOUR, NOON - 30 * MINUTE)
    assert decision.missed == (NOON - 2 * HOUR, NOON - HOUR)
    assert decision.run == tuple(NOON + each * HOUR for each in run)
    assert decision.dropped == tuple(NOON + each * HOUR for each in dropped)
    assert decision.waits is waits


def test_a_fire_on_time_stands_for_the_missed_ones_before_it():
    """`last` would run two jobs at once, the late one and the one on time."""
    decision = decide(schedule("* * * * *", catchup="last"), NOON - 5 * MINUTE, NOON)
    assert decision.run == (NOON,)
    assert len(decision.dropped) == 4


def test_a_clock_that_is_put_back_repeats_nothing():
    """An hour put back would run an hour's jobs again."""
    assert decide(EVERY_MINUTE, NOON, NOON - HOUR).run == ()
    assert not clock_was_wrong(NOON, NOON - HOUR)
    assert clock_was_wrong(NOON, NOON - 2 * DAY)
