"""Reading what is prepared for publication, for staff, and what is published, for everybody."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import contains_eager, joinedload

from portal import clock
from portal.accounts.models import Staff
from portal.cli import current_settings
from portal.complaint_publication import rules
from portal.complaint_publication.models import AnswerEdition, EditionState, PublishedAnswer
from portal.complaints.models import Complaint, ComplaintEvent, ComplaintKind, ComplaintNamed, ComplaintState
from portal.complaints.queries import get_case_type_of, visible_to
from portal.db import db
from portal.errors import Gone, NotFound
from portal.masking.rules import Choices, Context
from portal.masking_sheets.rules import Sheet, lay_out
from portal.organs.models import Officer, Organ
from portal.paging import COUNT_CAP, Page, capped_count, list_page
from portal.person_names.queries import name_style
from portal.person_names.rules import NameStyle

# Events that make somebody one of its writers.
WROTE = ("publication-text", "publication-mask")
SHORTEST_ADDRESS = 6


class View(StrEnum):
    """The filters of the staff's list."""

    POSSIBLE = "possible"
    WRITING = "writing"
    WAITING = "waiting"
    RELEASED = "released"


def may_publish(complaint: Complaint) -> bool:
    """Whether a case may be published now."""
    return rules.may_publish(
        consent=complaint.publish_consent,
        publishable=get_case_type_of(complaint).publishable,
        state=complaint.state,
        answered=bool(complaint.answer),
    )


def find_edition(complaint: Complaint) -> AnswerEdition | None:
    """Return what is being prepared, or was published, of a case."""
    return db.session.get(AnswerEdition, complaint.id)


def list_writers(edition: AnswerEdition) -> set[int]:
    """Return the ids of all who have written or masked any of it since it was begun."""
    wrote = sa.select(ComplaintEvent.staff_id).where(
        ComplaintEvent.complaint_id == edition.complaint_id,
        ComplaintEvent.action.in_(WROTE),
        ComplaintEvent.at >= edition.created_at,
    )
    return {edition.writer_id, *(number for number in db.session.scalars(wrote) if number is not None)}


def list_secrets(complaint: Complaint) -> list[str]:
    """Return what must stand in nothing public about a case: who sent it, and every number it is known by."""
    phone = complaint.contact.phone.removeprefix("+86") if complaint.contact else ""
    # Less than a street and a house is where half the city lives.
    home = complaint.sender_address if len(complaint.sender_address) >= SHORTEST_ADDRESS else ""
    numbers = (phone, complaint.number, complaint.external_number or "")
    return [text for text in (complaint.sender_name, home, *numbers) if text]


def list_officer_names(complaint: Complaint) -> Sequence[str]:
    """Return the names of whomever a case may speak of: officers of its organs, and who was found to be named."""
    organs = [complaint.organ_id, complaint.handler_organ_id, *(part.organ_id for part in complaint.organs)]
    named = sa.select(ComplaintNamed.officer_id).where(ComplaintNamed.complaint_id == complaint.id)
    officers = sa.select(Officer.name).where(sa.or_(Officer.organ_id.in_(organs), Officer.id.in_(named)))
    staff = sa.select(ComplaintNamed.staff_id).where(ComplaintNamed.complaint_id == complaint.id)
    people = sa.select(Staff.name).where(Staff.id.in_(staff))
    return [*db.session.scalars(officers), *db.session.scalars(people), complaint.officer]


def masking_context(complaint: Complaint) -> Context:
    """Return whom the texts of a case are about; what the organs say of themselves stays visible."""
    organs = [organ for organ in (complaint.organ, complaint.handler_organ) if organ]
    own = [text for organ in organs for text in (organ.name, organ.phone, organ.address) if text]
    style = name_style()
    return Context(
        party_name=complaint.sender_name,
        party_is_person=True,
        kept=(*own, current_settings().hotline),
        # Whoever complained is never named in full, whatever the city's setting for decisions.
        style=NameStyle.SURNAME_SOMEBODY if style is NameStyle.FULL else style,
    )


def read_texts(edition: AnswerEdition) -> dict[str, str]:
    """Return the words of an edition by column."""
    return {name: getattr(edition, name) for name in rules.COLUMNS}


