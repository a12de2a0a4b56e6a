"""The days on which the working week does not follow the weekday."""

from datetime import date
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, text_enum


class DayKind(StrEnum):
    """What a listed day is."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"


class CalendarDay(Model):
    """A statutory holiday, a day off by adjustment, or a make-up workday (调休).

    `certain` is false where the State Council has not yet announced the year.
    """

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[DayKind] = mapped_column(text_enum(DayKind))
    name: Mapped[str] = mapped_column(default="")
    certain: Mapped[bool] = mapped_column(default=True)
