"""Kinds of cases as data: how long each step may take, under which rule, and what becomes of the case in the end."""

from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from portal.case_types.rules import DayUnit
from portal.db import Model, Recorded, text_enum


class AtEnd(StrEnum):
    """What happens to a closed case when it has been kept long enough."""

    ANONYMISE = "anonymise"
    DELETE = "delete"


class CaseType(Recorded, Model):
    """One kind of case. Periods start the day after (civil procedure law, article 85), in working or calendar days.

    `extend_by` is the one extension an approver may grant, 0 for none; `reopen_within` counts calendar days after the
    answer; `contact_within` and `rectify_within` working days after a bad grade; `keep_months` starts at the close.
    `basis` names the law and article, or says that it is the city's own setting.
    """

    __tablename__ = "case_type"

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    accept_within: Mapped[int]
    accept_unit: Mapped[DayUnit] = mapped_column(text_enum(DayUnit))
    answer_within: Mapped[int]
    answer_unit: Mapped[DayUnit] = mapped_column(text_enum(DayUnit))
    extend_by: Mapped[int] = mapped_column(default=0)
    pausable: Mapped[bool] = mapped_column(default=True)
    anonymous: Mapped[bool] = mapped_column(default=False)
    publishable: Mapped[bool] = mapped_column(default=True)
    reopen_within: Mapped[int] = mapped_column(default=0)
    contact_within: Mapped[int] = mapped_column(default=1)
    rectify_within: Mapped[int] = mapped_column(default=15)
    keep_months: Mapped[int] = mapped_column(default=60)
    at_end: Mapped[AtEnd] = mapped_column(text_enum(AtEnd), default=AtEnd.ANONYMISE)
    basis: Mapped[str] = mapped_column(default="")
    basis_en: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
