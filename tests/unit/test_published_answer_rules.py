"""What of a case may be published, and what can never stand in it."""

import pytest

from portal.complaint_publication import rules

SECRETS = ["欧阳虚构", "13800138007", "虚构路1号院2单元"]


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("已整治完毕。", False),
        ("欧阳 虚构：已整治。", True),
        ("欧　阳虚构来电", True),
        ("电话138 0013 8007", True),
        ("电话１３８００１３８００７", True),
        ("住虚构路1号院 2单元", True),
        ("编号TS202611220001", True),
        ("编号ts 2026-1122-0001", True),
        ("编号ＴＳ202611220001", True),
        ("型号TS2026", False),
        ("欧阳某某：已整治。", False),
    ],
)
def test_sender_and_numbers_are_found_however_they_are_written(text: str, forbidden: bool) -> None:
    assert (rules.find_forbidden({"title": "占道", "answer": text}, SECRETS) == ["answer"]) is forbidden


def test_what_is_too_short_to_tell_anything_forbids_nothing() -> None:
    assert rules.find_forbidden({"answer": "王某来电"}, ["王", ""]) == []


@pytest.mark.parametrize("state", ["submitted", "accepted", "refused", "withdrawn", "merged"])
def test_only_what_has_its_answer_is_published(state: str) -> None:
    assert not rules.may_publish(consent=True, publishable=True, state=state, answered=True)


@pytest.mark.parametrize("state", ["answered", "closed"])
def test_consent_kind_and_answer_are_all_needed(state: str) -> None:
    given = {"consent": True, "publishable": True, "answered": True}
    assert rules.may_publish(**given, state=state)
    for missing in given:
        assert not rules.may_publish(**(given | {missing: False}), state=state)


def test_question_holds_what_was_told_and_asked_for_and_fits_its_field() -> None:
    assert rules.join_question(" 夜市占道 ", "") == "夜市占道"
    assert rules.join_question("夜市占道", "请整治") == "夜市占道\n\n请整治"
    long = rules.join_question("长" * 5000, "")
    assert (len(long), long[-1]) == (rules.MAX_QUESTION, "…")
