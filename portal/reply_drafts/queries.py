"""Reading drafts, templates and grounds of refusal."""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.accounts.models import Staff
from portal.cli import current_settings
from portal.complaints.models import Complaint, ComplaintEvent, ComplaintState
from portal.complaints.queries import get_case_type_of, list_assignable, visible_to
from portal.db import db
from portal.errors import NotFound
from portal.i18n import day, pick, speaking
from portal.reply_drafts import rules
from portal.reply_drafts.models import DraftState, ReplyDraft, ReplyPurpose, ReplyTemplate

GROUNDS = Path(__file__).parent / "data" / "grounds.csv"
PURPOSES = {ComplaintState.SUBMITTED: ReplyPurpose.REFUSAL, ComplaintState.ACCEPTED: ReplyPurpose.ANSWER}


@cache
def load_grounds() -> list[rules.Ground]:
    """Return every ground on which a case may be refused."""
    with GROUNDS.open(encoding="utf-8", newline="") as file:
        return [rules.Ground(**row | {"elsewhere": row["elsewhere"] == "1"}) for row in csv.DictReader(file)]


def list_grounds(complaint: Complaint) -> list[rules.Ground]:
    """Return the grounds on which this case may be refused."""
    return rules.fitting(load_grounds(), get_case_type_of(complaint).key)


def find_draft(complaint: Complaint) -> ReplyDraft | None:
    """Return what is being written for a case as it stands; a refusal begun before it was accepted is over."""
    draft = db.session.get(ReplyDraft, complaint.id)
    return draft if draft is not None and draft.purpose is PURPOSES.get(complaint.state) else None


def list_writers(draft: ReplyDraft) -> set[int]:
    """Return the ids of all who have written this draft."""
    wrote = sa.select(ComplaintEvent.staff_id).where(
        ComplaintEvent.complaint_id == draft.complaint_id,
        ComplaintEvent.action == "draft",
        ComplaintEvent.at >= draft.created_at,
        ComplaintEvent.staff_id.is_not(None),
    )
    return {draft.writer_id, *(number for number in db.session.scalars(wrote) if number is not None)}


def list_reviewers(complaint: Complaint, staff: Staff) -> list[Any]:
    """Return who may review what is written for a case, as rows (id, name): may see it, and wrote none of it."""
    draft = find_draft(complaint)
    writers = {staff.id} | (list_writers(draft) if draft else set())
    return [row for row in list_assignable(complaint) if row.id not in writers]


def list_waiting(staff: Staff) -> Sequence[Complaint]:
    """Return the cases whose drafts wait for this member of staff to read them, the most urgent first."""
    return db.session.scalars(
        sa.select(Complaint)
        .join(ReplyDraft, ReplyDraft.complaint_id == Complaint.id)
        .where(ReplyDraft.reviewer_id == staff.id, ReplyDraft.state == DraftState.WAITING, visible_to(staff))
        .order_by(Complaint.next_due_on, Complaint.id)
    ).all()


def list_templates() -> Sequence[ReplyTemplate]:
    """Return every template, those in use first."""
    order = (ReplyTemplate.active.desc(), ReplyTemplate.purpose, ReplyTemplate.name, ReplyTemplate.id)
    return db.session.scalars(sa.select(ReplyTemplate).order_by(*order)).all()


def get_template(template_id: int) -> ReplyTemplate:
    """Return a template; raises NotFound."""
    found = db.session.get(ReplyTemplate, template_id)
    if found is None:
        raise NotFound(_l("There is no such template."))
    return found


def list_fitting(complaint: Complaint) -> Sequence[ReplyTemplate]:
    """Return the templates that fit a case as it stands, the closest first."""
    purpose = PURPOSES.get(complaint.state)
    fits = (
        ReplyTemplate.active,
        ReplyTemplate.purpose == purpose,
        ReplyTemplate.kind.in_(("", complaint.kind.value)),
        ReplyTemplate.category.in_(("", complaint.category)),
        sa.or_(ReplyTemplate.organ_id.is_(None), ReplyTemplate.organ_id == complaint.handler_organ_id),
    )
    closest = (ReplyTemplate.organ_id.is_(None), ReplyTemplate.category == "", ReplyTemplate.kind == "")
    return db.session.scalars(sa.select(ReplyTemplate).where(*fits).order_by(*closest, ReplyTemplate.id)).all()


def fill_template(template: ReplyTemplate, complaint: Complaint) -> str:
    """Return a template filled for a case, in the language of its sender."""
    with speaking(complaint.locale):
        values = {
            "number": complaint.number,
            "received": day(complaint.received_at),
            "organ": pick(complaint.organ, "name") if complaint.organ else "",
            "handler": pick(complaint.handler_organ, "name") if complaint.handler_organ else "",
            "due": day(complaint.answer_due_on),
            "hotline": current_settings().hotline,
        }
    return rules.fill(template.body, values)
