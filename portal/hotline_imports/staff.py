"""Staff pages that bring tickets of the hotline in from a spreadsheet.

A file of tickets is about every organ, so only those who supervise them all may open one.
"""

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts.models import Role
from portal.complaints.forms import KINDS
from portal.hotline_imports.importer import TICKETS
from portal.hotline_imports.queries import Known
from portal.imports.rules import Row
from portal.imports.staff import Pages, add_pages

blueprint = Blueprint("hotline_imports", __name__, url_prefix="/complaints/import")


def make_sample(rows: list[Row], _known: Known) -> dict[str, Any]:
    """Return rows with the names of their kinds."""
    return {"rows": rows, "kinds": KINDS}


add_pages(
    blueprint,
    Pages(
        intake=TICKETS,
        folder="staff/hotline_imports",
        home="staff.complaints.index",
        section="complaints",
        title=_l("Import tickets of the hotline"),
        records=_l("Complaints"),
        show_records=_l("Show the complaints"),
        sample=make_sample,
        roles=(Role.SUPERVISOR,),
    ),
)
