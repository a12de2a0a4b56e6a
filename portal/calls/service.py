"""What happens to calls: they are asked for, made, or no longer needed."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.calls import rules
from portal.calls.models import Call
from portal.calls.queries import get_call
from portal.db import db, upsert
from portal.errors import Conflict

# Why somebody is called: at their own wish, because no text arrived, or because they want none.
ASKED, UNDELIVERED, OPTED_OUT = "asked", "undelivered", "opted_out"


def ask_for_call(
    *,
    subject: str,
    reason: str,
    message_id: int | None = None,
    party_id: int | None = None,
    organ_id: int | None = None,
    contact_id: int | None = None,
) -> bool:
    """Put somebody on the call list, due on the next working day; False when the call is on it already.

    About a complaint nothing is kept but the complaint: who may open it finds the sender there.
    """
    private = rules.is_private(subject)
    row = {
        "key": rules.call_key(subject, reason, message_id),
        "subject": subject,
        "party_id": None if private else party_id,
        "organ_id": None if private else organ_id,
        "contact_id": None if private else contact_id,
        "message_id": message_id,
        "reason": reason,
        "due_on": get_calendar().add_working_days(clock.today(), 1).day,
        "result": "",
        "created_at": clock.now(),
    }
    statement = upsert(Call).values(row).on_conflict_do_nothing(index_elements=["key"]).returning(Call.id)
    return db.session.execute(statement).first() is not None


def drop_call(*, message_id: int, reason: str) -> None:
    """Take an open call off the list, because its message arrived after all."""
    db.session.execute(
        sa.delete(Call)
        .where(Call.message_id == message_id, Call.reason == reason, Call.done_at.is_(None))
        .execution_options(synchronize_session=False)
    )


def drop_calls(subject: str) -> None:
    """Take the open calls about a record off the list, because nobody shall hear of it any more."""
    db.session.execute(
        sa.delete(Call)
        .where(Call.subject == subject, Call.done_at.is_(None))
        .execution_options(synchronize_session=False)
    )


def finish_call(*, call_id: int, result: str, staff: Staff, organ_id: int | None = None) -> Call:
    """Tick a call off with what came of it; raises Conflict when somebody else has done so."""
    call = get_call(call_id, organ_id, staff)
    finished = db.session.execute(
        sa.update(Call)
        .where(Call.id == call_id, Call.done_at.is_(None))
        .values(done_at=clock.now(), done_by_id=staff.id, result=result)
        .returning(Call.id)
        .execution_options(synchronize_session=False)
    ).first()
    if finished is None:
        raise Conflict(_l("Somebody else has made this call meanwhile."))
    db.session.refresh(call)
    audit.record("call.made", call.subject, staff_id=staff.id, call_id=call_id)
    return call
