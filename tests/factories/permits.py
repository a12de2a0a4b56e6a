"""Permit types, windows and permits for tests."""

from collections.abc import Sequence
from datetime import date
from itertools import count

from portal.calendar.queries import get_calendar
from portal.db import db
from portal.organs.models import Organ
from portal.parties.models import Party
from portal.permits import rules
from portal.permits.models import Permit, PermitType, RenewalWindow, WindowUnit
from portal.permits.queries import list_windows
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

_numbers = count(1)


def make_permit_type(
    *,
    closes: int = 30,
    closes_unit: WindowUnit = WindowUnit.DAY,
    opens: int | None = None,
    opens_unit: WindowUnit | None = None,
    offsets: Sequence[int] = (30, 7, 3),
    short_name: str = "虚构许可",
    **values: object,
) -> PermitType:
    """Create a permit type with one window, by default 30 days before expiry without an opening."""
    number = next(_numbers)
    kind = PermitType(
        code=f"invented-{number}",
        name=f"虚构许可证第{number}种",
        name_en=f"Invented permit {number}",
        short_name=short_name,
        short_name_en="Invented",
        reminder_offsets=list(offsets),
        **values,
    )
    kind.windows.append(
        RenewalWindow(
            closes=closes, closes_unit=closes_unit, opens=opens, opens_unit=opens_unit, law="虚构条例", article="第一条"
        )
    )
    db.session.add(kind)
    db.session.flush()
    return kind


def make_permit(
    *,
    valid_to: date,
    kind: PermitType | None = None,
    party: Party | None = None,
    organ: Organ | None = None,
    **values: object,
) -> Permit:
    """Create a permit whose last day and first reminder follow from its type's window, as an import would."""
    kind, party, organ = kind or make_permit_type(), party or make_party(), organ or make_organ()
    clock = rules.find_clock(valid_to, list_windows()[kind.id], get_calendar())
    permit = Permit(
        party=party,
        organ=organ,
        permit_type=kind,
        contact_id=party.contact_id,
        number=f"XG{next(_numbers):06d}",
        valid_to=valid_to,
        window_id=clock.window_id,
        window_opens_on=clock.opens_on,
        last_apply_on=clock.last_apply_on,
        last_apply_certain=clock.certain,
        next_reminder_on=rules.first_reminder(valid_to, clock, kind.reminder_offsets),
    )
    for name, value in values.items():
        setattr(permit, name, value)
    db.session.add(permit)
    db.session.flush()
    return permit
