"""Reading a complaint for its sender."""

from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.calendar.rules import WorkingCalendar
from portal.complaint_tracking import rules
from portal.complaints.models import (
    Complaint,
    ComplaintEvent,
    ComplaintFile,
    ComplaintState,
    OrganPart,
)
from portal.complaints.queries import get_case_type_of
from portal.db import db
from portal.errors import NotFound
from portal.organs.models import Organ
from portal.rectifications.queries import find_open

ENDED = (ComplaintState.ANSWERED, ComplaintState.CLOSED, ComplaintState.REFUSED)


@dataclass(frozen=True)
class Afterwards:
    """What a sender can do once a case has its answer; days, or None for what is not open to them.

    `contact_by` and `mended_by` are promised after a bad grade.
    """

    remedies: list[rules.Remedy]
    reopen_until: date | None = None
    may_rate: bool = False
    contact_by: date | None = None
    mended_by: date | None = None


def find_code_hash(number: str) -> tuple[int | None, str | None]:
    """Return id and hashed query code of a number; both None when there is no such case."""
    row = db.session.execute(sa.select(Complaint.id, Complaint.code_hash).where(Complaint.number == number)).first()
    return (row.id, row.code_hash) if row else (None, None)


def list_public_events(complaint: Complaint) -> list[ComplaintEvent]:
    """Return what the sender may see of what happened, newest first."""
    return [event for event in reversed(complaint.events) if event.public]


def find_question(complaint: Complaint) -> ComplaintEvent | None:
    """Return what the sender was last asked for while they are waited for."""
    asked = [event for event in complaint.events if event.public and event.action == "ask"]
    return asked[-1] if asked and complaint.paused_on is not None else None


def list_files(complaint: Complaint) -> dict[int | None, list[ComplaintFile]]:
    """Return the files that the sender may see by the event they came with; None for those sent with the complaint."""
    found: dict[int | None, list[ComplaintFile]] = {}
    for file in complaint.files:
        if file.public:
            found.setdefault(file.event_id, []).append(file)
    return found


def get_public_file(complaint: Complaint, file_id: int) -> ComplaintFile:
    """Return a file that the sender of a complaint may have; raises NotFound."""
    for file in complaint.files:
        if file.id == file_id and file.public and file.removed_at is None:
            return file
    raise NotFound(_l("There is no such file."))


def list_joint_organs(complaint: Complaint) -> list[Organ]:
    """Return the organs that join in handling a complaint."""
    return [part.organ for part in complaint.organs if part.part is OrganPart.JOINT]


def find_end(complaint: Complaint) -> date | None:
    """Return the day of the answer or refusal that a complaint ended with."""
    if complaint.state not in ENDED:
        return None
    moments = [event.at for event in complaint.events if event.action in ("answer", "refuse")]
    moment = complaint.answered_at or (moments[-1] if moments else None)
    return clock.local(moment).date() if moment else None


def read_afterwards(complaint: Complaint, calendar: WorkingCalendar, today: date) -> Afterwards:
    """Return what is open to the sender of a complaint now that it has an answer, or will never have one."""
    ended_on = find_end(complaint)
    if ended_on is None:
        return Afterwards([])
    kind = get_case_type_of(complaint)
    remedies = rules.list_remedies(kind.key, complaint.kind.value, ended_on, calendar)
    if complaint.answered_at is None:
        return Afterwards(remedies)
    until = rules.reopen_until(ended_on, kind.reopen_within)
    rated = is_rated(complaint)
    found = Afterwards(
        remedies=remedies,
        reopen_until=until if until is not None and today <= until else None,
        may_rate=complaint.state is ComplaintState.ANSWERED and not rated,
    )
    opened = find_open(complaint) if rated else None
    if opened is None:
        return found
    to_call = complaint.call_wanted and opened.contacted_at is None
    return replace(found, contact_by=opened.contact_due_on if to_call else None, mended_by=opened.due_on)


def is_rated(complaint: Complaint) -> bool:
    """Whether the answer that a complaint has now was rated; a rating of an earlier one does not count."""
    if complaint.rated_at is None or complaint.answered_at is None:
        return False
    return complaint.rated_at >= complaint.answered_at
