"""Which decisions need which check, when a publication may end early, and what a correction changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from portal.decision_corrections.rules import Text, choose, find_changes, from_json, to_json
from portal.decision_endings import rules as endings
from portal.decision_endings.rules import Obstacle
from portal.decision_reviews.rules import Gap, Need, find_gap, find_missing, find_needs, find_unnamed
from portal.decisions import rules as decisions
from portal.decisions.rules import Weight
from portal.masking.rules import Choices, Context, find_marks, masked

RISK, LEGAL = "risk_assessment", "legal_review"


def needs(**changes: Any) -> set[str]:
    values: dict[str, Any] = {
        "kind": "penalty",
        "measures": ["罚款"],
        "fine": None,
        "confiscated": None,
        "party_kind": "organisation",
        "decided_on": date(2026, 5, 1),
    }
    return {need.check for need in find_needs(**(values | changes))}


@pytest.mark.parametrize(
    ("changes", "checks"),
    [
        ({"fine": Decimal("29999.99")}, set()),
        ({"fine": Decimal(30_000)}, {RISK}),
        ({"fine": Decimal("49999.99")}, {RISK}),
        ({"fine": Decimal(50_000)}, {RISK, LEGAL}),
        ({"fine": Decimal("4999.99"), "party_kind": "person"}, set()),
        ({"fine": Decimal(5_000), "party_kind": "person"}, {LEGAL}),
        ({"fine": Decimal(5_000), "party_kind": "sole_trader"}, {LEGAL}),
        ({"confiscated": Decimal(50_000)}, {LEGAL}),
        ({"confiscated": Decimal(49_999)}, set()),
        ({"measures": ["吊销许可证件"]}, {RISK, LEGAL}),
        ({"measures": ["责令停产停业"]}, {RISK, LEGAL}),
        ({"measures": ["责令关闭"]}, {RISK, LEGAL}),
        ({"measures": ["限制从业"]}, {LEGAL}),
        ({"measures": ["暂扣许可证件"]}, {LEGAL}),
        ({"measures": ["警告"]}, set()),
        # A file may call a kind of penalty by another name.
        ({"measures": ["吊销药品经营许可证"]}, {RISK, LEGAL}),
        ({"measures": ["其他-通报"]}, set()),
        # What was decided before a rule was in force does not fall under it.
        ({"fine": Decimal(50_000), "decided_on": date(2021, 11, 30)}, {RISK}),
        ({"fine": Decimal(50_000), "decided_on": date(2012, 11, 16)}, set()),
        ({"fine": Decimal(50_000), "kind": "permit"}, set()),
    ],
)
def test_checks_follow_the_dated_rules(changes: dict[str, Any], checks: set[str]) -> None:
    assert needs(**changes) == checks


@dataclass
class OnRecord:
    """A check as the rules see one."""

    kind: str
    passed: bool


@pytest.mark.parametrize(
    ("on_record", "missing"),
    [
        ([], True),
        ([OnRecord(LEGAL, True)], False),
        ([OnRecord(LEGAL, False)], True),
        ([OnRecord(RISK, True)], True),
        ([OnRecord(LEGAL, False), OnRecord(LEGAL, True)], True),
        ([OnRecord(LEGAL, True), OnRecord(LEGAL, False)], False),
    ],
)
def test_the_newest_check_of_a_kind_counts(on_record: Sequence[OnRecord], missing: bool) -> None:
    assert bool(find_missing([Need(LEGAL, "source")], on_record)) is missing


@pytest.mark.parametrize(
    ("weight", "first"),
    [(Weight.MINOR, date(2026, 5, 6)), (Weight.GENERAL, date(2026, 8, 6)), (Weight.SERIOUS, date(2027, 5, 6))],
)
def test_early_end_waits_for_the_least_period_from_the_decision(weight: Weight, first: date) -> None:
    days = {"decided_on": date(2026, 5, 6), "published_on": date(2026, 5, 12)}
    assert endings.first_repair_day(weight, **days, today=date(2026, 6, 1)) == first
    assert endings.first_repair_day(weight, **days, today=date(2026, 3, 31)) is None


@pytest.mark.parametrize(
    "measure", ["责令停产停业", "责令关闭", "限制从业", "限制开展生产经营活动", "降低资质等级", "吊销许可证件"]
)
def test_the_heaviest_penalties_never_end_early(measure: str) -> None:
    day = date(2026, 8, 6)
    found = endings.find_obstacle(kind="penalty", measures=["罚款", measure], first_day=day, applied_on=day)
    assert found is Obstacle.NEVER
    assert measure in decisions.MEASURES


@pytest.mark.parametrize(
    ("kind", "first_day", "found"),
    [
        ("penalty", date(2026, 8, 6), None),
        ("penalty", date(2026, 8, 7), Obstacle.TOO_EARLY),
        ("penalty", None, Obstacle.NO_RULE),
        ("permit", date(2026, 8, 6), Obstacle.KIND),
    ],
)
def test_an_application_needs_a_penalty_and_its_least_period(
    kind: str, first_day: date | None, found: Obstacle | None
) -> None:
    day = date(2026, 8, 6)
    assert endings.find_obstacle(kind=kind, measures=["罚款"], first_day=first_day, applied_on=day) is found


def test_a_correction_names_only_what_changes() -> None:
    present = {
        "title": "甲",
        "fine": Decimal("1000.00"),
        "decided_on": date(2026, 5, 1),
        "note": "",
        "measures": ["罚款"],
    }
    same = {"title": "甲", "fine": Decimal(1000), "decided_on": date(2026, 5, 1), "note": None, "measures": ["罚款"]}
    assert find_changes(present, same) == {}
    other = same | {"fine": Decimal("900.5"), "decided_on": date(2026, 5, 2), "measures": []}
    assert find_changes(present, other) == {"fine": "900.50", "decided_on": "2026-05-02", "measures": []}


@pytest.mark.parametrize(
    ("name", "value"), [("fine", Decimal("900.50")), ("decided_on", date(2026, 5, 2)), ("measures", []), ("fine", None)]
)
def test_values_come_back_from_json_as_they_were(name: str, value: Any) -> None:
    assert from_json(name, to_json(value)) == value


def test_a_person_chooses_what_is_hidden() -> None:
    words = "证人李四见到张虚构，电话13800138000，在甲楼。"
    context = Context(party_name="张虚构", party_is_person=True)
    text = Text("facts", words, find_marks(words, context))
    phone = next(name for name, mark in text.names().items() if words[mark.start : mark.end] == "13800138000")
    made = choose(Choices(), [text], hidden=[phone], why="公职人员", more=["甲楼", " ", "没有的词"])
    shown = masked(words, find_marks(words, context, made))
    assert "李四" in shown
    assert "13800138000" not in shown and "甲楼" not in shown
    assert {why for _kind, _passage, why in made.left} == {"公职人员"}
    again = Text("facts", words, find_marks(words, context, made))
    assert "甲楼" in masked(words, find_marks(words, context, choose(made, [again], hidden=[], why="错了", more=[])))


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({}, None),
        ({"measures": []}, Gap.MEASURES),
        ({"measures": [], "kind": "permit"}, None),
        ({"fine": None}, Gap.FINE),
        ({"fine": Decimal(0)}, Gap.FINE),
        ({"measures": ["警告"]}, Gap.FINE_MEASURE),
        ({"measures": ["警告"], "fine": None}, None),
        ({"on_the_spot": True}, None),
        ({"on_the_spot": True, "fine": Decimal("3000.01")}, Gap.ON_THE_SPOT),
        ({"on_the_spot": True, "party_kind": "person", "fine": Decimal(500)}, None),
        ({"on_the_spot": True, "party_kind": "person", "fine": Decimal(501)}, Gap.ON_THE_SPOT),
        (
            {"on_the_spot": True, "party_kind": "person", "fine": Decimal(201), "decided_on": date(2025, 12, 31)},
            Gap.ON_THE_SPOT,
        ),
        ({"on_the_spot": True, "measures": ["罚款", "没收违法所得"]}, Gap.ON_THE_SPOT),
    ],
)
def test_a_penalty_says_what_its_checks_depend_on(changes: dict[str, Any], gap: Gap | None) -> None:
    values: dict[str, Any] = {
        "kind": "penalty",
        "measures": ["罚款"],
        "fine": Decimal(3000),
        "on_the_spot": False,
        "party_kind": "organisation",
        "decided_on": date(2026, 5, 1),
    }
    assert find_gap(**(values | changes)) is gap


def test_words_that_speak_of_more_than_was_entered_are_pointed_out() -> None:
    words = "罚款5万元；责令停业 整顿三个月，吊销其许可证。"
    assert find_unnamed("penalty", ["罚款"], words) == ["吊销许可证件", "责令停产停业"]
    assert find_unnamed("penalty", ["罚款", "责令停产停业", "吊销药品经营许可证"], words) == []
    assert find_unnamed("permit", [], words) == []


def test_a_measure_by_another_name_weighs_the_same() -> None:
    given: dict[str, Any] = {"on_the_spot": False, "natural_person": False, "decided_on": date(2026, 5, 1)}
    assert decisions.weight_of(["吊销药品经营许可证"], None, **given) is Weight.SERIOUS
    obstacle = endings.find_obstacle(
        kind="penalty", measures=["吊销药品经营许可证"], first_day=date(2026, 5, 1), applied_on=date(2026, 6, 1)
    )
    assert obstacle is Obstacle.NEVER
