"""Reading to which organ a case belongs, and what powers it may be about."""

from dataclasses import dataclass
from datetime import date

from portal.complaint_routing.queries import About, suggest
from portal.complaint_routing.rules import Suggestion
from portal.complaints.models import Complaint, OrganPart
from portal.organs.queries import lives_of, load_organs
from portal.organs.rules import acting
from portal.powers.queries import Wanted, list_powers


@dataclass(frozen=True)
class Power:
    """A power that a case may be about, and the organ that holds it today, if any does."""

    code: str
    name: str
    organ_id: int | None


def suggest_for(complaint: Complaint, *, on: date) -> Suggestion:
    """Return to which organ a case belongs on a day, and why."""
    more = {part.organ_id for part in complaint.organs if part.part is OrganPart.SUBJECT}
    about = About(
        delicate=complaint.delicate,
        subjects=frozenset(more if complaint.organ_id is None else more | {complaint.organ_id}),
        organ_id=complaint.organ_id,
        power_item_id=complaint.power_item_id,
        street=complaint.street,
    )
    return suggest(about, on=on)


def list_matching(words: str, *, on: date) -> list[Power]:
    """Return the first powers whose name or code holds some words."""
    lives = lives_of(load_organs())
    page = list_powers(Wanted(on=on, keyword=words), number=1, lives=lives)
    return [Power(row.code, row.name, acting(row.holder_id, on, lives)) for row in page.items]
