"""Filing tickets of the hotline as complaints: the same numbers, clocks and rules as for everything that comes in."""

from collections.abc import Sequence

from portal.complaints.models import Channel, ComplaintKind
from portal.complaints.service import Filing, confirm_code, file_complaint, make_code
from portal.hotline_imports.queries import list_filed
from portal.imports.rules import Row


def file_tickets(rows: Sequence[Row], *, staff_id: int | None) -> int:
    """File tickets that are not in the register yet, in the caller's transaction; return how many there were.

    The hotline itself answers whoever called: nobody gets a text from here, and the query code is kept from everybody.
    """
    filed = list_filed({row.values["number"] for row in rows})
    made = 0
    for row in rows:
        if row.values["number"] in filed:
            continue
        confirm_code(file_complaint(filing=_filing(row, staff_id), code=make_code()))
        made += 1
    return made


def _filing(row: Row, staff_id: int | None) -> Filing:
    values = row.values
    wants, title = values["wants"], values["title"]
    anonymous = values["anonymous"] or not (values["name"] or values["phone"] or values["other_phone"])
    return Filing(
        key=f"hotline-{values['number']}",
        kind=ComplaintKind(values["kind"]),
        category="other",
        organ_id=values["organ_id"],
        officer="",
        facts=f"{title}\n{values['facts']}" if title and title not in values["facts"] else values["facts"],
        wants=wants,
        happened_on=None,
        place=values["place"],
        anonymous=anonymous,
        sender_name=values["name"],
        sender_address=values["other_phone"],
        phone="" if anonymous else values["phone"],
        channel=Channel.HOTLINE,
        external_number=values["number"],
        registered_by_id=staff_id,
        received_on=values["received_on"],
    )
