"""One record of every kind that staff pages show, all of one organ.

What is not for everybody bears a word by which a page gives away that it was read.
"""

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from werkzeug.datastructures import FileStorage

from portal import clock, uploads
from portal.accounts.models import Role
from portal.calls.models import Call
from portal.complaints.models import ComplaintKind
from portal.db import db
from portal.decisions.models import CreditRepair, DecisionCorrection, DecisionState
from portal.discretion.models import DiscretionStandard, DiscretionTier, Tier
from portal.imports.models import SpreadsheetImport
from portal.messages.models import Reply
from portal.organs.models import Organ, Recognition
from portal.rectifications.service import open_rectification
from portal.reply_drafts import service as drafts
from portal.risk_periods.models import BatchState
from portal.supervisions.service import order_supervision
from tests.factories.accounts import make_staff
from tests.factories.bases import article_of, make_basis
from tests.factories.casework import make_reply_template
from tests.factories.complaints import make_complaint, picture
from tests.factories.decisions import make_decision
from tests.factories.messages import make_contact, make_message
from tests.factories.organs import make_officer, make_organ, make_power, transfer
from tests.factories.parties import make_party
from tests.factories.permits import make_permit
from tests.factories.procedures import make_procedure
from tests.factories.revisits import make_revisit
from tests.factories.risk_periods import make_batch, make_period

MARK = "甲乙丙丁标记"


def make_everything(folder: Path, organ: Organ) -> dict[str, Any]:
    """Make the records and return their numbers, by the names that they have in addresses."""
    return {**make_decisions(organ), **make_registers(folder, organ), **make_work(organ), **make_complaints(organ)}


def make_decisions(organ: Organ) -> dict[str, Any]:
    """Make a draft, one for review and one that is published, with a correction and a repair that wait."""
    party = make_party(name=f"虚构{MARK}商店")
    states = (DecisionState.DRAFT, DecisionState.REVIEW, DecisionState.PUBLISHED)
    drafted, submitted, published = (
        make_decision(organ=organ, party=party, state=state, facts=f"{MARK}的事实", note=MARK) for state in states
    )
    correction = DecisionCorrection(decision_id=published.id, note="更正", after={"title": "另一标题"})
    repair = CreditRepair(decision_id=published.id, applied_on=clock.today(), reason=MARK)
    db.session.add_all([correction, repair])
    db.session.flush()
    return {
        "drafted": drafted.id,
        "submitted": submitted.id,
        "decision_id": published.id,
        "correction_id": correction.id,
        "repair_id": repair.id,
    }


def make_registers(folder: Path, organ: Organ) -> dict[str, Any]:
    """Make what the public reads anyway, and its keepers keep."""
    basis, power = make_basis(folder), make_power(organ)
    transfer(power, make_organ(), clock.today())
    standard = DiscretionStandard(code="XG-1", violation="虚构行为", organ_id=organ.id)
    standard.tiers = [DiscretionTier(position=position, tier=Tier.NORMAL) for position in (1, 2)]
    recognition = Recognition(year=2026, title="虚构公告", announced_on=clock.today())
    db.session.add_all([standard, recognition])
    procedure = make_procedure()
    db.session.flush()
    article = article_of(basis, 3)
    return {
        "basis_id": basis.id,
        "article_id": article.id,
        "item_id": power.id,
        "transfer_id": power.transfers[0].id,
        "ground_id": 1,
        "standard_id": standard.id,
        "tier_id": standard.tiers[0].id,
        "slug": procedure.slug,
        "step_id": procedure.steps[0].id,
        "year": recognition.year,
        "organ_id": organ.id,
        "officer_id": make_officer(organ).id,
    }


def make_work(organ: Organ) -> dict[str, Any]:
    """Make what organs and legal office have to do: permits, calls, complaints, messages, revisits, risk periods."""
    contact = make_contact()
    party = make_party(name=f"虚构{MARK}饭店")
    permit = make_permit(valid_to=clock.today() + timedelta(days=40), party=party, organ=organ)
    call = Call(
        key="x", subject=f"permit:{permit.id}", party=party, organ_id=organ.id, reason="x", due_on=clock.today()
    )
    reply = Reply(provider="sandbox", event_key="x", phone=contact.phone, text=MARK)
    message = make_message(contact=contact)
    handed = SpreadsheetImport(kind="permits", staff_id=None, file_name=MARK, sha256="x", counts={})
    db.session.add_all([call, reply, handed])
    db.session.flush()
    period = make_period()
    return {
        "permit_id": permit.id,
        "call_id": call.id,
        "reply_id": reply.id,
        "message_id": message.id,
        "import_id": handed.id,
        "revisit_id": make_revisit(party=make_party(name=f"虚构{MARK}超市")).id,
        "period_id": period.id,
        "batch_id": make_batch(period=period, state=BatchState.SUBMITTED).id,
        "staff_id": make_staff(organ_id=organ.id).id,
    }


def make_complaints(organ: Organ) -> dict[str, Any]:
    """Make a complaint that the organ handles, and one about its own conduct, which it never sees; each with a file."""
    ours, conduct = (
        make_complaint(kind=kind, organ_id=organ.id, facts=MARK, files=[stage_picture()])
        for kind in (ComplaintKind.REPORT, ComplaintKind.CONDUCT)
    )
    for case in (ours, conduct):
        case.grade, case.grade_comment = 1, MARK
        open_rectification(complaint=case)
        order_supervision(complaint=case, staff=make_staff(role=Role.SUPERVISOR), reason=MARK, within=5)
        drafts.save_draft(complaint=case, staff=make_staff(), reply=drafts.Reply(text=MARK))
    return {
        "complaint_id": ours.id,
        "template_id": make_reply_template().id,
        "file_id": ours.files[0].id,
        "conduct": {"complaint_id": conduct.id, "file_id": conduct.files[0].id},
    }


def stage_picture() -> uploads.Staged:
    """Take a photograph in, as the form does."""
    return uploads.stage(FileStorage(BytesIO(picture()), filename="photo.jpg"))
