"""What the public log says of one decision, for whoever wants to see that it was not changed in silence."""

from flask import Blueprint, Response, render_template
from flask_babel import lazy_gettext as _l

from portal.decisions.models import Decision, DecisionState
from portal.errors import Gone, NotFound
from portal.publication import queries
from portal.transparency import rules
from portal.transparency.public import ACTION_LABELS
from portal.transparency.queries import list_for_subject

blueprint = Blueprint("publication", __name__, url_prefix="/transparency/decisions")


@blueprint.get("/<int:decision_id>")
def show(decision_id: int) -> str:
    """Show the entries of a decision; while it is public also what was hashed, of a withdrawn one the reason."""
    entries = list_for_subject(f"{queries.SUBJECT}{decision_id}")
    if not entries:
        raise NotFound(_l("The public log has no entry about such a decision."))
    newest = entries[-1]
    decision = queries.find_said(decision_id, newest)
    return render_template(
        "public/publication/show.html",
        decision_id=decision_id,
        decision=decision,
        entries=list(reversed(entries)),
        newest=newest,
        public=decision is not None and decision.state is DecisionState.PUBLISHED,
        unchanged=decision is not None and not queries.find_fault(decision, newest),
        fields=list_fields(decision) if decision else [],
        action_labels=ACTION_LABELS,
    )


def list_fields(decision: Decision) -> list[tuple[str, str]]:
    """Return what was hashed of a decision, by the names it has there; without what is empty."""
    said = sorted(
        (name, value) for name, value in queries.logged_content(decision).items() if value not in ("", None, [])
    )
    return [(name, value if isinstance(value, str) else rules.canonical_value(value)) for name, value in said]


@blueprint.get("/<int:decision_id>/hashed.txt")
def hashed(decision_id: int) -> Response:
    """Send exactly what the newest entry has hashed: salt and content; nothing once nobody may read that."""
    entries = list_for_subject(f"{queries.SUBJECT}{decision_id}")
    decision = queries.find_said(decision_id, entries[-1]) if entries else None
    if not entries or decision is None:
        raise (
            Gone(_l("This decision is not public, so its content is not shown."))
            if entries
            else NotFound(_l("The public log has no entry about such a decision."))
        )
    answer = Response(entries[-1].salt + rules.canonical(queries.logged_content(decision)), mimetype="text/plain")
    answer.headers["Content-Disposition"] = f"attachment; filename=decision-{decision_id}.txt"
    return answer
