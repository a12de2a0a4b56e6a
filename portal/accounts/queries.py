"""Reading staff accounts and their sessions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.accounts import rules
from portal.accounts.models import SecondFactor, Staff, StaffSession
from portal.db import db
from portal.errors import NotFound
from portal.paging import Page, list_page

# By a member of staff and a column of records named like `complaint:12`: which of them they may know of.
Secret = Callable[[Staff, Any], sa.ColumnElement[bool]]
_secrets: dict[str, Secret] = {}


def keep_secret(kind: str, may_know_of: Secret) -> None:
    """Let a room above say who may know of its records where rooms below list them."""
    _secrets[kind] = may_know_of


def may_know(staff: Staff, subject: Any) -> sa.ColumnElement[bool]:
    """Return the condition under which a member of staff may know of what concerns the record in a column."""
    return sa.and_(sa.true(), *(may_know_of(staff, subject) for may_know_of in _secrets.values()))


def list_first(limit: int) -> Sequence[Staff]:
    """Return the oldest active accounts."""
    return db.session.scalars(sa.select(Staff).where(Staff.active).order_by(Staff.id).limit(limit)).all()


def list_accounts(number: int, now: datetime) -> Page[sa.Row[tuple[Staff, bool, int]]]:
    """Return a page of accounts, each with whether it has a second factor and in how many places it is signed in."""
    places = sa.select(sa.func.count()).where(_holds(now), StaffSession.staff_id == Staff.id).scalar_subquery()
    second = sa.exists().where(SecondFactor.staff_id == Staff.id)
    statement = sa.select(Staff, second.label("second_factor"), places.label("places"))
    return list_page(statement.order_by(Staff.active.desc(), Staff.name, Staff.id), number)


def find_organ_id(slug: str) -> int | None:
    """Return the id of the organ with this short name, or None."""
    organ = sa.table("organ", sa.column("id", sa.Integer), sa.column("slug", sa.Text))
    return db.session.scalar(sa.select(organ.c.id).where(organ.c.slug == slug))


def find_name(staff_id: int | None) -> str:
    """Return the name of a member of staff, empty when there is none."""
    staff = db.session.get(Staff, staff_id) if staff_id is not None else None
    return staff.name if staff else ""


def find_by_email(email: str) -> Staff | None:
    """Return the account with an address, switched off or not, or None."""
    return db.session.scalar(sa.select(Staff).where(Staff.email == email.strip().lower()))


def get_account(staff_id: int) -> Staff:
    """Return an account; NotFound when there is none."""
    staff = db.session.get(Staff, staff_id)
    if staff is None:
        raise NotFound("")
    return staff


def has_second_factor(staff_id: int) -> bool:
    """Whether somebody is asked for a code after the password."""
    return bool(db.session.scalar(sa.select(sa.exists().where(SecondFactor.staff_id == staff_id))))


def find_session(token_hash: bytes, now: datetime) -> tuple[Staff, StaffSession] | None:
    """Return whom a session's token stands for, and the session, in one query; None when it holds no more."""
    statement = sa.select(Staff, StaffSession).join(StaffSession, StaffSession.staff_id == Staff.id)
    found = db.session.execute(statement.where(StaffSession.token_hash == token_hash)).first()
    if found is None:
        return None
    staff, place = found
    holds = staff.active and place.epoch == staff.session_epoch
    return (staff, place) if holds and not rules.is_over(place.started_at, place.used_at, now) else None


def list_sessions(staff_id: int, now: datetime) -> Sequence[StaffSession]:
    """Return where somebody is signed in, the place used last first."""
    statement = sa.select(StaffSession).join(Staff, StaffSession.staff_id == Staff.id)
    statement = statement.where(_holds(now), Staff.id == staff_id)
    return db.session.scalars(statement.order_by(StaffSession.used_at.desc(), StaffSession.id.desc())).all()


def _holds(now: datetime) -> sa.ColumnElement[bool]:
    """Return what rules.is_over says, and that nobody has ended it, as a condition over sessions and their staff."""
    return sa.and_(
        StaffSession.epoch == Staff.session_epoch,
        StaffSession.started_at > now - rules.SESSION_ENDS,
        StaffSession.used_at > now - rules.SESSION_LASTS - rules.USE_IS_NOTED,
    )
