"""Filters of the worklist that members of staff keep."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, Recorded


class SavedFilter(Recorded, Model):
    """A filter under a name of its owner's; `filters` are as an address carries them, without words to search for."""

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("staff_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
