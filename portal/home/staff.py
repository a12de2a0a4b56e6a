"""The first page after sign-in: what waits for this member of staff."""

from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role, Staff
from portal.accounts.rules import sees_all
from portal.calendar.queries import get_calendar
from portal.calls.queries import count_open_calls
from portal.complaint_escalation.queries import count_told
from portal.complaint_worklists.queries import count_views
from portal.decision_deadlines.queries import Span, count_due
from portal.decisions.models import DecisionState
from portal.decisions.queries import count_by_state
from portal.messages.queries import count_unread_replies
from portal.rectifications.queries import View as Grades
from portal.rectifications.queries import count_views as count_rectifications
from portal.revisits.queries import View
from portal.revisits.queries import count_views as count_revisits
from portal.risk_periods.queries import count_to_approve, count_to_hand_over
from portal.supervisions.queries import View as Orders
from portal.supervisions.queries import count_views as count_supervisions

blueprint = Blueprint("home", __name__)


@dataclass(frozen=True)
class Waiting:
    """One kind of work that waits: how much, where; `late` when some of it is overdue."""

    label: str
    count: int
    url: str
    late: bool = False


@blueprint.get("/")
def index() -> str:
    """Show what waits."""
    staff = guard.current_staff()
    waiting = [*decisions_waiting(staff), *calls_waiting(staff), *complaints_waiting(staff), *revisits_waiting(staff)]
    waiting += batches_waiting(staff)
    return render_template("staff/home/index.html", staff=staff, waiting=waiting)


def decisions_waiting(staff: Staff) -> list[Waiting]:
    """Return the decisions that wait for a second person, those that came back, and those that run late."""
    counts = count_by_state(scope=guard.scope())
    review, back = DecisionState.REVIEW, DecisionState.SENT_BACK
    rows = [
        Waiting(_("Decisions to review"), counts.get(review, 0), url_for("staff.decisions.index", state=review.value)),
        Waiting(_("Decisions sent back"), counts.get(back, 0), url_for("staff.decisions.index", state=back.value)),
    ]
    late = count_due(Span.late(clock.today()), get_calendar(), scope=guard.scope())
    number = sum(row.number for row in late)
    rows.append(Waiting(_("Decisions that run late"), number, url_for("staff.decision_deadlines.late"), late=True))
    return rows if staff.role is not Role.REVIEWER else [rows[0], rows[2]]


def calls_waiting(staff: Staff) -> list[Waiting]:
    """Return the calls to make."""
    if staff.role is Role.REVIEWER:
        return []
    return [Waiting(_("Calls to make"), count_open_calls(guard.scope(), staff), url_for("staff.calls.index"))]


def complaints_waiting(staff: Staff) -> list[Waiting]:
    """Return the complaints that are due today, late, or nobody's yet."""
    if staff.role is Role.REVIEWER:
        return []
    counts = count_views(staff, clock.today())
    words = {
        "late": _("Complaints overdue"),
        "today": _("Complaints due today"),
        "unassigned": _("Complaints to assign"),
    }
    waiting = [
        Waiting(label, counts[view], url_for("staff.complaints.index", view=view), late=view == "late")
        for view, label in words.items()
    ]
    if sees_all(staff.role):
        told, url = count_told(staff, clock.today()), url_for("staff.complaints.index", view="told")
        waiting.append(Waiting(_("Late complaints told to the supervisors"), told, url, late=True))
    return waiting + grades_waiting(staff) + supervisions_waiting(staff)


def grades_waiting(staff: Staff) -> list[Waiting]:
    """Return the bad grades of answers to put right, and those of them that run late."""
    counts, url = count_rectifications(staff, clock.today()), "staff.rectifications.index"
    late, opened = Grades.LATE, Grades.OPEN
    return [
        Waiting(_("Bad grades of answers to put right"), counts[opened], url_for(url)),
        Waiting(_("Bad grades of answers that run late"), counts[late], url_for(url, view=late.value), late=True),
    ]


def supervisions_waiting(staff: Staff) -> list[Waiting]:
    """Return the replies that the office has asked for, those that run late, and those that wait for its decision."""
    counts, url = count_supervisions(staff, clock.today()), "staff.supervisions.index"
    ordered, late, replied = Orders.ORDERED, Orders.LATE, Orders.REPLIED
    waiting = [
        Waiting(_("Replies the supervising office asked for"), counts[ordered], url_for(url)),
        Waiting(_("Replies to the office that run late"), counts[late], url_for(url, view=late.value), late=True),
    ]
    if sees_all(staff.role):
        waiting.append(Waiting(_("Replies to decide about"), counts[replied], url_for(url, view=replied.value)))
    return waiting


def batches_waiting(staff: Staff) -> list[Waiting]:
    """Return the batches of texts that nobody has handed over yet, and those that wait for this person's approval."""
    own, url = guard.scope(), url_for("staff.risk_periods.index")
    waiting = []
    if staff.role is not Role.REVIEWER:
        count = count_to_hand_over(on=clock.today(), scope=own)
        waiting.append(Waiting(_("Batches to hand over"), count, url))
    if staff.role is not Role.CLERK:
        waiting.append(Waiting(_("Batches to approve"), count_to_approve(staff_id=staff.id, scope=own), url))
    return waiting


def revisits_waiting(staff: Staff) -> list[Waiting]:
    """Return bad grades to follow up and replies to read, which the supervisors see to."""
    if not sees_all(staff.role):
        return []
    counts = count_revisits(clock.today())
    return [
        Waiting(_("Bad grades to follow up"), counts[View.DUE], url_for("staff.revisits.index", view=View.DUE.value)),
        Waiting(_("Replies to read"), count_unread_replies(staff), url_for("staff.messages.replies")),
    ]
