"""The only place that asks what time it is."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the present day in the city's zone."""
    return local(now()).date()


def local(moment: datetime) -> datetime:
    """Return an aware moment in the city's zone."""
    return moment.astimezone(CITY_ZONE)


def start_of(day: date) -> datetime:
    """Return the first moment of a city day, in UTC."""
    return datetime.combine(day, time(), CITY_ZONE).astimezone(UTC)
