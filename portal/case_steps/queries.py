"""Reading what can be done about a complaint, by whom, as it stands."""

from portal.accounts.models import Staff
from portal.case_clocks.queries import find_waiting_extension, may_be_extended
from portal.case_clocks.service import DECIDERS
from portal.case_parts.queries import list_merged
from portal.case_steps import rules
from portal.case_transfers.queries import find_last_transfer
from portal.complaints.models import Complaint, ComplaintState
from portal.complaints.queries import get_case_type_of
from portal.complaints.rules import OPEN_STATES, allows
from portal.reply_drafts.models import DraftState
from portal.reply_drafts.queries import find_draft, list_writers

# Steps that nothing but the state decides.
BY_STATE = ("accept", "message", "transfer", "join", "split", "merge")


def list_steps(complaint: Complaint, staff: Staff) -> set[str]:
    """Return what this member of staff can do about a complaint now."""
    steps = {step for step in BY_STATE if allows(complaint.state, step)} | {"note"}
    if complaint.state in OPEN_STATES:
        steps.add("assign")
        steps |= _list_reply_steps(complaint, staff) | _list_clock_steps(complaint, staff)
        if find_last_transfer(complaint) is not None:
            steps.add("give-back")
    if list_merged(complaint):
        steps.discard("merge")
    if not complaint.anonymous and rules.may_open_identity(staff.role, staff.id, complaint.handler_id):
        steps.add("identity")
    return steps


def _list_clock_steps(complaint: Complaint, staff: Staff) -> set[str]:
    steps = set()
    if complaint.paused_on is not None:
        steps.add("resume")
    elif get_case_type_of(complaint).pausable:
        steps.add("ask")
    if complaint.state is ComplaintState.ACCEPTED:
        extension = find_waiting_extension(complaint)
        if extension is not None and staff.role in DECIDERS and staff.id != extension.asked_by_id:
            steps.add("decide-extension")
        if may_be_extended(complaint):
            steps.add("extend")
    return steps


def _list_reply_steps(complaint: Complaint, staff: Staff) -> set[str]:
    draft = find_draft(complaint)
    if draft is None or draft.state in (DraftState.WRITING, DraftState.RETURNED):
        return {"reply"}
    if draft.state is DraftState.APPROVED:
        return {"send", "take-back"}
    may_review = staff.id == draft.reviewer_id and staff.id not in list_writers(draft)
    return {"take-back", "review"} if may_review else {"take-back"}
