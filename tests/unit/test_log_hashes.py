"""What the hashes of the public log are taken over."""

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from portal.transparency import rules
from portal.transparency.models import LogAction


def test_content_reads_the_same_however_it_was_put_together() -> None:
    one = {"b": 1, "a": [Decimal("1000"), date(2026, 11, 22), None, True], "字": "孟州\n“一”"}
    other = {"字": "孟州\n“一”", "a": ("1000.00", "2026-11-22", None, True), "b": 1}
    assert rules.canonical(one) == rules.canonical(other)
    assert rules.canonical(one) == '{"a":["1000.00","2026-11-22",null,true],"b":1,"字":"孟州\\n“一”"}'


def test_moments_are_written_in_utc_and_at_full_length() -> None:
    at = datetime(2026, 11, 22, 8, tzinfo=timezone(timedelta(hours=8)))
    assert rules.moment(at) == "2026-11-22T00:00:00.000000Z"
    assert rules.canonical({"at": at}) == '{"at":"2026-11-22T00:00:00.000000Z"}'


@pytest.mark.parametrize("value", [1.5, float("nan"), {1, 2}, b"x", object()])
def test_what_has_no_fixed_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        rules.canonical({"a": value})


def test_an_entry_is_hashed_as_five_lines() -> None:
    expected = hashlib.sha256(
        b"0000\n2026-11-22T08:00:00.000007Z\ndecision:7\npublish\nabcd",
    ).hexdigest()
    assert expected == rules.entry_hash(
        previous_hash="0000",
        at=datetime(2026, 11, 22, 8, 0, 0, 7, tzinfo=UTC),
        subject="decision:7",
        action=LogAction.PUBLISH,
        content_hash="abcd",
    )