def read_choices(edition: AnswerEdition) -> Choices:
    """Return what people decided about the findings."""
    return Choices.read(json.loads(edition.marks) if edition.marks else {})


def get_sheet(edition: AnswerEdition) -> Sheet:
    """Return the words of an edition side by side."""
    stamp = f"{edition.complaint_id} {edition.state} {edition.changed_at.isoformat()}"
    texts = {name: text for name, text in read_texts(edition).items() if text}
    return lay_out(texts, masking_context(edition.complaint), read_choices(edition), stamp=stamp)


def list_cases(view: View, staff: Staff, number: int) -> Page[Any]:
    """Return one page of cases for the staff's list as rows (Complaint, state of its edition), the oldest first."""
    statement = (
        sa.select(Complaint, AnswerEdition.state)
        .outerjoin(AnswerEdition, AnswerEdition.complaint_id == Complaint.id)
        .options(joinedload(Complaint.organ))
        .where(visible_to(staff), *_where(view))
    )
    return list_page(statement.order_by(Complaint.id), number)


def count_cases(view: View, staff: Staff) -> int:
    """Count what a filter of the staff's list shows, up to COUNT_CAP."""
    statement = sa.select(Complaint.id).outerjoin(AnswerEdition, AnswerEdition.complaint_id == Complaint.id)
    return min(capped_count(statement.where(visible_to(staff), *_where(view))), COUNT_CAP)


def _where(view: View) -> tuple[sa.ColumnElement[bool], ...]:
    consent = Complaint.publish_consent.is_(True)
    if view is View.POSSIBLE:
        states = [ComplaintState(state) for state in sorted(rules.PUBLISHABLE_STATES)]
        fresh = sa.or_(AnswerEdition.state.is_(None), AnswerEdition.state == EditionState.WITHDRAWN)
        return consent, Complaint.state.in_(states), fresh
    if view is View.RELEASED:
        # Of a case that was kept for long enough nothing is left but what it published.
        return (AnswerEdition.state == EditionState.RELEASED,)
    return consent, AnswerEdition.state == EditionState(view.value)


@dataclass(frozen=True)
class Wanted:
    """What a reader narrows the list to."""

    kind: ComplaintKind | None = None
    organ_id: int | None = None

    @property
    def any(self) -> bool:
        return self.kind is not None or self.organ_id is not None


EVERY_ANSWER = Wanted()
IS_PUBLIC = PublishedAnswer.withdrawn_at.is_(None)


def list_answers(wanted: Wanted, number: int) -> Page[PublishedAnswer]:
    """Return one page of what is published, the newest first."""
    statement = sa.select(PublishedAnswer).options(joinedload(PublishedAnswer.organ)).where(IS_PUBLIC)
    if wanted.kind is not None:
        statement = statement.where(PublishedAnswer.kind == wanted.kind)
    if wanted.organ_id is not None:
        statement = statement.where(PublishedAnswer.organ_id == wanted.organ_id)
    return list_page(statement.order_by(PublishedAnswer.id.desc()), number, scalars=True)


def list_answer_organs() -> Sequence[Organ]:
    """Return the organs of which there is a published answer, by name."""
    some = sa.select(PublishedAnswer.organ_id).where(IS_PUBLIC)
    return db.session.scalars(sa.select(Organ).where(Organ.id.in_(some)).order_by(Organ.name, Organ.id)).all()


def get_answer(answer_id: int) -> PublishedAnswer:
    """Return a published answer; raises NotFound, and Gone when it was withdrawn."""
    found = db.session.scalar(
        sa.select(PublishedAnswer)
        .outerjoin(PublishedAnswer.organ)
        .options(contains_eager(PublishedAnswer.organ))
        .where(PublishedAnswer.id == answer_id)
    )
    if found is None:
        raise NotFound(_l("There is no such answer."))
    if found.withdrawn_at is not None:
        raise Gone(_l("This answer was withdrawn."))
    return found


def month_of(complaint: Complaint) -> date:
    """Return the month under which a case is published: that of its answer."""
    return rules.first_of_month(clock.local(complaint.answered_at or clock.now()).date())
