"""Phone numbers and what their holders want."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal import vault
from portal.db import Model, Recorded


class SealedPhone(sa.types.TypeDecorator[str]):
    """A number that only lies sealed in the database.

    Equal numbers have equal seals, so `==`, `in_` and UNIQUE work; the database can neither read a number nor search
    in one or sort by it. The same seal everywhere lets numbers of two tables be compared.
    """

    impl = sa.Text
    cache_ok = True
    context = "phone"

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else vault.peek_vault().seal_alike(value, self.context)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else vault.peek_vault().unseal_alike(value, self.context)


class Contact(Recorded, Model):
    """A mobile number in E.164, kept apart from its uses; opting out stops everything but answers to the holder."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(SealedPhone, unique=True)
    locale: Mapped[str] = mapped_column(default="zh_Hans")
    opted_out_at: Mapped[datetime | None]
