"""Published cases and answers, and the sender's consent on the page of their own case.

Not under `/complaints/`: everything there is one reader's own and kept nowhere; this is for everybody, and is kept
until anything public changes.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.complaint_publication import queries, service
from portal.complaint_publication.forms import KIND_LABELS, ConsentForm
from portal.complaint_publication.models import EditionState
from portal.complaint_publication.queries import Wanted
from portal.complaints import guard
from portal.complaints.models import Complaint, ComplaintKind
from portal.complaints.public import blueprint as complaints
from portal.db import db
from portal.paging import page_number, whole_number

blueprint = Blueprint("answers", __name__, url_prefix="/answers")


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """List what is published, newest first."""
    args = request.args
    wanted = Wanted(
        kind=next((kind for kind in ComplaintKind if kind == args.get("kind")), None),
        organ_id=whole_number(args.get("organ")) or None,
    )
    kept: dict[str, Any] = {"kind": wanted.kind.value if wanted.kind else None, "organ": wanted.organ_id}
    return render_template(
        "public/answers/index.html",
        page=queries.list_answers(wanted, page_number(args.get("page"))),
        wanted=wanted,
        organs=queries.list_answer_organs(),
        kind_labels=KIND_LABELS,
        address=lambda number: url_for("answers.index", **kept, page=number),
    )


@blueprint.get("/<int:answer_id>")
def show(answer_id: int) -> str:
    """Show one question and its answer."""
    answer = queries.get_answer(answer_id)
    return render_template("public/answers/show.html", answer=answer, kind_labels=KIND_LABELS)


@complaints.post("/case/consent")
def consent() -> ResponseReturnValue:
    """Keep whether the sender of the open case agrees to its publication."""
    complaint_id = guard.find_place(guard.CASE)
    if complaint_id is None:
        return redirect(url_for("complaints.track"))
    agrees = ConsentForm().agrees.data == "yes"
    service.set_consent(complaint_id=complaint_id, agrees=agrees)
    db.session.commit()
    flash(_("Thank you, received") if agrees else _("Withdrawn. Nothing of your case is public any more."), "good")
    return redirect(url_for("complaints.case"))


@complaints.app_template_global("find_published_answer")
def find_published_answer(complaint: Complaint) -> int | None:
    """Return the id under which a case is published, for its sender."""
    edition = queries.find_edition(complaint)
    return edition.published_id if edition and edition.state is EditionState.RELEASED else None
