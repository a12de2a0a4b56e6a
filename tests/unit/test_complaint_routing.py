"""To which organ a case belongs: who holds the power, whom it names, or whoever supervises; never whom it is about."""

from datetime import date
from typing import Any

import pytest

from portal.complaint_routing.rules import Holder, Matter, Suggestion, Why, suggest
from portal.organs.rules import Life

SUPERVISOR, MARKET, CITY, TOWN, ENDED, GONE = 1, 2, 3, 4, 5, 6
TODAY = date(2026, 11, 23)
LIVES = {
    SUPERVISOR: Life(),
    MARKET: Life(),
    CITY: Life(),
    TOWN: Life(),
    ENDED: Life(valid_to=date(2025, 12, 31), successor_id=MARKET),
    GONE: Life(valid_to=date(2025, 12, 31)),
}
SINCE = date(2024, 7, 1)
HELD = Holder(CITY, SINCE, ("虚构市城市管理局",))
IN_TOWN = Holder(TOWN, None, ("虚构市会昌街道办事处",))


@pytest.mark.parametrize(
    ("matter", "organ_id", "why"),
    [
        ({"delicate": False, "organ_id": MARKET}, MARKET, Why.NAMED),
        ({"delicate": False, "organ_id": ENDED}, MARKET, Why.FOLLOWS),
        ({"delicate": False, "organ_id": GONE}, SUPERVISOR, Why.UNKNOWN),
        ({"delicate": False}, SUPERVISOR, Why.UNKNOWN),
        # The register decides, whoever was named.
        ({"delicate": False, "organ_id": MARKET, "holders": [HELD]}, CITY, Why.POWER),
        ({"delicate": False, "organ_id": MARKET, "holders": [Holder(None)]}, SUPERVISOR, Why.UNHELD),
        ({"delicate": False, "holders": [HELD, IN_TOWN], "street": "会昌街道"}, TOWN, Why.PLACE),
        ({"delicate": False, "holders": [IN_TOWN, HELD], "street": "会昌街道"}, TOWN, Why.POWER),
        ({"delicate": False, "holders": [HELD, IN_TOWN], "street": "河雍街道"}, CITY, Why.POWER),
        ({"delicate": False, "holders": [HELD, IN_TOWN]}, CITY, Why.POWER),
        # Conduct is judged by whoever supervises, even where the power is clear.
        ({"delicate": True, "subjects": frozenset({MARKET}), "organ_id": MARKET}, SUPERVISOR, Why.SUPERVISES),
        ({"delicate": True, "holders": [HELD]}, SUPERVISOR, Why.SUPERVISES),
        ({"delicate": True, "subjects": frozenset({SUPERVISOR})}, None, Why.OWN),
        ({"delicate": True, "subjects": frozenset({MARKET, SUPERVISOR})}, None, Why.OWN),
    ],
)
def test_where_it_belongs(matter: dict[str, Any], organ_id: int | None, why: Why) -> None:
    found = suggest(Matter(**matter), supervising_id=SUPERVISOR, on=TODAY, lives=LIVES)
    assert (found.organ_id, found.why) == (organ_id, why)


def test_since_when_a_power_is_held() -> None:
    found = suggest(Matter(delicate=False, holders=[HELD]), supervising_id=SUPERVISOR, on=TODAY, lives=LIVES)
    assert found == Suggestion(CITY, Why.POWER, SINCE)


def test_nobody_supervises() -> None:
    assert suggest(Matter(delicate=True), supervising_id=None, on=TODAY, lives={}) == Suggestion(None, Why.OWN)
    assert suggest(Matter(delicate=False), supervising_id=None, on=TODAY, lives={}) == Suggestion(None, Why.UNKNOWN)


def test_who_follows_the_supervising_organ_is_no_judge_of_it() -> None:
    lives = LIVES | {SUPERVISOR: Life(valid_to=date(2026, 1, 1), successor_id=CITY)}
    for subject, expected in ((SUPERVISOR, None), (CITY, None), (MARKET, CITY)):
        matter = Matter(delicate=True, subjects=frozenset({subject}))
        assert suggest(matter, supervising_id=SUPERVISOR, on=TODAY, lives=lives).organ_id == expected
