"""A register of permits of several types, each with a party's phone of its own, all due for a reminder."""

from datetime import timedelta

import sqlalchemy as sa

from portal import clock
from portal.contacts.models import Contact
from portal.db import batched, db
from portal.messages.models import Attempt, Message
from portal.permits.models import Permit
from tests.factories.permits import make_permit, make_permit_type

TYPES = ("食品经营", "公共场所卫生", "危化品经营", "烟草零售", "医疗机构", "道路货运", "特种设备", "排污")
# The days left lie between the first reminder and the last.
DAYS = range(3, 31)


def fill(count: int) -> None:
    """Register so many permits that are due today: texts differ by type and by the days that are left."""
    kinds = [make_permit_type(short_name=name).id for name in TYPES]
    first = make_permit(valid_to=clock.today() + timedelta(days=90))
    same = {column.name: getattr(first, column.name) for column in sa.inspect(Permit).local_table.columns}
    del same["id"]
    phones = [f"+86136{number:06d}20" for number in range(count)]
    for some in batched(phones):
        db.session.execute(sa.insert(Contact), [{"phone": phone, "locale": "zh_Hans"} for phone in some])
    contacts = db.session.scalars(sa.select(Contact.id).where(Contact.phone.in_(phones)).order_by(Contact.id)).all()
    rows = [
        same
        | {
            "number": f"XB{number:06d}",
            "contact_id": contact_id,
            "permit_type_id": kinds[number % len(kinds)],
            "last_apply_on": clock.today() + timedelta(days=DAYS[number % len(DAYS)]),
            "next_reminder_on": clock.today(),
        }
        for number, contact_id in enumerate(contacts)
    ]
    for batch in batched(rows):
        db.session.execute(sa.insert(Permit), batch)
    db.session.execute(sa.update(Permit).where(Permit.id == first.id).values(next_reminder_on=None))
    db.session.commit()


def forget() -> None:
    """Forget what was planned and sent, and make everything due again that has a phone."""
    db.session.execute(sa.delete(Attempt))
    db.session.execute(sa.delete(Message))
    db.session.execute(sa.update(Permit).where(Permit.contact_id.is_not(None)).values(next_reminder_on=clock.today()))
    db.session.commit()
