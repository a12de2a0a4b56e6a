"""Saying what a case is about, and passing it on to the organ that it belongs to. Callers commit."""

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.case_routing.queries import suggest_for
from portal.case_transfers.service import transfer
from portal.complaints.models import Complaint
from portal.complaints.queries import OPEN
from portal.complaints.service import add_event
from portal.db import db
from portal.errors import Conflict, Refusal
from portal.powers.queries import find_item


def set_power(*, complaint: Complaint, staff: Staff, code: str, street: str) -> None:
    """Say which power an open case is about, and where; an empty code means that none is known.

    Raises Refusal when there is no such power, Conflict when the case is finished.
    """
    if complaint.state not in OPEN:
        raise Conflict(_l("This step is not possible any more; below is how it stands now."))
    item = find_item(code) if code else None
    if code and item is None:
        raise Refusal(_l("There is no power with this code."), field="code")
    complaint.power_item_id, complaint.street = item.id if item else None, street
    add_event(complaint, "power", public=False, text=f"{item.code} {item.name}" if item else street, staff=staff)
    audit.record(
        "complaint.power", f"complaint:{complaint.id}", staff_id=staff.id, power_item_id=complaint.power_item_id
    )
    db.session.flush()


def pass_on(*, complaint: Complaint, staff: Staff, reason: str) -> None:
    """Pass a case on to the organ that it belongs to.

    Raises Conflict when it belongs to none, or is there already.
    """
    organ_id = suggest_for(complaint, on=clock.today()).organ_id
    if organ_id is None or organ_id == complaint.handler_organ_id:
        raise Conflict(_l("It is with the organ that it belongs to, or belongs to none."))
    transfer(complaint=complaint, staff=staff, organ_id=organ_id, reason=reason)
