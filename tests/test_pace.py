"""stream/pace.py: when a reader looks again. Pure, so times are numbers."""

import pytest

from quaero_cli.stream.pace import BATCH_INTERVAL, CROWD, Pace

_GAP = BATCH_INTERVAL / 6


def test_a_single_line_is_looked_at_at_once():
    """A line after a silence would come late, and seem so, because its job's counts had not been told yet."""
    pace = Pace(BATCH_INTERVAL, 5.0, sent_at=10.0, status_at=10.0, looked_at=10.0, held_counts=True)
    assert pace.look_at(10.31) == 10.31


def test_looks_that_tell_nothing_keep_their_distance():
    """A reader of errors alone would look at each of a busy job's commits."""
    pace = Pace(BATCH_INTERVAL, 5.0, sent_at=10.0, status_at=10.0, looked_at=10.31, held_counts=True)
    assert pace.look_at(10.311) == pytest.approx(10.31 + _GAP)


@pytest.mark.parametrize("now", [10.02, 10.07, 10.149])
def test_all_look_at_the_same_moments_while_an_interval_lasts(now):
    """Each reader would have looks, and so queries, of its own."""
    pace = Pace(BATCH_INTERVAL, 5.0, sent_at=10.0, looked_at=10.0, held_entries=True)
    at = pace.look_at(now)
    assert now < at <= now + _GAP + 1e-9
    assert at / _GAP == pytest.approx(round(at / _GAP))


def test_a_crowd_looks_once_an_interval():
    """A thousand readers would look six times for each batch that they are sent."""
    pace = Pace(BATCH_INTERVAL, 5.0, sent_at=10.0, looked_at=10.0, held_counts=True)
    at = pace.look_at(10.4, readers=CROWD + 1)
    assert at / BATCH_INTERVAL == pytest.approx(round(at / BATCH_INTERVAL))


def test_a_terminal_looks_at_every_commit():
    """What `run` shows of its own job would come in jerks."""
    assert Pace(0.0, None, sent_at=10.0, looked_at=10.0, held_counts=True).look_at(10.001) == 10.001
