"""Asking, keeping the answer, and the work that a bad grade opens."""

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.cli import current_settings
from portal.contacts.models import Contact
from portal.db import db, upsert
from portal.errors import TransitionError
from portal.messages import outbox
from portal.messages import service as messages
from portal.messages.models import MessageState
from portal.revisits import rules
from portal.revisits.models import FollowUp, Revisit, RevisitState
from portal.revisits.queries import get_revisit
from portal.security import link_token, token_hash

OPEN = (RevisitState.PLANNED, RevisitState.ASKED, RevisitState.PERSON)
NO_CONTACT = "no_contact"


def plan_revisit(
    *, decision_id: int, decided_on: date, contact_id: int | None, opted_out: bool, asked_on: date
) -> RevisitState | None:
    """Open the revisit of a decision and ask by text, or leave it to a person where no text may go.

    Returns the state of the new revisit, or None when there is one already.
    """
    reachable = contact_id is not None and not opted_out
    state = RevisitState.ASKED if reachable else RevisitState.PERSON
    row = {
        "decision_id": decision_id,
        "contact_id": contact_id,
        "state": state,
        "due_on": rules.due_on(decided_on),
        "channel": "",
        "comment": "",
        "call_back": False,
        "created_at": clock.now(),
    }
    statement = upsert(Revisit).values(row).on_conflict_do_nothing(index_elements=["decision_id"])
    revisit_id = db.session.scalar(statement.returning(Revisit.id))
    if revisit_id is None:
        return None
    ends_at = clock.start_of(rules.link_ends_on(asked_on))
    if reachable:
        db.session.execute(
            sa.update(Revisit)
            .where(Revisit.id == revisit_id)
            .values(token_hash=token_hash(link_token("revisit", str(revisit_id))), token_expires_at=ends_at)
        )
    outbox.enqueue(
        key=f"revisit:{decision_id}",
        template="revisit",
        subject=f"revisit:{revisit_id}",
        contact_id=contact_id,
        values={
            "decided_on": decided_on.isoformat(),
            "link_until": (rules.link_ends_on(asked_on) - timedelta(days=1)).isoformat(),
        },
        due_at=clock.start_of(asked_on),
        expires_at=ends_at,
        state=MessageState.QUEUED if reachable else MessageState.SUPPRESSED,
        reason="" if reachable else (messages.OPTED_OUT if contact_id else NO_CONTACT),
    )
    return state


def link_for(revisit_id: int) -> str:
    """Return the address of a revisit's one-time page; it is computed, never stored."""
    return f"{current_settings().public_url}/r/{link_token('revisit', str(revisit_id))}"


def pass_to_person(revisit_id: int) -> bool:
    """Leave a question that no text can carry to a person; False when it is answered or with a person already."""
    passed = db.session.execute(
        sa.update(Revisit)
        .where(Revisit.id == revisit_id, Revisit.state.in_([RevisitState.PLANNED, RevisitState.ASKED]))
        .values(state=RevisitState.PERSON)
        .returning(Revisit.id)
    )
    return passed.first() is not None


def pass_silent_to_person(now: datetime) -> int:
    """Leave every question whose link has ended without an answer to a person; return how many that were."""
    passed = db.session.execute(
        sa.update(Revisit)
        .where(Revisit.state == RevisitState.ASKED, Revisit.token_expires_at <= now)
        .values(state=RevisitState.PERSON)
        .returning(Revisit.id)
    )
    return len(passed.all())


