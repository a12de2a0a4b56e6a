"""What happens to permits: reminders move on, renewals are reported and confirmed."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.calls import service as calls
from portal.db import batched, db
from portal.errors import TransitionError
from portal.messages import outbox
from portal.permits import rules
from portal.permits.models import Permit, PermitStatus, PermitType, RenewalWindow, WindowUnit
from portal.permits.queries import get_permit, list_reminder_offsets, list_windows

FACTS = Path(__file__).parent / "data"


def load_facts() -> None:
    """Bring permit types and renewal windows to what ships with the portal; run as often as you like.

    A window keeps its row as long as law, article and first day in force stay the same, because permits point to it.
    """
    known = {kind.code: kind for kind in db.session.scalars(sa.select(PermitType))}
    for row in _read_facts("permit_types"):
        kind = known.setdefault(row["code"], PermitType(code=row["code"]))
        for name in ("name", "name_en", "short_name", "short_name_en"):
            setattr(kind, name, row[name])
        kind.aliases = row["aliases"].split(";")
        offsets = [int(offset) for offset in row["reminder_offsets"].split(";")]
        moved = kind.id is not None and kind.reminder_offsets != offsets
        kind.reminder_offsets = offsets
        db.session.add(kind)
        if moved:
            _look_anew(kind)
    for row in _read_facts("renewal_windows"):
        _keep_window(known[row["permit_type"]], row)
    db.session.flush()


def _look_anew(kind: PermitType) -> None:
    """Let permits be looked at on the first day that is left after the days to remind of their type have changed."""
    today = clock.today()
    standing = sa.select(Permit).where(
        Permit.permit_type_id == kind.id,
        Permit.status == PermitStatus.VALID,
        Permit.renewal_reported_at.is_(None),
        Permit.valid_to < rules.NO_END,
        Permit.last_apply_on >= today,
    )
    for permit in db.session.scalars(standing.order_by(Permit.id)):
        due = rules.occurrences(permit.window_opens_on, permit.last_apply_on, kind.reminder_offsets)
        days = [permit.next_reminder_on, rules.next_reminder(due, after=today - timedelta(days=1))]
        permit.next_reminder_on = min((day for day in days if day is not None), default=None)


def _read_facts(name: str) -> list[dict[str, str]]:
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _keep_window(kind: PermitType, row: dict[str, str]) -> None:
    since = date.fromisoformat(row["in_force_from"]) if row["in_force_from"] else None
    identity = (row["law"], row["article"], since)
    same = (item for item in kind.windows if (item.law, item.article, item.in_force_from) == identity)
    window = next(same, None) or RenewalWindow(law=row["law"], article=row["article"], in_force_from=since)
    window.opens = int(row["opens"]) if row["opens"] else None
    window.opens_unit = WindowUnit(row["opens_unit"]) if row["opens_unit"] else None
    window.closes, window.closes_unit = int(row["closes"]), WindowUnit(row["closes_unit"])
    window.in_force_to = date.fromisoformat(row["in_force_to"]) if row["in_force_to"] else None
    if window not in kind.windows:
        kind.windows.append(window)


def recompute_last_days() -> int:
    """Compute the last days of all open permits anew, after calendar or windows changed; return how many moved.

    Reminders that are not sent yet are voided where the day moved, and planned again for the new one.
    """
    calendar, windows, offsets = get_calendar(), list_windows(), list_reminder_offsets()
    open_permits = sa.select(Permit).where(Permit.status == PermitStatus.VALID, Permit.last_apply_on >= clock.today())
    moved = 0
    for permit in db.session.scalars(open_permits.order_by(Permit.id)).all():
        found = rules.find_clock(permit.valid_to, windows.get(permit.permit_type_id, []), calendar)
        permit.last_apply_certain, permit.window_id = found.certain, found.window_id
        if (found.opens_on, found.last_apply_on) == (permit.window_opens_on, permit.last_apply_on):
            continue
        moved += 1
        permit.window_opens_on, permit.last_apply_on = found.opens_on, found.last_apply_on
        if permit.renewal_reported_at is None:
            permit.next_reminder_on = rules.first_reminder(permit.valid_to, found, offsets[permit.permit_type_id])
        outbox.void(f"permit:{permit.id}", reason="changed")
    db.session.flush()
    return moved


def set_next_reminders(rows: Sequence[dict[str, Any]]) -> None:
    """Set `next_reminder_on` of many permits at once; rows hold `id` and `next_reminder_on`."""
    by_day: dict[date | None, list[int]] = defaultdict(list)
    for row in rows:
        by_day[row["next_reminder_on"]].append(row["id"])
    for day, ids in by_day.items():
        for some in batched(ids):
            db.session.execute(
                sa.update(Permit).where(Permit.id.in_(some)).values(next_reminder_on=day),
                execution_options={"synchronize_session": False},
            )


def report_renewal(permit_id: int, message_id: int | None) -> None:
    """Note that the party says it has applied: reminders stop until staff confirm or deny it."""
    permit = get_permit(permit_id)
    if permit.status is not PermitStatus.VALID or permit.renewal_reported_at is not None:
        return
    permit.renewal_reported_at = clock.now()
    _stop_reminders(permit, "renewal_reported")
    audit.record("permit.renewal_reported", f"permit:{permit_id}", message_id=message_id)


def ask_for_call(permit_id: int, message_id: int | None, reason: str) -> bool:
    """Put a permit's party on the call list; False when it is on it already."""
    permit = get_permit(permit_id)
    return calls.ask_for_call(
        subject=f"permit:{permit_id}",
        reason=reason,
        message_id=message_id,
        party_id=permit.party_id,
        organ_id=permit.organ_id,
        contact_id=permit.contact_id,
    )


def confirm_renewal(permit_id: int, *, staff_id: int, organ_id: int | None = None) -> None:
    """Close a permit as renewed: no reminder follows, what is unsent is voided."""
    permit = _get_valid(permit_id, organ_id)
    permit.status = PermitStatus.RENEWED
    permit.renewal_reported_at = permit.renewal_reported_at or clock.now()
    _stop_reminders(permit, "renewed")
    audit.record("permit.renewed", f"permit:{permit_id}", staff_id=staff_id)


def deny_renewal(permit_id: int, *, staff_id: int, organ_id: int | None = None) -> None:
    """Go on reminding: no application for renewal was found."""
    permit = _get_valid(permit_id, organ_id)
    permit.renewal_reported_at = None
    due = rules.occurrences(permit.window_opens_on, permit.last_apply_on, permit.permit_type.reminder_offsets)
    permit.next_reminder_on = rules.next_reminder(due, after=clock.today())
    audit.record("permit.renewal_denied", f"permit:{permit_id}", staff_id=staff_id)


def revoke(permit_id: int, *, staff_id: int | None = None, organ_id: int | None = None) -> None:
    """Close a permit that no longer stands: no reminder follows, what is unsent is voided."""
    permit = _get_valid(permit_id, organ_id)
    permit.status = PermitStatus.REVOKED
    _stop_reminders(permit, "revoked")
    audit.record("permit.revoked", f"permit:{permit_id}", staff_id=staff_id)


def _get_valid(permit_id: int, organ_id: int | None) -> Permit:
    permit = get_permit(permit_id, organ_id)
    if permit.status is not PermitStatus.VALID:
        raise TransitionError(_l("This permit is closed already."))
    return permit


def _stop_reminders(permit: Permit, reason: str) -> None:
    permit.next_reminder_on = None
    outbox.void(f"permit:{permit.id}", reason=reason)
    db.session.flush()
