"""Drafting decisions, reviewing them by a second person, publishing and withdrawing them."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.contacts.service import keep_contact
from portal.db import db
from portal.decisions import rules
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.errors import Conflict, Forbidden, Refusal, TransitionError
from portal.parties.models import Party, PartyKind
from portal.search import service as search
from portal.search.models import EntryKind


@dataclass(frozen=True, kw_only=True)
class PartyDetails:
    """Whom a decision concerns; a known credit code names the party by itself."""

    kind: PartyKind
    name: str
    credit_code: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a decision says; money in yuan."""

    kind: DecisionKind
    organ_id: int
    document_number: str
    title: str
    decided_on: date
    violation: str = ""
    facts: str = ""
    basis_text: str = ""
    article_id: int | None = None
    measures: list[str] = field(default_factory=list)
    content: str = ""
    fine: Decimal | None = None
    on_the_spot: bool = False
    revisit_required: bool = False


def keep_party(details: PartyDetails) -> Party:
    """Return the party of a credit code, or else of the same name and kind, creating it when it is new."""
    statement = sa.select(Party).where(Party.credit_code == details.credit_code)
    if not details.credit_code:
        statement = (
            sa.select(Party)
            .where(Party.name == details.name, Party.kind == details.kind, Party.credit_code.is_(None))
            .order_by(Party.id)
            .limit(1)
        )
    # Two natural persons may share a name; only firms are the same by it.
    known = None if details.kind is PartyKind.PERSON else db.session.scalar(statement)
    party = known or Party(kind=details.kind, name=details.name, credit_code=details.credit_code or None)
    if known and known.name != details.name:
        raise Refusal(
            _l("This credit code belongs to %(name)s. Check name and code.", name=known.name), field="party_name"
        )
    if details.phone:
        party.contact = keep_contact(details.phone)
    db.session.add(party)
    db.session.flush()
    return party


def create_draft(*, staff: Staff, party: PartyDetails, content: Content) -> Decision:
    """Create a draft.

    Raises Conflict when the organ has a decision with this number, Refusal when party or text cannot be.
    """
    refuse_name_in_text(party, content)
    decision = Decision(state=DecisionState.DRAFT, created_by_id=staff.id)
    _write(decision, staff=staff, party=keep_party(party), content=content)
    audit.record("decision.create", f"decision:{decision.id}", staff_id=staff.id)
    return decision


def update_draft(*, decision: Decision, staff: Staff, party: PartyDetails, content: Content) -> None:
    """Change a draft, or a decision that was sent back; refusals as in `create_draft`, and TransitionError."""
    if decision.state not in rules.EDITABLE:
        raise TransitionError(_l("Only drafts and decisions that were sent back can be changed."))
    refuse_name_in_text(party, content)
    present = decision.party
    if (present.kind, present.name, present.credit_code or "") == (party.kind, party.name, party.credit_code):
        if party.phone:
            present.contact = keep_contact(party.phone)
        chosen = present
    else:
        chosen = keep_party(party)
    _write(decision, staff=staff, party=chosen, content=content)
    audit.record("decision.edit", f"decision:{decision.id}", staff_id=staff.id)


def refuse_name_in_text(party: PartyDetails, content: Content) -> None:
    """Raise Refusal when a natural person's full name stands where everybody will read it."""
    if party.kind is not PartyKind.PERSON or len(party.name) < 2:
        return
    for name in ("title", "violation", "facts", "content"):
        if party.name in getattr(content, name):
            message = _l("The text holds the full name of a natural person. Write “the party” instead.")
            raise Refusal(message, field=name)


def _write(decision: Decision, *, staff: Staff, party: Party, content: Content) -> None:
    for name, value in vars(content).items():
        setattr(decision, name, value)
    decision.party = party
    decision.edited_by_id = staff.id
    try:
        with db.session.begin_nested():
            db.session.add(decision)
            db.session.flush()
    except sa.exc.IntegrityError as problem:
        message = _l("This organ already has a decision with this document number.")
        raise Conflict(message, field="document_number") from problem


def submit(*, decision: Decision, staff: Staff) -> None:
    """Hand a draft over for review."""
    _step(decision, "submit")
    decision.review_note = ""
    audit.record("decision.submit", f"decision:{decision.id}", staff_id=staff.id)


def send_back(*, decision: Decision, staff: Staff, note: str) -> None:
    """Send a decision back to its editors with a note for them."""
    _refuse_own(decision, staff)
    _step(decision, "send_back")
    decision.review_note = note
    decision.reviewed_by_id = staff.id
    audit.record("decision.send_back", f"decision:{decision.id}", staff_id=staff.id)


def publish(*, decision: Decision, staff: Staff) -> None:
    """Publish a reviewed decision for the period its class asks for; it can be found at once."""
    _refuse_own(decision, staff)
    _step(decision, "publish")
    decision.reviewed_by_id = staff.id
    decision.published_at = clock.now()
    natural_person = decision.party.kind is PartyKind.PERSON
    weight = rules.weight_of(
        decision.measures, decision.fine, on_the_spot=decision.on_the_spot, natural_person=natural_person
    )
    decision.publish_until = rules.publish_until(decision.kind, weight, clock.today())
    db.session.flush()
    index_decision(decision)
    until = decision.publish_until.isoformat() if decision.publish_until else None
    audit.record("decision.publish", f"decision:{decision.id}", staff_id=staff.id, weight=weight, until=until)


def withdraw(*, decision: Decision, staff: Staff, reason: str) -> None:
    """Take a decision down; the reason is public (administrative penalty law, article 48)."""
    _step(decision, "withdraw")
    decision.withdrawn_at = clock.now()
    decision.withdrawal_reason = reason
    search.remove(EntryKind.DECISION, decision.id)
    audit.record("decision.withdraw", f"decision:{decision.id}", staff_id=staff.id)


def index_decision(decision: Decision) -> None:
    """Enter a published decision into the search with what the public may read; take any other out."""
    if decision.state is not DecisionState.PUBLISHED or decision.published_at is None:
        search.remove(EntryKind.DECISION, decision.id)
        return
    party = rules.public_party_name(decision.party.kind, decision.party.name)
    code = "" if decision.party.kind is PartyKind.PERSON else decision.party.credit_code or ""
    texts = (decision.document_number, party, decision.violation, decision.content, decision.facts)
    entry = search.Entry(
        record_id=decision.id,
        url=rules.path(decision.id),
        title=decision.title,
        passage=" · ".join(filter(None, texts)),
        keywords=f"{code} {decision.organ.name} {decision.basis_text}",
        organ_id=decision.organ_id,
        published_on=clock.local(decision.published_at).date(),
        published_until=decision.publish_until,
    )
    search.index(EntryKind.DECISION, entry)


def _step(decision: Decision, step: str) -> None:
    state = rules.next_state(decision.state, step)
    if state is None:
        raise TransitionError(_l("Someone has taken this decision further meanwhile; below is its present state."))
    decision.state = DecisionState(state)
    db.session.flush()


def _refuse_own(decision: Decision, staff: Staff) -> None:
    if staff.id in (decision.created_by_id, decision.edited_by_id):
        raise Forbidden(_l("You wrote or changed this decision, so somebody else has to review it."))
