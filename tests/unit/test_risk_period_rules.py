"""When periods fall and their texts leave: spans over leap days and New Year, and what ships with the portal."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar.rules import WorkingCalendar
from portal.messages.rules import count_segments
from portal.risk_periods import rules
from portal.risk_periods.models import BatchState
from portal.risk_periods.rules import Dates, Notice, Span
from portal.settings import ROOT, Settings

DATA = ROOT / "portal" / "risk_periods" / "data"
DAY = timedelta(days=1)
FLOOD, ICE, FIRE = Dates("05-15", "09-30"), Dates("12-01", "02-29"), Dates("11-01", "04-30")
days = st.dates(date(1990, 1, 1), date(2110, 12, 31))
month_days = st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: f"{day:%m-%d}")
fixed = st.builds(Dates, month_days, month_days)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("dates", "on", "first", "last"),
    [
        (FLOOD, "2026-05-15", "2026-05-15", "2026-09-30"),
        (FLOOD, "2026-05-16", "2027-05-15", "2027-09-30"),
        (FIRE, "2026-04-30", "2026-11-01", "2027-04-30"),
        (ICE, "2026-11-22", "2026-12-01", "2027-02-28"),
        # The ice of the winter before a leap year ends on its 29th of February.
        (ICE, "2027-03-01", "2027-12-01", "2028-02-29"),
        (Dates("03-05", "03-05"), "2026-03-05", "2026-03-05", "2026-03-05"),
    ],
)
def test_the_next_span(dates: Dates, on: str, first: str, last: str) -> None:
    found = rules.next_span(dates, date.fromisoformat(on))
    assert found == Span(date.fromisoformat(first), date.fromisoformat(last))


@given(fixed, days)
def test_a_fixed_period_comes_every_year_and_lasts_no_longer(dates: Dates, on: date) -> None:
    span = rules.next_span(dates, on)
    assert span is not None
    assert on <= span.starts_on <= on + 366 * DAY
    assert span.starts_on <= span.ends_on <= span.starts_on + 366 * DAY
    following = rules.next_span(dates, span.starts_on + DAY)
    assert following is not None
    assert following.starts_on > span.starts_on
    assert (span.starts_on.month, span.ends_on.month) == (following.starts_on.month, following.ends_on.month)


@given(fixed, st.integers(2000, 2100), st.integers(0, 365))
def test_a_year_is_touched_by_the_spans_that_hold_its_days(dates: Dates, year: int, number: int) -> None:
    day = date(year, 1, 1) + DAY * number
    around = rules.spans(dates, day - 400 * DAY, day)
    holding = [span for span in around if span.starts_on <= day <= span.ends_on]
    assert day.year != year or set(holding) <= set(rules.spans_in(dates, year))
    assert all(span.starts_on.year <= year <= span.ends_on.year for span in rules.spans_in(dates, year))


@given(st.lists(st.tuples(days, st.integers(0, 60)), unique_by=lambda item: item[0].year, max_size=6), days)
def test_a_table_of_years_says_what_it_holds_and_no_more(rows: list[tuple[date, int]], on: date) -> None:
    table = [Span(first, first + DAY * length) for first, length in rows]
    dates = Dates(table=table)
    later = sorted(span for span in table if span.starts_on >= on)
    assert rules.next_span(dates, on) == (later[0] if later else None)
    known = {span.starts_on.year for span in table}
    missing = rules.missing_year(dates, on.year, on.year + 1)
    assert (missing is None) == ({on.year, on.year + 1} <= known)
    assert missing is None or missing not in known


@given(days, st.integers(0, 60), st.sets(days, max_size=30))
def test_texts_leave_on_a_working_day_early_enough(starts_on: date, ahead: int, off: set[date]) -> None:
    calendar = WorkingCalendar(dict.fromkeys(off, False))
    send_on = rules.send_day(starts_on, ahead, calendar).day
    assert calendar.is_working_day(send_on)
    assert send_on <= starts_on - DAY * ahead
    between = (starts_on - DAY * ahead - send_on).days
    assert not any(calendar.is_working_day(send_on + DAY * n) for n in range(1, between + 1))


def test_a_day_that_is_not_announced_yet_is_said_to_be_uncertain() -> None:
    calendar = WorkingCalendar({}, known_until=date(2026, 12, 31))
    assert rules.send_day(date(2026, 12, 1), 7, calendar).certain
    assert not rules.send_day(date(2027, 2, 6), 7, calendar).certain


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("02-29", (2, 29)),
        ("02-30", None),
        ("5-15", None),
        ("13-01", None),
        ("", None),
        ("05-15 ", None),
        ("0515", None),
    ],
)
def test_a_day_of_the_year_is_read(text: str, found: tuple[int, int] | None) -> None:
    assert rules.read_month_day(text) == found


@given(fixed, st.integers(2000, 2100))
def test_a_year_is_drawn_to_its_edges_and_no_further(dates: Dates, year: int) -> None:
    drawn = rules.pieces(dates, year)
    assert drawn
    for piece in drawn:
        assert piece.x >= 0
        assert piece.width > 0
        assert piece.x + piece.width <= rules.CHART_WIDTH + 0.2


def test_a_period_over_new_year_is_drawn_in_two_pieces() -> None:
    first, second = rules.pieces(FIRE, 2026)
    assert (first.x, first.width) == (0.0, round(120 * 360 / 365, 1))
    assert second.x == rules.month_lines(2026)[10]
    assert second.x + second.width == pytest.approx(360, abs=0.2)


def test_many_counts_become_few_bars_that_add_up() -> None:
    counts = {f"行业{number}": number for number in range(1, 31)}
    bars = rules.count_bars(counts, others="其他")
    assert len(bars) == rules.BARS
    assert sum(bar.count for bar in bars) == sum(counts.values())
    assert (bars[0].grade, bars[-1].grade, max(bar.width for bar in bars)) == ("行业30", "其他", 320)
    assert rules.count_bars({}, others="其他") == []


@pytest.mark.parametrize(
    ("before", "after", "much"),
    [(0, 5, False), (0, 6, True), (1000, 1050, False), (1000, 1051, True), (1000, 900, True)],
)
def test_a_little_is_five_or_five_percent(before: int, after: int, much: bool) -> None:
    assert rules.differs_much(before, after) is much


def test_steps_lead_to_states_that_there_are() -> None:
    states = {state.value for state in BatchState}
    assert {state for state, _step in rules.STEPS} | set(rules.STEPS.values()) <= states
    # Nothing leads out of what is over, and nothing but a second person's step into approval.
    assert not [step for state, step in rules.STEPS if state == "expired"]
    assert [step for step, goal in rules.STEPS.items() if goal == "approved"] == [("submitted", "approve")]


def test_readers_of_english_get_english_where_it_is_all_there() -> None:
    whole = Notice(date(2027, 5, 15), "汛期", "Flood season", "请清沟。", "clear drains.")
    assert whole.fill("en") == ("en", {"name": "Flood season", "day": "15 May", "advice": "clear drains"})
    half = Notice(date(2027, 5, 15), "汛期", "Flood season", "请清沟。", "")
    assert half.fill("en") == half.fill("zh_Hans") == (
        "zh_Hans", {"name": "汛期", "day": "5月15日", "advice": "请清沟"},
    )  # fmt: skip


class TestWhatShips:
    """The facts in portal/risk_periods/data."""

    periods = read(DATA / "periods.csv")
    table = read(DATA / "days.csv")

    def test_each_period_has_its_days_in_one_way(self) -> None:
        listed = {row["period"] for row in self.table}
        for row in self.periods:
            assert bool(row["first_day"]) == bool(row["last_day"]) != (row["code"] in listed), row["code"]
            for name in ("first_day", "last_day"):
                assert not row[name] or rules.read_month_day(row[name]), row["code"]
            assert 0 <= int(row["days_ahead"]) <= rules.MAX_DAYS_AHEAD

    def test_what_the_law_dates_is_active_and_what_is_practice_rests(self) -> None:
        assert {row["code"]: row["active"] for row in self.periods} == {
            row["code"]: "yes" if row["basis"] else "no" for row in self.periods
        }
        by_law = {row["code"]: (row["first_day"], row["last_day"]) for row in self.periods if row["basis"]}
        assert by_law == {
            "flood": ("05-15", "09-30"), "river-flood": ("07-01", "10-31"),
            "river-ice": ("12-01", "02-29"), "forest-fire": ("11-01", "04-30"),
        }  # fmt: skip

    def test_feasts_fall_on_the_days_that_the_calendar_of_holidays_names(self) -> None:
        feasts = {"food-spring": "春节", "food-dragon-boat": "端午", "food-mid-autumn": "中秋"}
        named: dict[str, set[str]] = {}
        for row in read(ROOT / "portal" / "calendar" / "data" / "holidays.csv"):
            if row["kind"] == "holiday":
                named.setdefault(row["day"], set()).add(row["name"])
        for row in self.table:
            if row["period"] in feasts:
                names = "".join(named.get(row["ends_on"], ()))
                assert feasts[row["period"]] in names, row

    def test_the_years_2026_to_2028_are_there(self) -> None:
        for code in {row["period"] for row in self.table}:
            years = [int(row["starts_on"][:4]) for row in self.table if row["period"] == code]
            assert years == [2026, 2027, 2028]

    def test_every_text_fits_one_segment_in_both_languages(self) -> None:
        for row in self.periods:
            assert len(row["name"]) <= 6, row["code"]  # The strictest carrier's limit for a variable.
            for locale, around in (
                ("zh_Hans", "日开始，。咨询0391-0000000。退订回T"),
                ("en", " from : . Stop: reply T"),
            ):
                notice = Notice(date(2027, 12, 28), row["name"], row["name_en"], row["advice"], row["advice_en"])
                written_in, values = notice.fill(locale)
                assert written_in == locale
                text = Settings.sms_signature + around + "".join(values.values())
                assert count_segments(text) == 1, (row["code"], locale, len(text))
