"""Where the public pages of complaints hang, and what a complaint is called on them.

The pages themselves are in the rooms above: `complaint_filing` and `complaint_tracking` add theirs to this blueprint.
"""

from flask import Blueprint, request

from portal.complaints.forms import CATEGORIES, KINDS
from portal.complaints.models import Complaint

blueprint = Blueprint("complaints", __name__, url_prefix="/complaints")
# A million characters of Chinese, and as many in signed answers: they are told to be too many, and kept.
MAX_TYPED = 16 * 1024 * 1024


@blueprint.url_value_preprocessor
def allow_long_texts(_endpoint: str | None, _values: object) -> None:
    """Let people type more than fits, before anything has read the form."""
    request.max_form_memory_size = MAX_TYPED


@blueprint.app_template_filter("complaint_heading")
def heading(complaint: Complaint) -> str:
    """Return what a complaint is called: its category, else its kind."""
    if complaint.title:
        return complaint.title
    known = complaint.category in CATEGORIES and complaint.category != "other"
    return str(CATEGORIES[complaint.category] if known else KINDS[complaint.kind])
