"""Setting a second factor up, asking for it, and taking it away; no secret and no code ever reaches log or audit."""

import base64
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock, vault
from portal.accounts.models import RecoveryCode, SecondFactor, Staff
from portal.accounts.rules import lock_after
from portal.accounts.service import end_other_sessions, end_sessions
from portal.audit import service as audit
from portal.db import db
from portal.errors import Conflict, TooMany
from portal.second_factors import queries, rules
from portal.security import CODE_ALPHABET


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A secret that is not in use yet; `sealed` carries it through a form, so that nothing is stored before."""

    secret: bytes
    sealed: str


def make_offer(staff: Staff) -> Offer:
    """Return a new secret for somebody."""
    secret = secrets.token_bytes(rules.SECRET_BYTES)
    sealed = vault.get_vault().wrap(secret, _offer_context(staff))
    return Offer(secret=secret, sealed=base64.urlsafe_b64encode(sealed).decode())


def read_offer(staff: Staff, sealed: str) -> Offer:
    """Return the secret that a form carried; a new one when it was not made for this person."""
    try:
        secret = vault.open_data_key(base64.urlsafe_b64decode(sealed.encode()), _offer_context(staff))
    except (vault.BrokenSeal, ValueError):
        return make_offer(staff)
    return Offer(secret=secret, sealed=sealed)


def _offer_context(staff: Staff) -> str:
    return f"second_factor_offer:{staff.id}:{staff.session_epoch}"


def set_up(*, staff: Staff, session_id: int, offer: Offer, typed: str) -> list[str] | None:
    """Put a secret in use when the code typed is its own, and return new recovery codes; None when it is not.

    Every other place where this person is signed in ends. Raises Conflict when they have a second factor already.
    """
    if queries.find_factor(staff.id) is not None:
        raise Conflict(_l("You have a second factor already."))
    step = rules.find_step(offer.secret, rules.read_code(typed), clock.now(), after=0)
    if step is None:
        return None
    key = vault.new_data_key()
    factor = SecondFactor(
        staff_id=staff.id,
        data_key=vault.get_vault().wrap(key, _context(staff.id)),
        secret_sealed=vault.seal(key, offer.secret, _context(staff.id)),
        last_step=step,
        failed_attempts=0,
    )
    db.session.add(factor)
    end_other_sessions(staff=staff, session_id=session_id, second_factor=True)
    audit.record("staff.second_factor", f"staff:{staff.id}", staff_id=staff.id)
    return make_recovery_codes(staff=staff)


def make_recovery_codes(*, staff: Staff) -> list[str]:
    """Give somebody new recovery codes in place of the old ones, and return them: they can be shown this once."""
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id))
    codes = [
        "".join(secrets.choice(CODE_ALPHABET) for _ in range(rules.RECOVERY_LENGTH))
        for _ in range(rules.RECOVERY_CODES)
    ]
    db.session.add_all(RecoveryCode(staff_id=staff.id, code_hash=_hash(staff.id, code)) for code in codes)
    db.session.flush()
    audit.record("staff.recovery_codes", f"staff:{staff.id}", staff_id=staff.id)
    return codes


def check(*, staff: Staff, typed: str, recovery: bool = False) -> bool:
    """Whether a code opens now, which uses it up; counts failures, the caller commits them.

    Raises TooMany while the second factor is locked, whatever was typed.
    """
    factor = queries.find_factor(staff.id, lock=True)
    if factor is None:
        return False
    now = clock.now()
    if factor.locked_until and factor.locked_until > now:
        raise TooMany(_l("Too many wrong tries."), retry_at=factor.locked_until)
    opens = _use_recovery(staff.id, typed) if recovery else _use_code(factor, typed)
    factor.failed_attempts = 0 if opens else factor.failed_attempts + 1
    factor.locked_until = lock_after(factor.failed_attempts, now)
    if factor.locked_until:
        audit.record("staff.second_factor_locked", f"staff:{staff.id}")
    db.session.flush()
    return opens


def _use_code(factor: SecondFactor, typed: str) -> bool:
    key = vault.open_data_key(factor.data_key, _context(factor.staff_id))
    secret = vault.unseal(key, factor.secret_sealed, _context(factor.staff_id))
    step = rules.find_step(secret, rules.read_code(typed), clock.now(), after=factor.last_step)
    if step is None:
        return False
    factor.last_step = step
    return True


def _use_recovery(staff_id: int, typed: str) -> bool:
    digest = _hash(staff_id, rules.read_recovery(typed))
    used = sa.delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id, RecoveryCode.code_hash == digest)
    if db.session.execute(used.returning(RecoveryCode.id)).first() is None:
        return False
    audit.record("staff.recovery_code_used", f"staff:{staff_id}", staff_id=staff_id)
    return True


def take_away(*, staff: Staff, by: Staff | None = None) -> None:
    """Take somebody's second factor away and end all their sessions; `by` is who does it, None from the shell."""
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id))
    db.session.execute(sa.delete(SecondFactor).where(SecondFactor.staff_id == staff.id))
    end_sessions(staff=staff)
    action = "staff.second_factor_off" if by is staff else "staff.second_factor_reset"
    audit.record(action, f"staff:{staff.id}", staff_id=by.id if by else None)


def _hash(staff_id: int, code: str) -> bytes:
    return vault.get_vault().digest(f"recovery_code:{staff_id}", code)


def _context(staff_id: int) -> str:
    return f"staff_second_factor:{staff_id}"
