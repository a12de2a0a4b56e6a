"""The red list: what runs late in publishing, withdrawing and answering, and what is due next."""

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts import guard
from portal.accounts.rules import sees_all
from portal.calendar.queries import get_calendar
from portal.calendar.rules import read_clock
from portal.decision_deadlines import queries
from portal.decisions import rules as decision_rules
from portal.decisions import staff as decision_pages
from portal.decisions.forms import KIND_LABELS
from portal.organs.queries import list_names
from portal.paging import page_number, whole_number

blueprint = Blueprint("decision_deadlines", __name__, url_prefix="/decisions")

TASK_LABELS = {
    "publish": _l("Publish"),
    "withdrawal": _l("Withdraw"),
    "objection": _l("Answer an objection"),
    "repair": _l("Decide on credit repair"),
}


@blueprint.get("/late")
def late() -> str:
    """Show what runs late, or what is due next."""
    calendar, today, scope = get_calendar(), clock.today(), guard.scope()
    spans = {"late": queries.Span.late(today), "soon": queries.Span.soon(calendar, today)}
    view = request.args.get("view") if request.args.get("view") in spans else "late"
    organ_id = whole_number(request.args.get("organ")) if scope is None else None
    number = page_number(request.args.get("page"))
    return render_template(
        "staff/decision_deadlines/late.html",
        page=queries.list_due(spans[view or "late"], calendar, scope=scope, organ_id=organ_id, number=number),
        counts={name: queries.count_due(span, calendar, scope=scope) for name, span in spans.items()},
        view=view,
        organ_id=organ_id,
        organs=list_names() if sees_all(guard.current_staff().role) else [],
        clock_of=lambda row: read_clock(calendar, row.began_on, days_for(row), today),
        party_name=decision_pages.name_for_staff,
        task_labels=TASK_LABELS,
        kind_labels=KIND_LABELS,
    )


def days_for(row: object) -> int:
    """Return how many working days a task of the red list has."""
    task, kind = getattr(row, "task", ""), getattr(row, "kind", "")
    return decision_rules.publish_within(kind) if task == "publish" else decision_rules.CLOCKS[task]
