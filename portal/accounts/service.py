"""Creating and changing staff, signing them in, and where they are signed in."""

import hashlib
import secrets

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts import rules
from portal.accounts.models import Role, Staff, StaffSession
from portal.audit import service as audit
from portal.db import db
from portal.errors import Conflict, Refusal, TooMany
from portal.security import check_password, hash_password


def create_staff(*, email: str, name: str, role: Role, password: str, organ_id: int | None = None) -> Staff:
    """Create an account.

    Raises Refusal when the password is too short, Conflict when the address is taken.
    """
    _refuse_short(password)
    address = email.strip().lower()
    if db.session.scalar(sa.select(Staff.id).where(Staff.email == address)):
        raise Conflict(_l("There is already an account with this address."), field="email")
    staff = Staff(email=address, name=name, role=role, password_hash=hash_password(password), organ_id=organ_id)
    db.session.add(staff)
    db.session.flush()
    audit.record("staff.create", f"staff:{staff.id}", role=role.value)
    return staff


def _refuse_short(password: str) -> None:
    if len(password) < rules.MIN_PASSWORD:
        raise Refusal(_l("A password needs at least 12 characters."), field="password")


def check_sign_in(*, email: str, password: str) -> Staff | None:
    """Return the account that address and password open, or None; counts failures.

    Raises TooMany while the account is locked; the lock says nothing about whether the password was right.
    """
    staff = db.session.scalar(sa.select(Staff).where(Staff.email == email.strip().lower(), Staff.active))
    if staff is None:
        check_password(None, password)
        return None
    return staff if confirm_password(staff=staff, password=password) else None


def confirm_password(*, staff: Staff, password: str) -> bool:
    """Whether a password is somebody's; counts failures, the caller commits them.

    Raises TooMany while the account is locked.
    """
    now = clock.now()
    if staff.locked_until and staff.locked_until > now:
        raise TooMany(_l("Too many wrong tries."), retry_at=staff.locked_until)
    if check_password(staff.password_hash, password):
        staff.failed_attempts = 0
        staff.locked_until = None
        return True
    staff.failed_attempts += 1
    staff.locked_until = rules.lock_after(staff.failed_attempts, now)
    if staff.locked_until:
        audit.record("staff.locked", f"staff:{staff.id}")
    return False


def change_password(*, staff: Staff, password: str, by: Staff | None = None) -> None:
    """Give an account another password, which ends its sessions.

    Raises Refusal when it is too short.
    """
    _refuse_short(password)
    staff.password_hash = hash_password(password)
    _changed("staff.password", staff, by)


def change_role(*, staff: Staff, role: Role, organ_id: int | None, by: Staff | None = None) -> None:
    """Give an account another role or organ, which ends its sessions."""
    staff.role, staff.organ_id = role, organ_id
    _changed("staff.role", staff, by, role=role.value)


def switch(*, staff: Staff, active: bool, by: Staff | None = None) -> None:
    """Switch an account off, which ends its sessions, or on again."""
    staff.active = active
    _changed("staff.switch_on" if active else "staff.switch_off", staff, by)


def _changed(action: str, staff: Staff, by: Staff | None, **details: str) -> None:
    db.session.flush()
    audit.record(action, f"staff:{staff.id}", staff_id=by.id if by else None, **details)


def hash_token(token: str) -> bytes:
    """Return what is kept of a session's token; it is random enough to need no key."""
    return hashlib.sha256(token.encode()).digest()


def start_session(*, staff: Staff, second_factor: bool) -> str:
    """Sign somebody in at one more place and return the token that its browser keeps."""
    now = clock.now()
    _forget_over(staff)
    token = secrets.token_urlsafe(32)
    place = StaffSession(
        staff_id=staff.id,
        token_hash=hash_token(token),
        epoch=staff.session_epoch,
        second_factor=second_factor,
        started_at=now,
        used_at=now,
    )
    db.session.add(place)
    staff.last_sign_in_at = now
    db.session.flush()
    audit.record("staff.sign_in", f"staff:{staff.id}", staff_id=staff.id, second_factor=second_factor)
    return token


def _forget_over(staff: Staff) -> None:
    now = clock.now()
    over = sa.or_(
        StaffSession.epoch != staff.session_epoch,
        StaffSession.started_at <= now - rules.SESSION_ENDS,
        StaffSession.used_at <= now - rules.SESSION_LASTS - rules.USE_IS_NOTED,
    )
    db.session.execute(sa.delete(StaffSession).where(StaffSession.staff_id == staff.id, over))


def note_use(*, session_id: int) -> None:
    """Keep that a place was used just now."""
    db.session.execute(sa.update(StaffSession).where(StaffSession.id == session_id).values(used_at=clock.now()))


def sign_out(*, staff: Staff, session_id: int) -> None:
    """End one place where somebody is signed in: a copied cookie opens nothing any more.

    A number that is not theirs ends nothing.
    """
    mine = StaffSession.staff_id == staff.id
    db.session.execute(sa.delete(StaffSession).where(mine, StaffSession.id == session_id))
    audit.record("staff.sign_out", f"staff:{staff.id}", staff_id=staff.id)


def end_other_sessions(*, staff: Staff, session_id: int, second_factor: bool | None = None) -> None:
    """End every place but one where somebody is signed in; that one may have passed a second factor meanwhile."""
    mine = StaffSession.staff_id == staff.id
    db.session.execute(sa.delete(StaffSession).where(mine, StaffSession.id != session_id))
    if second_factor is not None:
        here = sa.update(StaffSession).where(mine, StaffSession.id == session_id)
        db.session.execute(here.values(second_factor=second_factor))
    audit.record("staff.end_other_sessions", f"staff:{staff.id}", staff_id=staff.id)


def end_sessions(*, staff: Staff, by: Staff | None = None) -> None:
    """End every place where somebody is signed in."""
    staff.session_epoch += 1
    _changed("staff.end_sessions", staff, by)
