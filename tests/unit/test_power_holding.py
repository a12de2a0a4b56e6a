"""Who holds a power on a day, and what a text cites."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.organs.rules import DAY, Life, acting, leads_back
from portal.powers import rules
from portal.powers.rules import Citation, Holding, Move

OWNER, OTHER, THIRD = 1, 2, 3


def day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


def test_power_nobody_moved_stays_where_it_is() -> None:
    assert rules.holdings(OWNER, None, None, [], {}) == [Holding(OWNER, None, None)]


def test_transfer_begins_and_ends_on_its_days() -> None:
    found = rules.holdings(OWNER, None, None, [Move(7, OTHER, day(10), day(20))], {})
    assert found == [
        Holding(OWNER, None, day(9)),
        Holding(OTHER, day(10), day(20), 7),
        Holding(OWNER, day(21), None),
    ]


def test_transfers_one_after_the_other_leave_no_gap() -> None:
    moves = [Move(8, THIRD, day(21)), Move(7, OTHER, day(10), day(20))]
    found = rules.holdings(OWNER, day(0), day(30), moves, {})
    assert [(holding.organ_id, holding.since, holding.until) for holding in found] == [
        (OWNER, day(0), day(9)),
        (OTHER, day(10), day(20)),
        (THIRD, day(21), day(30)),
    ]


def test_transfer_is_cut_to_the_life_of_the_power() -> None:
    moves = [Move(7, OTHER, day(-10), day(5)), Move(8, THIRD, day(40))]
    found = rules.holdings(OWNER, day(0), day(30), moves, {})
    assert found == [Holding(OTHER, day(0), day(5), 7), Holding(OWNER, day(6), day(30))]


def test_who_follows_an_organ_holds_what_it_held() -> None:
    lives = {OWNER: Life(valid_to=day(10), successor_id=OTHER), OTHER: Life(valid_to=day(20), successor_id=THIRD)}
    found = rules.holdings(OWNER, None, None, [], lives)
    assert found == [Holding(OWNER, None, day(10)), Holding(OTHER, day(11), day(20)), Holding(THIRD, day(21), None)]


def test_nobody_holds_what_an_organ_without_successor_held() -> None:
    lives = {OTHER: Life(valid_to=day(15))}
    found = rules.holdings(OWNER, None, None, [Move(7, OTHER, day(10), day(20))], lives)
    assert found == [
        Holding(OWNER, None, day(9)),
        Holding(OTHER, day(10), day(15), 7),
        Holding(None, day(16), day(20), 7),
        Holding(OWNER, day(21), None),
    ]


def test_organs_that_follow_each_other_in_a_ring_end_nowhere() -> None:
    lives = {OWNER: Life(valid_to=day(1), successor_id=OTHER), OTHER: Life(valid_to=day(1), successor_id=OWNER)}
    assert rules.holdings(OWNER, None, None, [], lives)[-1].organ_id is None
    assert acting(OWNER, day(5), lives) is None
    assert leads_back(OWNER, OTHER, {OTHER: Life(successor_id=OWNER)})
    assert not leads_back(OWNER, OTHER, {OTHER: Life(successor_id=THIRD)})


spans = st.lists(st.integers(-20, 40), min_size=0, max_size=6, unique=True).map(sorted)


@given(cuts=spans, ends=st.integers(0, 30), on=st.integers(-30, 60), open_end=st.booleans(), last=st.integers(-5, 50))
def test_every_day_has_one_holder_and_it_is_the_one_in_force(
    cuts: list[int], ends: int, on: int, open_end: bool, last: int
) -> None:
    # Every second stretch between the cuts is a transfer, so none overlap.
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    moves = [
        Move(place, OTHER if place % 2 else THIRD, day(first), day(until - 1))
        for place, (first, until) in enumerate(pairs)
    ]
    lives = {OTHER: Life(valid_to=day(ends), successor_id=OWNER)}
    found = rules.holdings(OWNER, day(-10), None if open_end else day(last), moves, lives)
    covering = [holding for holding in found if holding.covers(day(on))]
    exists = on >= -10 and (open_end or on <= last)
    assert len(covering) == exists
    if exists:
        raw = next((move.organ_id for move in moves if move.since <= day(on) <= (move.until or date.max)), OWNER)
        assert covering[0].organ_id == acting(raw, day(on), lives)
    for before, after in pairwise(found):
        assert before.until and after.since == before.until + DAY


@pytest.mark.parametrize(
    ("since", "until", "meets"),
    [(5, 9, None), (5, 10, 7), (20, None, 7), (21, 29, None), (21, None, 8), (0, None, 7), (35, 36, 8), (12, 13, 7)],
)
def test_transfers_with_a_day_in_common_are_found(since: int, until: int | None, meets: int | None) -> None:
    moves = [Move(8, THIRD, day(30)), Move(7, OTHER, day(10), day(20))]
    found = rules.find_overlap(moves, day(since), None if until is None else day(until))
    assert (found.id if found else None) == meets


def test_citations_are_found_in_the_words_of_real_lists() -> None:
    text = (
        "《中华人民共和国虚构法》第三十五条第一款、第一百二十二条；〈虚构市条例〉（2023年修订）第七条之一、"
        "第三十五条。依照本规定第九条执行，《中华人民共和国虚构法》第３５条"
    )
    law, order = "中华人民共和国虚构法", "虚构市条例"
    assert rules.find_citations(text) == [
        Citation(law, 35, 0),
        Citation(law, 122, 0),
        Citation(order, 7, 1),
        Citation(order, 35, 0),
    ]
    assert rules.find_citations("第三条") == []


def test_title_is_looked_for_with_and_without_the_country() -> None:
    assert rules.title_forms("食品安全法") == ("食品安全法", "中华人民共和国食品安全法")
    assert rules.title_forms("中华人民共和国食品安全法") == ("中华人民共和国食品安全法", "食品安全法")
