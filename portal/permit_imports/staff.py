"""Staff pages that bring permits in from a spreadsheet."""

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.imports.rules import Row
from portal.imports.staff import Pages, add_pages
from portal.permit_imports.importer import PERMITS
from portal.permits.queries import Known, list_types
from portal.permits.rules import NO_END

blueprint = Blueprint("permit_imports", __name__, url_prefix="/permits/import")


def make_sample(rows: list[Row], known: Known) -> dict[str, Any]:
    """Return rows with the days that follow from them."""
    return {
        "rows": [(row, known.type_of(row), known.clock_of(row)) for row in rows],
        "types": {kind.id: kind for kind in list_types()},
        "no_end": NO_END,
    }


add_pages(
    blueprint,
    Pages(
        intake=PERMITS,
        folder="staff/permit_imports",
        home="staff.permits.index",
        section="permits",
        title=_l("Import permits"),
        records=_l("Permits"),
        show_records=_l("Show the permits"),
        sample=make_sample,
    ),
)
