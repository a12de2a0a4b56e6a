"""Creating staff and signing them in."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts import rules
from portal.accounts.models import Role, Staff
from portal.audit import service as audit
from portal.db import db
from portal.errors import Conflict, Refusal, TooMany
from portal.security import check_password, hash_password


def create_staff(*, email: str, name: str, role: Role, password: str, organ_id: int | None = None) -> Staff:
    """Create an account.

    Raises Refusal when the password is too short, Conflict when the address is taken.
    """
    if len(password) < rules.MIN_PASSWORD:
        raise Refusal(_l("A password needs at least 12 characters."), field="password")
    address = email.strip().lower()
    if db.session.scalar(sa.select(Staff.id).where(Staff.email == address)):
        raise Conflict(_l("There is already an account with this address."), field="email")
    staff = Staff(email=address, name=name, role=role, password_hash=hash_password(password), organ_id=organ_id)
    db.session.add(staff)
    db.session.flush()
    audit.record("staff.create", f"staff:{staff.id}", role=role.value)
    return staff


def sign_in(*, email: str, password: str) -> Staff | None:
    """Return the account that address and password open, or None; counts failures.

    Raises TooMany while the account is locked; the lock says nothing about whether the password was right.
    """
    staff = db.session.scalar(sa.select(Staff).where(Staff.email == email.strip().lower(), Staff.active))
    now = clock.now()
    if staff and staff.locked_until and staff.locked_until > now:
        raise TooMany(_l("Too many wrong tries."), retry_at=staff.locked_until)
    if not check_password(staff.password_hash if staff else None, password):
        if staff:
            staff.failed_attempts += 1
            staff.locked_until = rules.lock_after(staff.failed_attempts, now)
            if staff.locked_until:
                audit.record("staff.locked", f"staff:{staff.id}")
        return None
    assert staff is not None
    staff.failed_attempts = 0
    staff.locked_until = None
    staff.last_sign_in_at = now
    audit.record("staff.sign_in", f"staff:{staff.id}", staff_id=staff.id)
    return staff


def sign_out(*, staff: Staff) -> None:
    """End every session of an account: a copied cookie opens nothing any more."""
    staff.session_epoch += 1
    audit.record("staff.sign_out", f"staff:{staff.id}", staff_id=staff.id)
