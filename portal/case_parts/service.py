"""Splitting a case that holds two matters, and joining cases that are one. Callers commit."""

import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import sealed_files, uploads
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.case_parts import queries
from portal.complaints.models import Complaint, ComplaintFile, ComplaintKind, ComplaintNamed
from portal.complaints.service import Filing, QueryCode, add_event, file_complaint, make_code, move, set_deadlines
from portal.db import db
from portal.errors import Conflict, Refusal


@dataclass(frozen=True, kw_only=True)
class Part:
    """The second matter of a letter: what it is, about whom, the part of the text, and the files that go along."""

    kind: ComplaintKind
    category: str
    organ_id: int | None
    officer: str
    facts: str
    file_ids: tuple[int, ...] = ()


def split(*, complaint: Complaint, staff: Staff, part: Part) -> Complaint:
    """Make a case of its own of the second matter in a letter (market regulation complaint measures, article 7).

    It has the sender, the day of receipt and the query code of the first, so that the sender needs no second code; the
    files that go along are copied, so that each case keeps its own. The second is routed like any other.
    """
    move(complaint, "split")
    filing = Filing(
        key=secrets.token_hex(16),
        kind=part.kind,
        category=part.category,
        organ_id=part.organ_id,
        officer=part.officer,
        facts=part.facts,
        wants=complaint.wants,
        happened_on=complaint.happened_on,
        place=complaint.place,
        street=complaint.street,
        anonymous=complaint.anonymous,
        sender_name=complaint.sender_name,
        sender_address=complaint.sender_address,
        publish_consent=complaint.publish_consent,
        locale=complaint.locale,
        channel=complaint.channel,
        registered_by_id=complaint.registered_by_id,
    )
    second = file_complaint(filing=filing, code=QueryCode(make_code().code, complaint.code_hash))
    second.code_sealed = second.code_sealed_until = None
    second.split_from_id = complaint.split_from_id or complaint.id
    second.contact_id, second.sms_wanted = complaint.contact_id, complaint.sms_wanted
    second.received_at, second.clock_from_on = complaint.received_at, complaint.clock_from_on
    set_deadlines(second)
    for file in complaint.files:
        if file.id in part.file_ids and file.removed_at is None:
            second.files.append(_copy_file(file, second))
    db.session.flush()
    _keep_from_named(complaint, second)
    add_event(second, "split-from", public=True, text=complaint.number, staff=staff)
    add_event(complaint, "split", public=True, text=second.number, staff=staff)
    audit.record("complaint.split", f"complaint:{complaint.id}", staff_id=staff.id, part_id=second.id)
    return second


def _keep_from_named(complaint: Complaint, second: Complaint) -> None:
    """Keep the second matter from whom the whole letter names: its sender is the same, and so may its files be."""
    columns = (ComplaintNamed.staff_id, ComplaintNamed.officer_id, ComplaintNamed.words)
    named = sa.select(*columns).where(ComplaintNamed.cleared_at.is_(None))
    known = {tuple(row) for row in db.session.execute(named.where(ComplaintNamed.complaint_id == second.id))}
    for staff_id, officer_id, words in db.session.execute(named.where(ComplaintNamed.complaint_id == complaint.id)):
        if (staff_id, officer_id, words) not in known:
            values = {"staff_id": staff_id, "officer_id": officer_id, "words": words}
            db.session.add(ComplaintNamed(complaint_id=second.id, **values))
    db.session.flush()


def _copy_file(file: ComplaintFile, second: Complaint) -> ComplaintFile:
    """Keep a file once more under a token of its own."""
    token = secrets.token_hex(16)
    for digest, clean in ((file.sha256, False), (file.clean_sha256, True)):
        if digest:
            content = uploads.read_kept(file.token, digest, clean=clean)
            sealed_files.write_sealed(uploads.path_of(token, uploads.CLEAN if clean else ""), content)
    copied = {
        name: getattr(file, name) for name in ("media_type", "size", "sha256", "clean_sha256", "public", "caution")
    }
    return ComplaintFile(complaint=second, token=token, name=file.name, **copied)


def merge(*, complaint: Complaint, staff: Staff, number: str) -> Complaint:
    """Join a case with the one that it is a duplicate of; that one goes on, and its number is told to no sender.

    Raises Refusal when the other is not there for them, is this one, or is itself joined or over, or when this one is
    for supervisors only and the other is not.
    """
    lead = queries.find_for_staff(number, staff)
    if lead is None:
        raise Refusal(_l("There is no such complaint, or it is not for you to handle."), field="lead")
    if lead.id == complaint.id or lead.state not in ("submitted", "accepted", "answered"):
        raise Refusal(_l("A case can only be joined with another one that is not over."), field="lead")
    if complaint.delicate and not lead.delicate:
        # Whoever handles that one may be whom this one is about.
        raise Refusal(_l("A case for supervisors only can only be joined with another such case."), field="lead")
    if queries.list_merged(complaint):
        raise Conflict(_l("Other cases were joined with this one. Join the other case with this one instead."))
    move(complaint, "merge")
    complaint.merged_into_id = lead.id
    add_event(complaint, "merge", public=True, staff=staff)
    add_event(complaint, "merge-into", public=False, text=lead.number, staff=staff)
    add_event(lead, "merged", public=False, text=complaint.number, staff=staff)
    audit.record("complaint.merge", f"complaint:{complaint.id}", staff_id=staff.id, lead_id=lead.id)
    return lead
