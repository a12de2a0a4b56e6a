"""What is hidden, how long a decision is public, and which remedy it names."""

from datetime import date
from decimal import Decimal

import pytest

from portal.decisions import rules
from portal.decisions.rules import Remedy, Weight
from portal.person_names.rules import NameStyle


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("person", "张三", "张某某"),
        ("person", "欧阳小明", "欧阳某某"),
        ("sole_trader", "虚构县张三小吃店", "虚构县张三小吃店"),
        ("sole_trader", "张三", "张某某"),
        ("sole_trader", "张三（个体工商户）", "张某某"),
        ("organisation", "虚构食品有限公司", "虚构食品有限公司"),
    ],
)
def test_only_natural_persons_are_hidden(kind: str, name: str, shown: str) -> None:
    assert rules.public_party_name(kind, name, NameStyle.SURNAME_SOMEBODY) == shown


@pytest.mark.parametrize(
    ("measures", "fine", "spot", "person", "weight"),
    [
        (["警告"], None, False, False, Weight.MINOR),
        (["警告", "罚款"], Decimal(500), False, False, Weight.GENERAL),
        (["罚款"], Decimal(200), True, True, Weight.MINOR),
        (["罚款"], Decimal(10_000), False, True, Weight.SERIOUS),
        (["罚款"], Decimal(10_000), False, False, Weight.GENERAL),
        (["罚款"], Decimal(100_000), False, False, Weight.SERIOUS),
        (["警告", "吊销许可证件"], None, False, False, Weight.SERIOUS),
        (["其他-责令学习"], None, False, False, Weight.GENERAL),
        ([], None, False, False, Weight.GENERAL),
    ],
)
def test_heaviest_measure_gives_the_class(
    measures: list[str], fine: Decimal | None, spot: bool, person: bool, weight: Weight
) -> None:
    day = date(2026, 5, 1)
    assert rules.weight_of(measures, fine, on_the_spot=spot, natural_person=person, decided_on=day) is weight


@pytest.mark.parametrize(
    ("weight", "decided", "published", "until"),
    [
        # Order 36 counts from the decision, order 45 before it from the publication.
        (Weight.MINOR, date(2026, 11, 30), date(2026, 12, 4), date(2027, 2, 28)),
        (Weight.GENERAL, date(2026, 3, 25), date(2026, 4, 1), date(2027, 3, 25)),
        (Weight.GENERAL, date(2026, 3, 25), date(2026, 3, 31), date(2029, 3, 31)),
        (Weight.SERIOUS, date(2026, 4, 20), date(2026, 5, 1), date(2029, 4, 20)),
    ],
)
def test_period_follows_the_rule_in_force_that_day(weight: Weight, decided: date, published: date, until: date) -> None:
    assert rules.publish_until("penalty", weight, decided_on=decided, published_on=published) == until


@pytest.mark.parametrize(
    ("restricted", "until"), [(date(2031, 1, 1), date(2031, 1, 1)), (date(2027, 1, 1), date(2029, 5, 1))]
)
def test_a_longer_ban_keeps_a_decision_public(restricted: date, until: date) -> None:
    day = date(2026, 5, 1)
    shown = rules.publish_until(
        "penalty", Weight.SERIOUS, decided_on=day, published_on=day, restricted_until=restricted
    )
    assert shown == until


def test_only_penalties_end() -> None:
    day = date(2026, 5, 1)
    assert rules.publish_until("permit", Weight.GENERAL, decided_on=day, published_on=day) is None


def test_permits_and_penalties_have_seven_working_days() -> None:
    assert [rules.publish_within(kind) for kind in ("penalty", "permit", "inspection")] == [7, 7, 20]


def test_reconsideration_comes_first_on_the_spot_only() -> None:
    assert rules.remedy("penalty", on_the_spot=True) is Remedy.REVIEW_FIRST
    assert rules.remedy("penalty", on_the_spot=False) is Remedy.REVIEW_OR_COURT


def test_nothing_is_published_without_review() -> None:
    assert rules.next_state("draft", "publish") is None
    assert rules.next_state("review", "publish") == "published"
    assert rules.next_state("withdrawn", "publish") is None
