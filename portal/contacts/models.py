"""Phone numbers and what their holders want."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, Recorded


class Contact(Recorded, Model):
    """A mobile number in E.164, kept apart from its uses; opting out stops everything but answers to the holder."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(unique=True)
    locale: Mapped[str] = mapped_column(default="zh_Hans")
    opted_out_at: Mapped[datetime | None]
