"""Reading a complaint for its sender."""

import sqlalchemy as sa

from portal.complaints.models import Complaint, ComplaintEvent
from portal.db import db


def find_code_hash(number: str) -> tuple[int | None, str | None]:
    """Return id and hashed query code of a number; both None when there is no such case."""
    row = db.session.execute(sa.select(Complaint.id, Complaint.code_hash).where(Complaint.number == number)).first()
    return (row.id, row.code_hash) if row else (None, None)


def list_public_events(complaint: Complaint) -> list[ComplaintEvent]:
    """Return what the sender may see of what happened, newest first."""
    return [event for event in reversed(complaint.events) if event.public]
