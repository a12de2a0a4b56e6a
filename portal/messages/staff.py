"""What was sent and what came back, for the legal office: the monitor and the box of unread replies."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.calendar.queries import get_calendar
from portal.cli import current_settings
from portal.db import db
from portal.errors import Conflict, NotFound
from portal.messages import queries, rules, service
from portal.messages.forms import AgainForm, HandleForm
from portal.messages.models import Message, MessageState, Reply
from portal.paging import page_number

blueprint = Blueprint("messages", __name__, url_prefix="/messages")


# The parts of a bar, and the states that each holds.
PARTS = {
    "waiting": (MessageState.QUEUED,),
    "under_way": (MessageState.SENDING, MessageState.ACCEPTED),
    "arrived": (MessageState.DELIVERED,),
    "trouble": queries.UNSETTLED,
}
BAR = 320
MINUTE = timedelta(minutes=1)
# Due for so long while nothing sends, somebody has to look.
STUCK_AFTER = timedelta(minutes=2)


def asked_states() -> tuple[MessageState, ...]:
    """Return the states that the address filters by, `unsettled` being several; nonsense filters nothing."""
    asked = request.args.get("state", "")
    if asked == "unsettled":
        return queries.UNSETTLED
    return (MessageState(asked),) if asked in set(MessageState) else ()


def require_known(found: Message | Reply | None) -> None:
    """Raise NotFound when something is not there, or concerns a record that this member of staff must not know of."""
    if found is None:
        raise NotFound("")


def read_queue() -> dict[str, object]:
    """Return what the queue's part of the page shows."""
    now, settings = clock.now(), current_settings()
    standing = queries.count_standing(now, today_from=clock.start_of(clock.today()))
    providers = sorted({item.provider for item in standing})
    counts = {
        name: {
            part: sum(item.count for item in standing if item.provider == name and item.state in states)
            for part, states in PARTS.items()
        }
        for name in providers
    }
    lasts = {item: now - item.oldest for item in standing}
    return {
        "standing": standing,
        "providers": providers,
        "totals": {part: sum(row[part] for row in counts.values()) for part in PARTS},
        "bars": rules.stack(list(counts.values()), tuple(PARTS), BAR),
        "ages": {item: format_timedelta(age, "minute" if age >= MINUTE else "second") for item, age in lasts.items()},
        "stuck": any(item.state is MessageState.QUEUED and lasts[item] > STUCK_AFTER for item in standing),
        "hold": rules.find_hold(clock.local(now), settings.sms_quiet_hours, settings.sms_hold_days, get_calendar()),
        "capped_today": queries.count_capped_today(now),
        "gates": {gate.provider: gate for gate in queries.list_gates()},
        "named": settings.sms_providers,
        "rates": settings.sms_rates,
        "dispatchers": queries.count_dispatchers(now),
    }


@blueprint.get("/")
@guard.needs(Role.SUPERVISOR)
def index() -> ResponseReturnValue:
    """Show the queue as it stands, and the messages, of all states or of some."""
    states, staff = asked_states(), guard.current_staff()
    return render_template(
        "staff/messages/index.html",
        state=request.args.get("state", "") if states else "",
        states=MessageState,
        page=queries.list_messages(page_number(request.args.get("page")), staff, states=states),
        unread=queries.count_unread_replies(staff),
        **read_queue(),
    )


@blueprint.get("/queue")
@guard.needs(Role.SUPERVISOR)
def queue() -> ResponseReturnValue:
    """Show the queue alone, for the script that keeps the page up to date."""
    return render_template("staff/messages/_queue.html", **read_queue())


@blueprint.post("/<int:message_id>/open")
@guard.needs(Role.SUPERVISOR)
def open_message(message_id: int) -> ResponseReturnValue:
    """Show a message's number and text; that it was opened is recorded."""
    require_known(queries.find_known(message_id, guard.current_staff()))
    message = service.open_message(message_id=message_id, staff_id=guard.current_staff().id)
    page = render_template(
        "staff/messages/message.html",
        message=message,
        text=rules.hide_tokens(message.text),
        may_go_again=message.state in service.SENT_AGAIN_FROM,
    )
    db.session.commit()
    return page


@blueprint.route("/<int:message_id>/again", methods=["GET", "POST"])
@guard.needs(Role.SUPERVISOR)
def send_again(message_id: int) -> ResponseReturnValue:
    """Ask why a message shall be sent once more, and put it back into the queue."""
    require_known(queries.find_known(message_id, guard.current_staff()))
    form, status = AgainForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                service.send_again(message_id=message_id, reason=form.reason.data, staff_id=guard.current_staff().id)
            except Conflict as refusal:
                db.session.rollback()
                form.reason.errors, status = [refusal.message], refusal.status
            else:
                flash(_("The message is back in the queue."), "good")
                db.session.commit()
                return redirect(url_for(".index"))
    message = queries.get_message(message_id)
    return render_template("staff/messages/again.html", message=message, form=form), status


@blueprint.get("/replies")
@guard.needs(Role.SUPERVISOR)
def replies() -> ResponseReturnValue:
    """Show the replies that no machine could act on, or those that are dealt with."""
    handled = request.args.get("view") == "handled"
    page = queries.list_replies(page_number(request.args.get("page")), guard.current_staff(), handled=handled)
    return render_template("staff/messages/replies.html", page=page, handled=handled)


@blueprint.post("/replies/<int:reply_id>/open")
@guard.needs(Role.SUPERVISOR)
def open_reply(reply_id: int) -> ResponseReturnValue:
    """Show a reply's number and text; that it was opened is recorded."""
    require_known(queries.find_known_reply(reply_id, guard.current_staff()))
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
    require_known(queries.find_known_reply(reply_id, guard.current_staff()))
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
