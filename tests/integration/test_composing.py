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
from portal.wordings.models import Wording
from portal.wordings.queries import get_shipped, suggested_template, write_sample
from portal.wordings.rules import TEXTS, find_faults, find_template_faults
from tests.counting import counted_queries
from tests.factories.permits import make_permit, make_permit_type
from tests.factories.risk_periods import make_batch

LAST_DAY = date(2026, 12, 15)
LOCALES_IN_TURN = list(LOCALES)


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


def several(*last_days: date, english: str = "Food") -> list[str]:
    """Create a permit for each last day; return what messages about them would be about."""
    subjects = []
    for number, last_day in enumerate(last_days, 1):
        kind = make_permit_type(short_name=f"许可{number}")
        kind.short_name_en = f"{english}{number}"
        permit = permit_of(kind)
        permit.last_apply_on = last_day
        subjects.append(f"permit:{permit.id}")
    db.session.flush()
    return subjects


def test_several_permits_become_one_text_that_names_the_most_pressing(app: Flask) -> None:
    subjects = several(date(2026, 12, 20), date(2026, 12, 15), date(2026, 12, 31))
    rows = [Row(subjects[0], locale, id=number, carried=subjects[1:]) for number, locale in enumerate(LOCALES)]
    with time_machine.travel("2026-12-08T10:00:00+08:00", tick=False):
        chinese, english = (text for text in compose_many(rows).values() if not isinstance(text, Uncomposable))
    assert chinese.text == (
        "【孟州执法】您有3个许可要申请延续，最早的是许可2，12月15日截止。咨询0391-0000000，全办好回1，回电回2，退订回T"
    )
    assert english.text == "【孟州执法】Renew 3 permits, first Food2 by 15 Dec. 1 all done 2 call T stop"
    assert (chinese.segments, english.segments) == (1, 1)
    assert chinese.wording == english.wording == "permit_digest"
    assert chinese.variables["number"] == "3"


def test_a_digest_leaves_out_what_is_gone_and_counts_nothing_twice(app: Flask) -> None:
    first, second = several(date(2026, 12, 20), date(2026, 12, 15))
    with time_machine.travel("2026-12-08T10:00:00+08:00", tick=False):
        digest = compose(Row("permit:999999", carried=[first, second, second]))
        single = compose(Row(first, carried=["permit:999999", first]))
    assert digest.variables["number"] == "2"
    assert single.wording == "permit_renewal"
    assert "许可1" in single.text


def test_a_risk_notice_says_what_was_approved_for_its_batch(app: Flask) -> None:
    batch = make_batch(starts_on=date(2027, 5, 15), advice="请清沟排水。", advice_en="clear drains.")
    batch.period.advice = "后来改了"
    db.session.flush()
    rows = [Row(f"risk_batch:{batch.id}", locale, "risk_notice", number) for number, locale in enumerate(LOCALES)]
    chinese, english = (text for text in compose_many(rows).values() if not isinstance(text, Uncomposable))
    assert chinese.text == "【孟州执法】虚构防汛期5月15日开始，请清沟排水。咨询0391-0000000，退订回T"
    assert english.text == "【孟州执法】Invented floods from 15 May: clear drains. Stop: reply T"
    assert english.home["name"] == "虚构防汛期"


def test_a_risk_notice_is_never_half_english(app: Flask) -> None:
    batch = make_batch(starts_on=date(2027, 5, 15), advice_en="")
    text = compose(Row(f"risk_batch:{batch.id}", "en", "risk_notice"))
    assert text.text.startswith("【孟州执法】虚构防汛期5月15日开始")
    assert text.locale == "zh_Hans"
    with pytest.raises(Uncomposable, match="record_gone"):
        compose(Row("risk_batch:999999", template="risk_notice"))


def test_the_citys_own_words_are_sent_from_the_next_batch_on(app: Flask) -> None:
    subject = several(date(2026, 12, 15))[0]
    body = "{permit}{day}到期，还有{days}天。\n? 咨询{hotline}。\n1办好2回电T退订"
    db.session.add(Wording(name="permit_renewal", locale="zh_Hans", body=body))
    db.session.flush()
    with time_machine.travel("2026-12-08T10:00:00+08:00", tick=False):
        own, shipped = compose(Row(subject)), compose(Row(subject, "en"))
    assert own.text == "【孟州执法】许可112月15日到期，还有7天。咨询0391-0000000。1办好2回电T退订"
    assert shipped.text.startswith("【孟州执法】Food1 permit: 7 days left")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_shipped_body_is_one_that_a_city_might_have_written(app: Flask, locale: str) -> None:
    for text in TEXTS.values():
        source = get_shipped(text.name, locale)
        assert find_faults(text, source, locale) == [], text.name
        assert find_template_faults(text, suggested_template(text, locale)) == [], text.name
        if text.name != "revisit":  # The tests' own address is longer than a city's.
            assert write_sample(text, source, locale).segments == 1, text.name
        assert write_sample(text, source, locale, long=True).segments <= 2, text.name


def test_reading_does_not_grow_with_the_batch(app: Flask) -> None:
    subjects = several(*(date(2026, 12, 15) + timedelta(days=number) for number in range(30)))
    batch = make_batch()
    rows = [Row(subject, LOCALES_IN_TURN[number % 2], id=number) for number, subject in enumerate(subjects)]
    rows += [Row(f"risk_batch:{batch.id}", template="risk_notice", id=100 + number) for number in range(30)]
    compose_many(rows)
    with counted_queries() as seen:
        texts = compose_many(rows)
    assert len(texts) == 60
    assert len(seen) == 3, "permits, batches and the city's own words"


def test_a_template_that_fails_spares_the_others(app: Flask) -> None:
    texts = compose_many([Row("test:1", template="nothing", id=1), Row("test:1", template="stopped", id=2)])
    assert isinstance(texts[1], Uncomposable)
    assert texts[1].reason == "cannot_compose"
    assert not isinstance(texts[2], Uncomposable)
