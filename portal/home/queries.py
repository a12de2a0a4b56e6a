"""The counts on the front page and on the staff's first page."""

from dataclasses import dataclass
from datetime import date, datetime

from portal.bases.queries import count_bases
from portal.complaints.models import Complaint
from portal.decisions.models import Decision
from portal.decisions.queries import count_published, is_public
from portal.messages.models import Message
from portal.organs.queries import count_organs
from portal.procedures.queries import count_procedures
from portal.rows import columns_of, count_rows


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
    decisions, complaints, messages = columns_of(Decision), columns_of(Complaint), columns_of(Message)
    return Figures(
        decisions=count_rows(Decision, is_public(on, decisions), decisions.published_at >= since),
        complaints=count_rows(Complaint, complaints.received_at >= since),
        answers=count_rows(Complaint, complaints.answered_at >= since),
        reminders=count_rows(Message, messages.template == "permit_renewal", messages.accepted_at >= since),
    )
