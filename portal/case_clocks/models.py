"""The one extension of a case: who asked for it, and who decided."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.db import Model


class CaseExtension(Model):
    """A wish for more time, one row per case; `granted` is none until somebody else has decided.

    The reasons are sealed texts of the case's events. What was not granted may be asked for again.
    """

    __tablename__ = "case_extension"

    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), primary_key=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    granted: Mapped[bool | None]