def record_answer(
    *,
    revisit_id: int,
    grade: int,
    channel: str,
    comment: str = "",
    call_back: bool = False,
    staff_id: int | None = None,
) -> bool:
    """Keep the first answer to a revisit; False when there is one already, which stays.

    `grade` is 5 (best) to 1; `channel` is sms, link or phone. A bad grade, or a wish for a call, opens a follow-up.
    """
    now = clock.now()
    kept = db.session.execute(
        sa.update(Revisit)
        .where(Revisit.id == revisit_id, Revisit.answered_at.is_(None), Revisit.state.in_(OPEN))
        .values(
            state=RevisitState.ANSWERED,
            grade=grade,
            comment=comment,
            channel=channel,
            call_back=call_back,
            answered_at=now,
            token_used_at=sa.func.coalesce(Revisit.token_used_at, now),
        )
        .returning(Revisit.id)
        .execution_options(synchronize_session=False)
    ).first()
    if kept is None:
        return False
    revisit = get_revisit(revisit_id)
    db.session.refresh(revisit)
    outbox.void(f"revisit:{revisit_id}", reason="answered")
    audit.record("revisit.answered", f"revisit:{revisit_id}", staff_id=staff_id, channel=channel, grade=grade)
    if rules.is_bad(grade) or call_back:
        _open_follow_up(revisit)
    return True


def _open_follow_up(revisit: Revisit) -> None:
    calendar, today = get_calendar(), clock.today()
    contact_due_on = calendar.add_working_days(today, rules.CONTACT_WORKING_DAYS).day
    revisit.follow_up = FollowUp(
        contact_due_on=contact_due_on, due_on=calendar.add_working_days(today, rules.RECTIFY_WORKING_DAYS).day
    )
    db.session.flush()
    if revisit.contact_id is not None and revisit.channel != "phone":
        outbox.enqueue(
            key=f"low-grade:{revisit.id}",
            template="low_grade",
            subject=f"revisit:{revisit.id}",
            contact_id=revisit.contact_id,
            values={"call_by": contact_due_on.isoformat()},
            priority=outbox.PRIORITY_ANSWER,
        )


def stop_texts(*, contact: Contact, key: str) -> None:
    """Stop reminders to a number; revisits that were about to be asked there go to a person."""
    for subject in messages.stop_reminders(contact=contact, key=key):
        kind, _colon, number = subject.partition(":")
        if kind == "revisit":
            pass_to_person(int(number))


def decline(*, revisit_id: int) -> bool:
    """Note that a link reached the wrong person: no more texts go there, a person takes over; False when used."""
    used = db.session.execute(
        sa.update(Revisit)
        .where(Revisit.id == revisit_id, Revisit.token_used_at.is_(None), Revisit.answered_at.is_(None))
        .values(token_used_at=clock.now(), state=RevisitState.PERSON)
        .returning(Revisit.id)
        .execution_options(synchronize_session=False)
    ).first()
    if used is None:
        return False
    revisit = get_revisit(revisit_id)
    db.session.refresh(revisit)
    if revisit.contact is not None:
        stop_texts(contact=revisit.contact, key=f"revisit-{revisit_id}")
    audit.record("revisit.declined", f"revisit:{revisit_id}")
    return True


def mark_contacted(*, revisit_id: int, staff_id: int) -> None:
    """Note that somebody has spoken with the party; raises TransitionError when there is nothing to do."""
    follow_up = _get_open_follow_up(revisit_id)
    if follow_up.contacted_at is not None:
        raise TransitionError(_l("Somebody else has noted the contact already."))
    follow_up.contacted_at = clock.now()
    audit.record("follow_up.contacted", f"revisit:{revisit_id}", staff_id=staff_id)


def close_follow_up(*, revisit_id: int, answer: str, staff_id: int) -> None:
    """Close a follow-up with what was done; raises TransitionError when it is not open or nobody was contacted."""
    follow_up = _get_open_follow_up(revisit_id)
    if follow_up.contacted_at is None:
        raise TransitionError(_l("Contact the party first, then close."), field="answer")
    follow_up.answer = answer
    follow_up.closed_at = clock.now()
    follow_up.closed_by_id = staff_id
    follow_up.revisit.state = RevisitState.CLOSED
    audit.record("follow_up.closed", f"revisit:{revisit_id}", staff_id=staff_id)


def _get_open_follow_up(revisit_id: int) -> FollowUp:
    follow_up = get_revisit(revisit_id).follow_up
    if follow_up is None or follow_up.closed_at is not None:
        raise TransitionError(_l("There is no open follow-up here."))
    return follow_up
