"""No small count stands among the public's figures, nor can one be worked out from them."""

import random
from datetime import date

import pytest

from portal.complaint_figures.rules import SMALLEST, Row, hide_small, year_shown

OTHERS = "others"


def rows(*counts: tuple[int, int, int]) -> list[Row]:
    """Return rows named by their place."""
    return [Row(str(place), *count) for place, count in enumerate(counts)]


def test_large_counts_stay_as_they_are() -> None:
    given = rows((30, 20, 10), (20, 10, 5))
    assert hide_small(given, OTHERS) == given


def test_one_small_group_takes_another_one_along() -> None:
    # Alone it would be the difference between all and the others.
    found = hide_small(rows((30, 20, 10), (9, 9, 0), (2, 1, 1)), OTHERS)
    assert [(row.name, row.total) for row in found] == [("0", 30), (OTHERS, 11)]


def test_small_groups_stand_together_once_they_are_many_enough() -> None:
    found = hide_small(rows((30, 20, 10), (4, 4, 0), (3, 3, 0)), OTHERS)
    assert [(row.name, row.total) for row in found] == [("0", 30), (OTHERS, 7)]
    found = hide_small(rows((30, 20, 10), (9, 9, 0), (2, 2, 0), (1, 1, 0)), OTHERS)
    assert [(row.name, row.total) for row in found] == [("0", 30), (OTHERS, 12)]


def test_nothing_is_told_of_fewer_than_the_smallest() -> None:
    assert hide_small(rows((SMALLEST - 1, 1, 0)), OTHERS) == []
    assert hide_small([], OTHERS) == []


def test_a_small_part_hides_those_of_two_rows() -> None:
    found = hide_small(rows((30, 28, 2), (20, 10, 10), (10, 5, 5)), OTHERS)
    assert [row.told for row in found] == [False, True, False]


@pytest.mark.parametrize("seed", range(30))
def test_no_small_count_can_be_worked_out(seed: int) -> None:
    dice = random.Random(seed)
    given = []
    for place in range(dice.randrange(1, 8)):
        total = dice.choice((0, 1, 2, 4, 5, 8, 40))
        late = dice.randrange(total + 1)
        given.append(Row(str(place), total, dice.randrange(total - late + 1), late))
    found = hide_small(given, OTHERS)
    assert not found or sum(row.total for row in found) == sum(row.total for row in given)
    for row in found:
        assert row.total >= SMALLEST
        if row.in_time is not None and row.late is not None:
            assert not any(0 < part < SMALLEST for part in (row.in_time, row.late, row.total - row.in_time - row.late))
    together = {row.name for row in given if row.total} - {row.name for row in found}
    assert not found or len(together) != 1, "the one that is missing is what is missing from the sum"
    hidden = [row for row in found if row.in_time is None]
    assert len(hidden) != 1 or len(found) == 1


def test_the_public_reads_whole_months_of_a_year() -> None:
    today = date(2026, 11, 23)
    assert year_shown(None, today) == (date(2026, 1, 1), date(2026, 10, 31))
    assert year_shown(2024, today) == (date(2024, 1, 1), date(2024, 12, 31))
    assert year_shown(2999, today) == year_shown(None, today)
    assert year_shown(None, date(2026, 1, 5)) == (date(2025, 1, 1), date(2025, 12, 31))
    assert year_shown(1, today)[0].year == 2016
