"""Staff page: what today asks of whoever works on cases. There is no mail and no staff number to send it to."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.accounts.rules import sees_all
from portal.calendar.queries import get_calendar
from portal.complaint_escalation import queries
from portal.complaints.queries import read_clock
from portal.rectifications.queries import View, count_views

blueprint = Blueprint("complaint_escalation", __name__, url_prefix="/complaints")


@blueprint.get("/digest")
@guard.needs(Role.CLERK, Role.SUPERVISOR)
def digest() -> ResponseReturnValue:
    """Show what came in, is due, is late and was told, and the bad grades that wait."""
    staff, today, calendar = guard.current_staff(), clock.today(), get_calendar()
    sections = queries.read_digest(staff, calendar, today)
    return render_template(
        "staff/complaint_escalation/digest.html",
        today_on=today,
        sections=sections,
        clocks={row.Complaint.id: read_clock(row.Complaint, calendar, today) for part in sections for row in part.rows},
        grades=count_views(staff, today)[View.OPEN],
        out_of_reach=queries.count_out_of_reach() if sees_all(staff.role) else 0,
    )
