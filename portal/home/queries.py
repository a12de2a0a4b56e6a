"""The counts on the front page and on the staff's first page."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from portal.bases.queries import count_bases
from portal.complaints.models import Complaint
from portal.db import db
from portal.decisions.models import Decision
from portal.decisions.queries import count_published, is_public
from portal.messages.models import Message
from portal.organs.queries import count_organs
from portal.procedures.queries import count_procedures


@dataclass(frozen=True)
class Published:
    """How much of each kind is public."""

    organs: int
    bases: int
    procedures: int
    decisions: int


@dataclass(frozen=True)
class Figures:
    """What happened since a moment."""

    decisions: int
    complaints: int
    answers: int
    reminders: int


def count_public(*, on: date) -> Published:
    """Count what is public on a day."""
    return Published(count_organs(on=on), count_bases(), count_procedures(), count_published(on=on))


def count_since(since: datetime, *, on: date) -> Figures:
    """Count what happened since a moment; of decisions those that are still public."""
    return Figures(
        decisions=_count(Decision, is_public(on), Decision.published_at >= since),
        complaints=_count(Complaint, Complaint.received_at >= since),
        answers=_count(Complaint, Complaint.answered_at >= since),
        reminders=_count(Message, Message.template == "permit_renewal", Message.accepted_at >= since),
    )


def _count(table: type[Decision] | type[Complaint] | type[Message], *wheres: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table).where(*wheres)) or 0
