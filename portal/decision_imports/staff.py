"""Staff pages that bring decisions in from a spreadsheet."""

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts import guard
from portal.accounts.models import Role
from portal.decision_imports.importer import DECISIONS
from portal.decision_imports.queries import Known
from portal.decision_imports.rules import make_title
from portal.decisions.forms import KIND_LABELS
from portal.imports.rules import Row
from portal.imports.staff import Pages, add_pages

blueprint = Blueprint("decision_imports", __name__, url_prefix="/decisions/import")

NO_ORGAN = 0


def find_scope() -> int | None:
    """Return the only organ whose decisions may be imported; administrators alone may import those of all.

    Whoever imports reads the originals, and those only the organ itself sees.
    """
    staff = guard.current_staff()
    return None if staff.role is Role.ADMIN else staff.organ_id or NO_ORGAN


def make_sample(rows: list[Row], _known: Known) -> dict[str, Any]:
    """Return rows with the titles they will have."""
    titles = {row.number: row.values.get("title") or make_title(row, row.values["decision_kind"]) for row in rows}
    return {"rows": rows, "titles": titles, "kinds": KIND_LABELS}


add_pages(
    blueprint,
    Pages(
        intake=DECISIONS,
        folder="staff/decision_imports",
        home="staff.decisions.index",
        section="decisions",
        title=_l("Import decisions"),
        records=_l("Publication of decisions"),
        show_records=_l("Show the decisions"),
        sample=make_sample,
        scope=find_scope,
    ),
)
