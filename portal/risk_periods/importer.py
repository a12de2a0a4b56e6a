"""Bringing in the periods that ship with the portal: those with a date by law, and those by practice, which rest."""

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from portal.db import db
from portal.risk_periods import queries
from portal.risk_periods.models import RiskPeriod, RiskPeriodDays
from portal.risk_periods.service import TEXTS

FACTS = Path(__file__).parent / "data"


def load_facts() -> None:
    """Bring in the periods that ship and are not known yet, and the years of their tables that nobody has entered.

    What staff have changed stays: days by practice, trades and advice are theirs.
    """
    known = {period.code: period for period in queries.list_periods()}
    for row in _read_facts("periods"):
        if row["code"] not in known:
            known[row["code"]] = _make_period(row)
    entered = {code: {days.starts_on.year for days in period.days} for code, period in known.items()}
    for row in _read_facts("days"):
        starts_on = date.fromisoformat(row["starts_on"])
        if starts_on.year not in entered[row["period"]]:
            days = RiskPeriodDays(starts_on=starts_on, ends_on=date.fromisoformat(row["ends_on"]))
            known[row["period"]].days.append(days)
    db.session.flush()


def _read_facts(name: str) -> list[dict[str, str]]:
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _make_period(row: Mapping[str, str]) -> RiskPeriod:
    period = RiskPeriod(code=row["code"], days_ahead=int(row["days_ahead"]), active=row["active"] == "yes", days=[])
    for name in TEXTS:
        setattr(period, name, row[name])
    period.trades = [name for name in row["trades"].split(";") if name]
    db.session.add(period)
    return period
