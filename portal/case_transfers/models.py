"""Cases that went from one organ to another."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.db import Model


class CaseTransfer(Model):
    """A case passed on; `returned_at` is set when it came by mistake and went back. Why, a sealed event tells."""

    __tablename__ = "case_transfer"

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    from_organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    to_organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    returned_at: Mapped[datetime | None]
