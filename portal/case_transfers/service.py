"""Passing cases on, giving them back, and asking other organs to join in. Callers commit.

The periods run on whoever has the case. An organ that is complained about never gets a delicate case, neither as its
handler nor as one that joins in (regulation on letters and visits, articles 28, 30 and 46).
"""

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.case_transfers import queries
from portal.case_transfers.models import CaseTransfer
from portal.complaints import outbox
from portal.complaints.models import Complaint, ComplaintOrgan, OrganPart
from portal.complaints.queries import may_handle
from portal.complaints.service import add_event, move
from portal.db import db
from portal.errors import Conflict, Refusal
from portal.organs.models import Organ


def transfer(*, complaint: Complaint, staff: Staff, organ_id: int, reason: str) -> None:
    """Pass a case on to another organ, with a reason that staff read; nobody handles it there yet.

    Raises Refusal when that organ may not have it.
    """
    move(complaint, "transfer")
    organ = _get_target(complaint, organ_id, "transfer_organ")
    row = CaseTransfer(
        complaint_id=complaint.id, from_organ_id=complaint.handler_organ_id, to_organ_id=organ.id, staff_id=staff.id
    )
    db.session.add(row)
    db.session.flush()
    _give(complaint, organ.id)
    add_event(complaint, "transfer", public=True, text=organ.name, staff=staff)
    add_event(complaint, "transfer-why", public=False, text=reason, staff=staff)
    audit.record("complaint.transfer", f"complaint:{complaint.id}", staff_id=staff.id, organ_id=organ.id)
    _tell_sender(complaint)


def give_back(*, complaint: Complaint, staff: Staff, reason: str) -> None:
    """Give a case back to where it came from by mistake, with a reason that staff read.

    Raises Conflict when it was not passed on, Refusal when that organ may not have it any more.
    """
    move(complaint, "transfer")
    last = queries.find_last_transfer(complaint)
    if last is None:
        raise Conflict(_l("This case was not passed on to the organ that has it, so it cannot go back."))
    if last.from_organ_id is not None and not may_handle(complaint, last.from_organ_id):
        raise Refusal(_l("The organ it came from is complained about and may not have it."), field="return_why")
    last.returned_at = clock.now()
    _give(complaint, last.from_organ_id)
    organ = db.session.get(Organ, last.from_organ_id) if last.from_organ_id else None
    add_event(complaint, "give-back", public=True, text=organ.name if organ else "", staff=staff)
    add_event(complaint, "transfer-why", public=False, text=reason, staff=staff)
    audit.record("complaint.give-back", f"complaint:{complaint.id}", staff_id=staff.id, organ_id=last.from_organ_id)
    _tell_sender(complaint)


def _tell_sender(complaint: Complaint) -> None:
    nth = sum(event.action in ("transfer", "give-back") for event in complaint.events)
    outbox.tell_sender(complaint, outbox.TRANSFERRED, nth=nth)


def set_joint(*, complaint: Complaint, staff: Staff, organ_ids: list[int]) -> None:
    """Let these organs, and no others, handle a case together with the one that leads.

    Raises Refusal when one of them leads already or may not have it.
    """
    move(complaint, "join")
    wanted, present = set(organ_ids), set(queries.list_joint(complaint))
    organs = [_get_target(complaint, organ_id, "joint_organs") for organ_id in sorted(wanted - present)]
    if wanted == present:
        raise Conflict(_l("Nothing has changed."))
    for part in [part for part in complaint.organs if part.part is OrganPart.JOINT and part.organ_id not in wanted]:
        complaint.organs.remove(part)
        db.session.delete(part)
    complaint.organs.extend(ComplaintOrgan(organ=organ, part=OrganPart.JOINT) for organ in organs)
    db.session.flush()
    names = [part.organ.name for part in complaint.organs if part.part is OrganPart.JOINT]
    add_event(complaint, "join", public=True, text="\n".join(sorted(names)), staff=staff)
    audit.record("complaint.join", f"complaint:{complaint.id}", staff_id=staff.id, organ_ids=sorted(wanted))


def _give(complaint: Complaint, organ_id: int | None) -> None:
    """Make an organ the one that leads; whoever handled the case, or joined from there, does so no more."""
    complaint.handler_organ_id, complaint.handler_id = organ_id, None
    for part in [part for part in complaint.organs if part.part is OrganPart.JOINT and part.organ_id == organ_id]:
        complaint.organs.remove(part)
        db.session.delete(part)
    db.session.flush()


def _get_target(complaint: Complaint, organ_id: int, field: str) -> Organ:
    organ = db.session.get(Organ, organ_id)
    if organ is None or organ_id not in {target.id for target in queries.list_targets(complaint, clock.today())}:
        raise Refusal(_l("This organ has the case already, is complained about, or cannot handle it."), field=field)
    return organ
