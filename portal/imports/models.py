"""Uploaded spreadsheets, and how far each has come."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, Recorded


class SpreadsheetImport(Recorded, Model):
    """An uploaded spreadsheet between preview and commit; the file lies under the data directory by its digest.

    `kind` names the register that its rows go into. A large one is handed over to the worker, within the organ and in
    the language of whoever did so. `rows_done` of `rows_total` good rows are written, `counts` says as what, and `plan`
    what was decided on all of them before the first was. `claimed_by` names the run at work; `problem` says in a word
    why it will not go on.
    """

    __tablename__ = "spreadsheet_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    file_name: Mapped[str]
    sha256: Mapped[str]
    committed_at: Mapped[datetime | None]
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    handed_over_at: Mapped[datetime | None]
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    locale: Mapped[str] = mapped_column(default="")
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    plan: Mapped[bytes | None] = mapped_column(deferred=True)
    claimed_by: Mapped[str] = mapped_column(default="")
    claimed_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")
