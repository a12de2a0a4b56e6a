"""What was sent and what came back, for the legal office: the monitor and the box of unread replies."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.db import db
from portal.errors import Conflict
from portal.messages import queries, rules, service
from portal.messages.forms import HandleForm
from portal.messages.models import MessageState
from portal.paging import page_number

blueprint = Blueprint("messages", __name__, url_prefix="/messages")


def asked_state() -> MessageState | None:
    """Return the state that the address filters by; nonsense filters nothing."""
    try:
        return MessageState(request.args.get("state", ""))
    except ValueError:
        return None


@blueprint.get("/")
@guard.needs(Role.SUPERVISOR)
def index() -> ResponseReturnValue:
    """Show the outbox, with a count for each state."""
    state = asked_state()
    return render_template(
        "staff/messages/index.html",
        counts=queries.count_by_state(),
        state=state,
        page=queries.list_messages(page_number(request.args.get("page")), state=state),
        oldest=queries.find_oldest_queued(clock.now()),
        unread=queries.count_unread_replies(),
    )


@blueprint.post("/<int:message_id>/open")
@guard.needs(Role.SUPERVISOR)
def open_message(message_id: int) -> ResponseReturnValue:
    """Show a message's number and text; that it was opened is recorded."""
    message = service.open_message(message_id=message_id, staff_id=guard.current_staff().id)
    page = render_template("staff/messages/message.html", message=message, text=rules.hide_tokens(message.text))
    db.session.commit()
    return page


@blueprint.get("/replies")
@guard.needs(Role.SUPERVISOR)
def replies() -> ResponseReturnValue:
    """Show the replies that no machine could act on, or those that are dealt with."""
    handled = request.args.get("view") == "handled"
    page = queries.list_replies(page_number(request.args.get("page")), handled=handled)
    return render_template("staff/messages/replies.html", page=page, handled=handled)


@blueprint.post("/replies/<int:reply_id>/open")
@guard.needs(Role.SUPERVISOR)
def open_reply(reply_id: int) -> ResponseReturnValue:
    """Show a reply's number and text; that it was opened is recorded."""
    reply = service.open_reply(reply_id=reply_id, staff_id=guard.current_staff().id)
    page = render_template("staff/messages/reply.html", reply=reply, form=HandleForm(formdata=None))
    db.session.commit()
    return page


@blueprint.post("/replies/<int:reply_id>/handle")
@guard.needs(Role.SUPERVISOR)
def handle_reply(reply_id: int) -> ResponseReturnValue:
    """Note what was done about a reply."""
    form = HandleForm()
    staff_id = guard.current_staff().id
    if form.validate():
        try:
            service.handle_reply(reply_id=reply_id, note=form.note.data, staff_id=staff_id)
        except Conflict as refusal:
            db.session.rollback()
            form.note.errors = [refusal.message]
        else:
            flash(_("The reply is marked as dealt with."), "good")
            db.session.commit()
            return redirect(url_for("staff.messages.replies"))
    reply = service.open_reply(reply_id=reply_id, staff_id=staff_id)
    page = render_template("staff/messages/reply.html", reply=reply, form=form)
    db.session.commit()
    return page, 422
