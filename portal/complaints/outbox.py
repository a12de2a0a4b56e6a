"""What the sender of a complaint hears by text: dates only, never number, code or content."""

from typing import Any

from portal import clock
from portal.messages import outbox

RECEIVED = "complaint_received"
ACCEPTED = "complaint_accepted"
REFUSED = "complaint_refused"
ANSWERED = "complaint_answered"
MATERIAL = "complaint_material"
EXTENDED = "complaint_extended"
TRANSFERRED = "complaint_transferred"
REOPENED = "complaint_reopened"
MESSAGE = "complaint_message"


def values_for(complaint: Any) -> dict[str, str]:
    """Return what fills the texts: days as ISO dates."""
    return {
        "received_on": clock.local(complaint.received_at).date().isoformat(),
        "accept_due_on": complaint.accept_due_on.isoformat(),
        "answer_due_on": complaint.answer_due_on.isoformat(),
    }


def gets_texts(complaint: Any) -> bool:
    """Whether the sender asked for texts and can get them; who stays anonymous never does."""
    return complaint.sms_wanted and not complaint.anonymous and complaint.contact_id is not None


def tell_sender(complaint: Any, template: str, *, nth: int = 1) -> bool:
    """Put a text to the sender into the outbox, once per step and, for what can be repeated, per `nth` time.

    False when the sender gets none. A complaint that is just being written may come as its values alone.
    """
    if not gets_texts(complaint):
        return False
    return outbox.enqueue(
        key=f"{template.replace('_', '-')}:{complaint.id}" + (f":{nth}" if nth > 1 else ""),
        template=template,
        subject=f"complaint:{complaint.id}",
        contact_id=complaint.contact_id,
        values=values_for(complaint),
        priority=outbox.PRIORITY_ANSWER,
    )
