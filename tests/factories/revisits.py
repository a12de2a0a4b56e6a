"""Decisions that call for a revisit, and revisits that were asked, for tests."""

from datetime import date, timedelta
from itertools import count

import sqlalchemy as sa

from portal import clock
from portal.contacts.models import Contact
from portal.db import db
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.parties.models import Party
from portal.revisits.models import Revisit
from portal.revisits.service import plan_revisit
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

_numbers = count(1)


def make_decided(
    *,
    party: Party | None = None,
    decided_on: date | None = None,
    kind: DecisionKind = DecisionKind.INSPECTION,
    state: DecisionState = DecisionState.PUBLISHED,
    revisit_required: bool = True,
) -> Decision:
    """Create a decision whose party is due for a revisit today."""
    decision = Decision(
        kind=kind,
        state=state,
        organ=make_organ(),
        party=party or make_party(name="虚构宝莲食品店"),
        document_number=f"虚构检字〔2026〕{next(_numbers)}号",
        title="虚构检查",
        decided_on=decided_on or clock.today() - timedelta(days=7),
        published_at=clock.now(),
        revisit_required=revisit_required,
    )
    db.session.add(decision)
    db.session.flush()
    return decision


def make_revisit(*, party: Party | None = None, kind: DecisionKind = DecisionKind.INSPECTION) -> Revisit:
    """Create a revisit that was asked today."""
    decision = make_decided(party=party, kind=kind)
    contact: Contact | None = decision.party.contact
    plan_revisit(
        decision_id=decision.id,
        decided_on=decision.decided_on,
        contact_id=contact.id if contact else None,
        opted_out=bool(contact and contact.opted_out_at),
        asked_on=clock.today(),
    )
    return db.session.scalars(sa.select(Revisit).where(Revisit.decision_id == decision.id)).one()
