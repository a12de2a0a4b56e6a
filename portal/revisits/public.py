"""The page behind the one-time link of a text message. Opening it never uses it up: phones and scanners prefetch."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.cli import current_settings
from portal.db import db
from portal.decisions.models import DecisionKind
from portal.errors import Gone, NotFound, Refusal
from portal.i18n import say
from portal.limits import limited
from portal.revisits import queries, rules, service
from portal.revisits.forms import AnswerForm
from portal.revisits.models import Revisit

blueprint = Blueprint("revisits", __name__)

KIND_WORDS = {
    DecisionKind.INSPECTION: _l("Inspection"),
    DecisionKind.PENALTY: _l("Administrative penalty"),
    DecisionKind.PERMIT: _l("Administrative permit"),
    DecisionKind.COERCION: _l("Administrative coercion"),
}
MAX_TOKEN = 64


def open_link(token: str) -> Revisit:
    """Return the revisit that a link opens.

    Raises Gone when the link is used or its time is over. One that never existed looks like one that has ended, so
    that guessing tells nothing (NotFound).
    """
    revisit = queries.find_by_token(token) if len(token) <= MAX_TOKEN else None
    ended = _l("This link has expired, please call %(phone)s", phone=current_settings().hotline)
    if revisit is None:
        raise NotFound(ended)
    if revisit.token_used_at is not None or revisit.answered_at is not None:
        raise Gone(_l("This link has been used"))
    if revisit.token_expires_at is None or revisit.token_expires_at <= clock.now():
        raise Gone(ended)
    return revisit


@blueprint.route("/r/<token>", methods=["GET", "POST"])
@limited("link")
def answer(token: str) -> ResponseReturnValue:
    """Ask how it went, and keep the answer once."""
    try:
        revisit = open_link(token)
        if request.method == "POST":
            return keep_answer(revisit)
    except (Gone, NotFound) as refusal:
        db.session.rollback()
        return show_closed(refusal)
    return show_question(revisit, AnswerForm(formdata=None))


def keep_answer(revisit: Revisit) -> ResponseReturnValue:
    """Keep what was sent, or show what is missing; raises Gone when another answer came first."""
    if request.form.get("action") == "stop":
        kept = service.decline(revisit_id=revisit.id)
        page = render_template("public/revisits/stopped.html")
    else:
        form = AnswerForm()
        if not form.validate():
            return show_question(revisit, form), 422
        kept = service.record_answer(
            revisit_id=revisit.id,
            grade=int(form.grade.data),
            comment=(form.comment.data or "").strip(),
            call_back=bool(form.call_back.data),
            channel="link",
        )
        page = render_template("public/revisits/thanks.html", follow_up=revisit.follow_up)
    if not kept:
        raise Gone(_l("This link has been used"))
    db.session.commit()
    return page


def show_question(revisit: Revisit, form: AnswerForm) -> str:
    """Return the question: the organ, the day and the kind of what was decided, nothing else of it."""
    decision = revisit.decision
    return render_template(
        "public/revisits/question.html",
        form=form,
        organ=decision.organ,
        decided_on=decision.decided_on,
        kind=KIND_WORDS[decision.kind],
        inspection=decision.kind is DecisionKind.INSPECTION,
        max_comment=rules.MAX_COMMENT,
    )


def show_closed(refusal: Refusal) -> ResponseReturnValue:
    """Say why a link does not open."""
    return render_template("public/revisits/closed.html", message=say(refusal.message)), refusal.status
