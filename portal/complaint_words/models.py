"""What sealed texts are found by."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model


class ComplaintWords(Model):
    """The digests of the words of one complaint, packed (`rules.pack`).

    What no model can say: on SQLite a full-text table `complaint_search_index`, whose entries are made and taken out by
    naming their words, for it cannot read what is packed, and on PostgreSQL a column `search_index` with an inverted
    index. `service` keeps both in step.
    """

    __tablename__ = "complaint_words"

    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), primary_key=True, autoincrement=False)
    packed: Mapped[bytes]
