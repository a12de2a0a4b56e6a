"""When texts may ring, and how long one waits that reached nobody."""

from datetime import time

import pytest

from portal.messages.rules import backoff_seconds, is_quiet, seconds_until

NIGHT = (time(20), time(8, 30))


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        (time(19, 59, 59), False),
        (time(20), True),
        (time(23, 59), True),
        (time(0), True),
        (time(8, 29, 59), True),
        (time(8, 30), False),
        (time(12), False),
    ],
)
def test_quiet_hours_span_midnight(at: time, quiet: bool) -> None:
    assert is_quiet(at, NIGHT) is quiet


@pytest.mark.parametrize(("at", "quiet"), [(time(11, 59), False), (time(12), True), (time(14), False)])
def test_quiet_hours_within_a_day(at: time, quiet: bool) -> None:
    assert is_quiet(at, (time(12), time(14))) is quiet


def test_no_quiet_hours() -> None:
    assert not is_quiet(time(3), None)
    assert not is_quiet(time(3), (time(8), time(8)))


def test_seconds_until_the_clock_shows_a_time() -> None:
    assert seconds_until(time(19, 30), time(20)) == 1800
    assert seconds_until(time(21), time(20)) == 23 * 3600


def test_backoff_doubles_up_to_half_an_hour() -> None:
    assert [backoff_seconds(count, 0.5) for count in (1, 2, 3, 9, 50)] == [30, 60, 120, 1800, 1800]
    assert [backoff_seconds(9, chance) for chance in (0.0, 1.0)] == [1440, 2160]
