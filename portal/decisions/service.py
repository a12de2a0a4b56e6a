"""Drafting decisions: whom they concern, their words as they were written, and what the public would read of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.cli import current_settings
from portal.contacts.service import keep_contact
from portal.db import db
from portal.decisions import rules
from portal.decisions.models import Decision, DecisionKind, DecisionOriginal, DecisionState
from portal.decisions.queries import public_party_name
from portal.errors import Conflict, Refusal, TransitionError
from portal.masking.rules import Choices, Context
from portal.organs.models import Organ
from portal.parties.models import Party, PartyKind
from portal.person_names.queries import name_style
from portal.person_names.rules import is_personal
from portal.search import service as search
from portal.search.models import EntryKind

# What a form or a file says of a decision beside its texts, as columns.
VALUES = (
    "document_number",
    "decided_on",
    "measures",
    "fine",
    "confiscated",
    "on_the_spot",
    "permit_category",
    "valid_from",
    "valid_to",
)


@dataclass(frozen=True, kw_only=True)
class PartyDetails:
    """Whom a decision concerns; a known credit code names the party by itself."""

    kind: PartyKind
    name: str
    credit_code: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a decision says, in the words of the original; money in yuan."""

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
    confiscated: Decimal | None = None
    certificate: str = ""
    on_the_spot: bool = False
    place: str = ""
    industry: str = ""
    legal_representative: str = ""
    document_name: str = ""
    permit_category: str = ""
    permit_number: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""
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

    Raises Conflict when the organ has a decision with this number, Refusal when the party cannot be.
    """
    decision = Decision(state=DecisionState.DRAFT, created_by_id=staff.id)
    _write(decision, staff=staff, party=keep_party(party), content=content)
    audit.record("decision.create", f"decision:{decision.id}", staff_id=staff.id)
    return decision


def update_draft(*, decision: Decision, staff: Staff, party: PartyDetails, content: Content) -> None:
    """Change a draft, or a decision that was sent back; refusals as in `create_draft`, and TransitionError."""
    if decision.state not in rules.EDITABLE:
        raise TransitionError(_l("Only drafts and decisions that were sent back can be changed."))
    present = decision.party
    if (present.kind, present.name, present.credit_code or "") == (party.kind, party.name, party.credit_code):
        if party.phone:
            present.contact = keep_contact(party.phone)
        chosen = present
    else:
        chosen = keep_party(party)
    _write(decision, staff=staff, party=chosen, content=content)
    audit.record("decision.edit", f"decision:{decision.id}", staff_id=staff.id)


def _write(decision: Decision, *, staff: Staff, party: Party, content: Content) -> None:
    values = dict(vars(content))
    texts = {name: values.pop(name) for name in rules.TEXTS}
    same_party = decision.party_id is not None and decision.party_id == party.id
    for name, value in values.items():
        setattr(decision, name, value)
    decision.party = party
    decision.edited_by_id = staff.id
    if not (same_party and original_texts(decision) == texts):
        keep_texts(decision=decision, texts=texts)
    try:
        with db.session.begin_nested():
            db.session.add(decision)
            db.session.flush()
    except sa.exc.IntegrityError as problem:
        message = _l("This organ already has a decision with this document number.")
        raise Conflict(message, field="document_number") from problem


def original_texts(decision: Decision) -> dict[str, str]:
    """Return the words of a decision as they were written; of one older than masking, those that are public."""
    kept = decision.original.texts if decision.original else {}
    return {name: kept.get(name, getattr(decision, name) or "") for name in rules.TEXTS}


def keep_texts(*, decision: Decision, texts: Mapping[str, str]) -> None:
    """Keep the words as they were written apart, and what the machine would publish of them in the decision.

    Until a person has confirmed that proposal the decision cannot go on to its review.
    """
    if decision.original is None:
        decision.original = DecisionOriginal()
    decision.original.texts = {name: texts.get(name, "") for name in rules.TEXTS}
    choices = Choices.read(decision.original.marks or {})
    decision.original.marks = choices.written()
    for name, text in rules.mask_texts(decision.original.texts, masking_context(decision), choices).items():
        setattr(decision, name, text)
    decision.masked_at = decision.masked_by_id = None


def masking_context(decision: Decision) -> Context:
    """Return whom the texts of a decision are about; what the organ says of itself stays visible."""
    organ = db.session.get_one(Organ, decision.organ_id)
    settings = current_settings()
    kind, name = decision.party.kind, decision.party.name
    own = (organ.name, organ.phone, organ.address, settings.hotline, *settings.payment_accounts)
    return Context(
        party_name=name,
        party_is_person=kind is PartyKind.PERSON or (kind is PartyKind.SOLE_TRADER and is_personal(name)),
        representative=original_texts(decision)["legal_representative"],
        kept=tuple(filter(None, own)),
        style=name_style(),
    )


def public_words(decision: Decision, text: str) -> str:
    """Return what the public reads of a note about a decision, after the same rules as its own texts."""
    choices = Choices.read(decision.original.marks if decision.original else {})
    return rules.mask_texts({"note": text}, masking_context(decision), choices)["note"]


def refuse_step(decision: Decision, step: str) -> DecisionState:
    """Return the state a step leads to; raises TransitionError when the present state does not permit it."""
    state = rules.next_state(decision.state, step)
    if state is None:
        raise TransitionError(_l("Someone has taken this decision further meanwhile; below is its present state."))
    return DecisionState(state)


def take_step(decision: Decision, step: str) -> None:
    """Take a decision, whose row is locked, on to its next state; refusals as in `refuse_step`."""
    decision.state = refuse_step(decision, step)
    db.session.flush()


def find_end(decision: Decision, published_on: date) -> date | None:
    """Return the last public day of a decision that is published on a day; None when it stays."""
    weight = weigh(decision)
    restricted = rules.RESTRICTIONS & rules.kinds_of(decision.measures or [])
    return rules.publish_until(
        decision.kind,
        weight,
        decided_on=decision.decided_on,
        published_on=published_on,
        restricted_until=decision.valid_to if restricted else None,
    )


def weigh(decision: Decision) -> rules.Weight:
    """Return the class of a penalty."""
    return rules.weight_of(
        decision.measures or [],
        decision.fine,
        on_the_spot=bool(decision.on_the_spot),
        natural_person=decision.party.kind is PartyKind.PERSON,
        decided_on=decision.decided_on,
    )


def index_decision(decision: Decision) -> None:
    """Enter a published decision into the search with what the public may read; take any other out."""
    if decision.state is not DecisionState.PUBLISHED or decision.published_at is None:
        search.remove(EntryKind.DECISION, decision.id)
        return
    party = public_party_name(decision.party.kind, decision.party.name)
    code = "" if decision.party.kind is PartyKind.PERSON else decision.party.credit_code or ""
    texts = (decision.document_number, party, decision.violation, decision.content, decision.facts)
    entry = search.Entry(
        record_id=decision.id,
        url=rules.path(decision.id),
        title=decision.title,
        passage=" · ".join(filter(None, texts)),
        keywords=f"{code} {decision.organ.name} {decision.basis_text}",
        number=decision.document_number,
        organ_id=decision.organ_id,
        published_on=clock.local(decision.published_at).date(),
        published_until=decision.publish_until,
    )
    search.index(EntryKind.DECISION, entry)
