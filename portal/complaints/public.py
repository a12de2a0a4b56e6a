"""Where the public pages of complaints hang, and what a complaint is called on them.

The pages themselves are in the rooms above: `complaint_filing` and `complaint_tracking` add theirs to this blueprint.
"""

from flask import Blueprint

from portal.complaints.forms import CATEGORIES, KINDS
from portal.complaints.models import Complaint

blueprint = Blueprint("complaints", __name__, url_prefix="/complaints")


@blueprint.app_template_filter("complaint_heading")
def heading(complaint: Complaint) -> str:
    """Return what a complaint is called: its category, else its kind."""
    if complaint.title:
        return complaint.title
    known = complaint.category in CATEGORIES and complaint.category != "other"
    return str(CATEGORIES[complaint.category] if known else KINDS[complaint.kind])
