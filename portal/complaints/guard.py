"""What a sender's browser may see: one receipt and one case at a time, in the signed session, never in an address."""

from flask import session

from portal import clock
from portal.complaints import rules

RECEIPT, CASE = "receipt", "case"


def open_place(place: str, complaint_id: int) -> None:
    """Let this browser see a receipt or a case for half an hour."""
    until = clock.now() + rules.CASE_OPEN_FOR
    session[place] = [complaint_id, int(until.timestamp())]


def find_place(place: str) -> int | None:
    """Return the id of the complaint this browser may see, or None."""
    kept = session.get(place)
    if not isinstance(kept, list) or len(kept) != 2 or kept[1] <= clock.now().timestamp():
        return None
    return int(kept[0])


def close_place(place: str) -> None:
    """Let this browser see it no longer."""
    session.pop(place, None)
