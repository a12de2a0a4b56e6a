"""Opening and closing accountability records. Callers hold the case's row locked, and commit."""

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accountability import queries, rules
from portal.accountability.models import Accountability
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.complaints.models import Complaint
from portal.complaints.service import add_event
from portal.db import db
from portal.errors import Refusal, TransitionError


def open_record(*, complaint: Complaint, staff: Staff, ground: str, facts: str) -> Accountability:
    """Open a record on one of the grounds of the regulation.

    Raises TransitionError when the case is not about conduct or nothing was found, Refusal for an unknown ground.
    """
    if not rules.may_open(finding=complaint.finding, delicate=complaint.delicate):
        raise TransitionError(_l("Only a founded case about how officials acted can open a record."))
    if ground not in queries.load_grounds():
        raise Refusal(_l("Choose a ground"), field="ground")
    record = Accountability(
        complaint_id=complaint.id,
        complaint=complaint,
        organ_id=complaint.organ_id,
        ground=ground,
        opened_by_id=staff.id,
    )
    record.facts = facts
    db.session.add(record)
    add_event(complaint, "account-open", public=False, staff=staff)
    audit.record("complaint.account-open", f"complaint:{complaint.id}", staff_id=staff.id, ground=ground)
    return record


def close_record(*, complaint: Complaint, staff: Staff, record_id: int, measure: str, outcome: str) -> None:
    """Close a record with the measure that was decided.

    Raises NotFound, TransitionError when it is closed, Refusal for a measure that does not fit its ground.
    """
    record = queries.get_record(complaint, record_id)
    if record.closed_at is not None:
        raise TransitionError(_l("This step is not possible any more; below is how it stands now."))
    chosen = queries.load_measures().get(measure)
    if chosen is None or not rules.fits(queries.load_grounds()[record.ground], chosen):
        raise Refusal(_l("Choose a measure that fits the ground"), field="measure")
    record.measure, record.outcome = measure, outcome
    record.closed_at, record.closed_by_id = clock.now(), staff.id
    add_event(complaint, "account-close", public=False, staff=staff)
    audit.record("complaint.account-close", f"complaint:{complaint.id}", staff_id=staff.id, measure=measure)
