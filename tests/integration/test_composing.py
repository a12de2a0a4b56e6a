"""A row of the outbox becomes the text its reader gets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.compose import Uncomposable, compose, compose_many
from portal import clock
from portal.db import db
from portal.i18n import LOCALES
from portal.messages.rules import count_segments
from portal.permits.models import Permit, PermitType
from tests.factories.permits import make_permit, make_permit_type

LAST_DAY = date(2026, 12, 15)


@dataclass
class Row:
    """What compose needs of a message."""

    subject: str
    locale: str = "zh_Hans"
    template: str = "permit_renewal"
    id: int = 1
    values: dict[str, Any] = field(default_factory=dict)
    carried: Sequence[str] = ()


def permit_of(kind: PermitType, opens_on: date | None = None) -> Permit:
    permit = make_permit(valid_to=LAST_DAY + timedelta(days=60), kind=kind)
    permit.last_apply_on, permit.window_opens_on = LAST_DAY, opens_on
    db.session.flush()
    return permit


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (
            "2026-11-15",
            "【孟州执法】您的食品许可今天起可办延续，最晚12月15日。咨询0391-0000000，已办回1，回电回2，退订回T",
            "【孟州执法】Food permit: renew from now till 15 Dec. 1 done 2 call T stop",
        ),
        (
            "2026-12-08",
            "【孟州执法】您的食品许可还有7天可申请延续，最晚12月15日。咨询0391-0000000，已办回1，回电回2，退订回T",
            "【孟州执法】Food permit: 7 days left, till 15 Dec. 1 done 2 call T stop",
        ),
        (
            "2026-12-12",
            "【孟州执法】您的食品许可还有3天可申请延续，12月15日截止，逾期可能影响经营。咨询0391-0000000，已办回1，回电回2，退订回T",
            "【孟州执法】Food permit: days left: 3! Till 15 Dec. 1 done 2 call T stop",
        ),
        (
            "2026-12-14",
            "【孟州执法】您的食品许可还有1天可申请延续，12月15日截止，逾期可能影响经营。咨询0391-0000000，已办回1，回电回2，退订回T",
            "【孟州执法】Food permit: days left: 1! Till 15 Dec. 1 done 2 call T stop",
        ),
        (
            "2026-12-15",
            "【孟州执法】今天是您的食品许可申请延续的最后一天，逾期可能影响经营。咨询0391-0000000，已办回1，回电回2，退订回T",
            "【孟州执法】Food permit: last day to renew is today. 1 done 2 call T stop",
        ),
    ],
)
def test_reminders_say_what_is_true_on_the_day_of_sending(app: Flask, day: str, chinese: str, english: str) -> None:
    kind = make_permit_type(short_name="食品许可")
    kind.short_name_en = "Food"
    permit = permit_of(kind, date(2026, 11, 15))
    with time_machine.travel(f"{day}T10:00:00+08:00", tick=False):
        subject = f"permit:{permit.id}"
        texts = compose_many([Row(subject, id=1), Row(subject, "en", id=2)])
    first, second = texts[1], texts[2]
    assert not isinstance(first, Uncomposable) and not isinstance(second, Uncomposable)
    assert (first.text, second.text) == (chinese, english)
    assert (first.segments, second.segments) == (1, 1)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_shipped_permit_type_fits_into_one_text(app: Flask, locale: str) -> None:
    kinds = db.session.scalars(sa.select(PermitType)).all()
    assert len(kinds) >= 25
    with time_machine.travel("2026-12-15T10:00:00+08:00", tick=False):
        for kind in kinds:
            permit = permit_of(kind)
            for days in (0, 1, 3, 30, 188):
                permit.last_apply_on = clock.today() + timedelta(days=days)
                db.session.flush()
                text = compose(Row(f"permit:{permit.id}", locale)).text
                assert len(text) <= 70, (kind.code, text)
                assert count_segments(text) == 1
            permit.window_opens_on = clock.today()
            db.session.flush()
            assert len(compose(Row(f"permit:{permit.id}", locale)).text) <= 70


def test_the_hotline_is_left_out_where_it_would_cost_a_second_text(app: Flask) -> None:
    permit = permit_of(make_permit_type(short_name="特别长的许可证简称共有二十个字写在这里吧"))
    with time_machine.travel("2026-12-12T10:00:00+08:00", tick=False):
        composed = compose(Row(f"permit:{permit.id}"))
    assert composed.segments == 1
    assert "0391" not in composed.text
    assert composed.text.endswith("退订回T")


def test_a_record_that_is_gone_has_no_text(app: Flask) -> None:
    with pytest.raises(Uncomposable) as caught:
        compose(Row("permit:999999"))
    assert caught.value.reason == "record_gone"


def test_a_template_that_fails_spares_the_others(app: Flask) -> None:
    texts = compose_many([Row("test:1", template="nothing", id=1), Row("test:1", template="stopped", id=2)])
    assert isinstance(texts[1], Uncomposable)
    assert texts[1].reason == "cannot_compose"
    assert not isinstance(texts[2], Uncomposable)
