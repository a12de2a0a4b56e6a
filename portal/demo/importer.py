"""Writing the demonstration's past: decisions, revisits, complaints."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.accounts.models import Role, Staff
from portal.bases.models import Article, Basis
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.complaints.models import Complaint, ComplaintEvent, ComplaintKind, ComplaintState
from portal.complaints.queries import find_next_due
from portal.complaints.service import take_number
from portal.contacts.service import keep_contact
from portal.db import db
from portal.decision_corrections import service as corrections
from portal.decision_endings import service as endings
from portal.decision_reviews.queries import find_needed_checks
from portal.decisions.models import CheckKind, Decision, DecisionCheck, DecisionKind, DecisionState
from portal.decisions.service import find_end, keep_texts
from portal.demo import rules
from portal.organs.models import Organ
from portal.parties.models import Party
from portal.revisits.models import FollowUp, Revisit, RevisitState

PENALTIES = 220
INSPECTIONS = 60
PERMITS = 30
COERCIONS = 8
COMPLAINTS = 130


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """Return a moment of a city day that is past, whatever the hour at which the demonstration starts."""
    return min(datetime.combine(day, time(hour, minute), clock.CITY_ZONE), clock.now() - timedelta(minutes=10))


@dataclass
class Scene:
    """What the writers of the past share."""

    random: Random
    today: date
    calendar: WorkingCalendar
    organs: dict[str, Organ]
    parties: dict[str, list[Party]]
    articles: dict[tuple[str, int], int]
    staff: dict[tuple[int, Role], Staff]

    @classmethod
    def look(cls, organs: dict[str, Organ]) -> "Scene":
        """Gather what is in the database so far."""
        firms = {firm.credit_code: firm.trade["organ"] for firm in rules.firms(rules.FIRMS)}
        parties: dict[str, list[Party]] = {}
        for party in db.session.scalars(sa.select(Party).order_by(Party.id)):
            parties.setdefault(firms.get(party.credit_code or "", "market"), []).append(party)
        rows = db.session.execute(sa.select(Basis.title, Article.number, Article.id).join(Article.basis))
        articles = {(row.title, row.number): row.id for row in rows}
        staff = {(row.organ_id or 0, row.role): row for row in db.session.scalars(sa.select(Staff))}
        return cls(Random(rules.SEED), clock.today(), get_calendar(), organs, parties, articles, staff)

    def pick_party(self, organ: str) -> Party:
        """Return a party that an organ has to do with."""
        return self.random.choice(self.parties.get(organ) or self.parties["market"])


def write_decisions(scene: Scene) -> list[Decision]:
    """Write decisions of every kind of the past year, most of them published."""
    words = rules.facts()
    kinds = words["inspections"]
    decisions = [_penalty(scene, words["penalties"][n % len(words["penalties"])], n) for n in range(PENALTIES)]
    decisions += [_inspection(scene, kinds[n % len(kinds)], n) for n in range(INSPECTIONS)]
    decisions += [_permit(scene, n) for n in range(PERMITS)]
    decisions += [_coercion(scene, n) for n in range(COERCIONS)]
    db.session.flush()
    for decision in decisions:
        _check(decision)
    db.session.flush()
    return decisions


def _penalty(scene: Scene, template: dict[str, Any], number: int) -> Decision:
    organ = scene.organs[template["organ"]]
    decided_on = _decision_day(scene, number)
    party = scene.pick_party(template["organ"])
    law = template["basis"].split("》")[0].removeprefix("《")
    fine = Decimal(template["fine"])
    witness = rules.facts()["witness"].format(phone=rules.phone(7000 + number)) if number % 3 == 0 else ""
    decision = Decision(
        kind=DecisionKind.PENALTY,
        document_number=f"{rules.code_of(template['organ'])}〔{decided_on.year}〕{number + 1}号",
        article_id=scene.articles.get((law, template["article"])),
        measures=template["measures"],
        fine=fine,
        decided_on=decided_on,
        on_the_spot=fine <= 800,
        revisit_required=fine >= 5000,
    )
    texts = {
        "title": template["title"],
        "violation": template["violation"],
        "facts": f"{template['facts']}{witness}（虚构案例）",
        "basis_text": template["basis"],
        "content": "；".join(
            f"罚款{fine:,.0f}元" if measure == "罚款" else measure for measure in template["measures"]
        ),
    }
    return _write(scene, decision, organ, party, texts, number)


def _inspection(scene: Scene, template: dict[str, str], number: int) -> Decision:
    slug = scene.random.choice([slug for slug in scene.organs if slug != "justice"])
    decided_on = _decision_day(scene, number * 3)
    decision = Decision(
        kind=DecisionKind.INSPECTION,
        document_number=f"{rules.code_of(slug)[:2]}检〔{decided_on.year}〕{number + 1}号",
        decided_on=decided_on,
    )
    texts = {"title": template["title"], "facts": f"{template['facts']}（虚构案例）", "content": template["title"]}
    return _write(scene, decision, scene.organs[slug], scene.pick_party(slug), texts, number + 20)


def _permit(scene: Scene, number: int) -> Decision:
    words = rules.facts()["permit_decision"]
    decided_on = _decision_day(scene, number * 6)
    decision = Decision(
        kind=DecisionKind.PERMIT,
        document_number=f"{rules.code_of(words['organ'])[:2]}许〔{decided_on.year}〕{number + 1}号",
        decided_on=decided_on,
        permit_category=words["category"],
        valid_from=decided_on,
        valid_to=decided_on + timedelta(days=1825),
    )
    names = ("title", "content", "document_name", "certificate", "basis_text")
    texts = {name: words[name] for name in names} | {"permit_number": f"虚构许{90_000 + number}号"}
    return _write(scene, decision, scene.organs[words["organ"]], scene.pick_party(words["organ"]), texts, number + 40)


def _coercion(scene: Scene, number: int) -> Decision:
    words = rules.facts()["coercion"]
    decided_on = _decision_day(scene, number * 20)
    decision = Decision(
        kind=DecisionKind.COERCION,
        document_number=f"{rules.code_of(words['organ'])[:2]}强〔{decided_on.year}〕{number + 1}号",
        decided_on=decided_on,
        valid_from=decided_on,
        valid_to=decided_on + timedelta(days=30),
    )
    texts = {name: words[name] for name in ("title", "facts", "content", "basis_text")}
    return _write(scene, decision, scene.organs[words["organ"]], scene.pick_party(words["organ"]), texts, number + 60)


def _write(
    scene: Scene, decision: Decision, organ: Organ, party: Party, texts: dict[str, str], number: int
) -> Decision:
    """Give a decision its organ, party and words, masked by the machine, and take it as far as its age makes likely."""
    decision.organ_id, decision.party = organ.id, party
    clerk = scene.staff.get((organ.id, Role.CLERK))
    decision.created_by_id = decision.edited_by_id = clerk.id if clerk else None
    known = {"industry": party.industry, "place": scene.random.choice(rules.facts()["streets"])}
    keep_texts(decision=decision, texts=texts | known)
    _publish(scene, decision, number)
    db.session.add(decision)
    return decision


def _check(decision: Decision) -> None:
    """Put on record what a decision needs before its publication; for a few that are late nobody has done so."""
    if decision.state is DecisionState.DRAFT:
        return
    for check in dict.fromkeys(need.check for need in find_needed_checks(decision)):
        db.session.add(
            DecisionCheck(
                decision_id=decision.id,
                kind=CheckKind(check),
                document_number=f"虚构审〔{decision.decided_on.year}〕{decision.id}号",
                concluded_on=decision.decided_on - timedelta(days=2),
                passed=True,
            )
        )


def _decision_day(scene: Scene, number: int) -> date:
    """Spread decisions over a year, denser towards today."""
    return scene.calendar.on_or_after(scene.today - timedelta(days=1 + int((number / PENALTIES) ** 1.6 * 380))).day


def _publish(scene: Scene, decision: Decision, number: int) -> None:
    age = (scene.today - decision.decided_on).days
    if age <= 3 or (age <= 20 and number % 4 == 0):
        decision.state = (DecisionState.REVIEW, DecisionState.DRAFT, DecisionState.SENT_BACK)[number % 3]
        if decision.state is DecisionState.REVIEW:
            decision.masked_at, decision.masked_by_id = at(scene.today, 8, number % 60), decision.edited_by_id
        if decision.state is DecisionState.SENT_BACK:
            decision.review_note = rules.facts()["stories"]["sent_back"]
        return
    published_on = scene.calendar.add_working_days(decision.decided_on, 2 + number % 5).day
    decision.state = DecisionState.PUBLISHED
    decision.published_at = decision.masked_at = at(min(published_on, scene.today), 8, number % 60)
    decision.masked_by_id = decision.edited_by_id
    decision.publish_until = find_end(decision, decision.published_at.date())


def tell_stories(scene: Scene, decisions: list[Decision]) -> None:
    """Correct, withdraw and end some publications, by the services of the real thing, so that each state is met."""
    market = scene.organs["market"].id
    clerk, reviewer = scene.staff[market, Role.CLERK], scene.staff[market, Role.REVIEWER]
    shown = [d for d in decisions if d.organ_id == market and d.state is DecisionState.PUBLISHED]
    shown = [d for d in shown if d.publish_until is None or d.publish_until >= scene.today]
    _correct(scene, shown[:3], clerk, reviewer)
    _withdraw(scene, shown[3:9], clerk, reviewer)
    _repair(scene, shown[9:], clerk, reviewer)


def _correct(scene: Scene, decisions: list[Decision], clerk: Staff, reviewer: Staff) -> None:
    """Put one correction before the public, refuse one, and leave one whose answer is late."""
    words = rules.facts()["stories"]
    objected_on = scene.calendar.add_working_days(scene.today, -5).day
    rows = [
        corrections.propose_correction(
            decision=decision,
            staff=clerk,
            note=words["facts_note" if number == 2 else "correction"],
            wanted={"facts": words["correction_facts"]} if number == 2 else {"industry": words["industry"]},
            objected_on=objected_on,
        )
        for number, decision in enumerate(decisions)
    ]
    choices = corrections.made_choices(decisions[0])
    corrections.confirm_masking(decision=decisions[0], correction=rows[0], staff=clerk, choices=choices)
    corrections.apply_correction(decision=decisions[0], correction=rows[0], staff=reviewer)
    corrections.refuse_correction(
        decision=decisions[1], correction=rows[1], staff=reviewer, answer=words["correction_refused"]
    )


def _withdraw(scene: Scene, decisions: list[Decision], clerk: Staff, reviewer: Staff) -> None:
    """Withdraw all but two; of one of those the order is late, of the other it came today."""
    words = rules.facts()["stories"]
    for number, decision in enumerate(decisions):
        ordered_on = scene.today if number == 1 else scene.calendar.add_working_days(scene.today, -5).day
        endings.order_withdrawal(decision=decision, staff=clerk, ordered_on=ordered_on, order=words["order"])
        if number >= 2:
            endings.withdraw(decision=decision, staff=reviewer, reason=words["withdrawal"])


def _repair(scene: Scene, decisions: list[Decision], clerk: Staff, reviewer: Staff) -> None:
    """Grant one application for credit repair, refuse one, and leave one to be decided."""
    words = rules.facts()["stories"]
    able = [decision for decision in decisions if not endings.describe_obstacle(decision)]
    for number, decision in enumerate(able[:3]):
        repair = endings.apply_for_repair(
            decision=decision, staff=clerk, applied_on=scene.today, reason=words["repair"]
        )
        if number < 2:
            answer = words["repair_granted"] if number == 0 else words["repair_refused"]
            endings.decide_repair(decision=decision, repair=repair, staff=reviewer, granted=number == 0, answer=answer)


def write_revisits(scene: Scene, decisions: list[Decision]) -> None:
    """Write the revisits of all but the latest decisions; the planner finds the rest by itself."""
    asked = [d for d in decisions if d.revisit_required and d.state is DecisionState.PUBLISHED]
    for number, decision in enumerate(d for d in asked if d.decided_on < scene.today - timedelta(days=10)):
        party = db.session.get_one(Party, decision.party_id)
        revisit = Revisit(
            decision_id=decision.id,
            contact_id=party.contact_id,
            due_on=decision.decided_on + timedelta(days=7),
            state=RevisitState.ASKED,
        )
        db.session.add(revisit)
        if number % 6 == 0:
            revisit.state = RevisitState.PERSON if number % 12 == 0 else RevisitState.ASKED
            continue
        revisit.grade = (5, 4, 5, 3, 4, 5, 2, 4, 1)[number % 9]
        revisit.answered_at = at(min(revisit.due_on + timedelta(days=1), scene.today), 10, number % 60)
        revisit.channel = ("sms", "link", "phone")[number % 3]
        revisit.state = RevisitState.ANSWERED
        words = rules.facts()["bad_comments" if revisit.grade <= 2 else "good_comments"]
        revisit.comment = scene.random.choice(words)
        if revisit.grade <= 2:
            _follow_up(scene, revisit)


def _follow_up(scene: Scene, revisit: Revisit) -> None:
    opened = revisit.answered_at.date() if revisit.answered_at else scene.today
    follow_up = FollowUp(
        revisit=revisit,
        contact_due_on=scene.calendar.add_working_days(opened, 1).day,
        due_on=scene.calendar.add_working_days(opened, 15).day,
        created_at=revisit.answered_at,
    )
    if opened < scene.today - timedelta(days=40):
        follow_up.contacted_at = at(follow_up.contact_due_on, 15)
        follow_up.closed_at = at(follow_up.due_on, 11)
        follow_up.answer = "已当面说明情况并致歉，当事人表示理解。"
        revisit.state = RevisitState.CLOSED
    db.session.add(follow_up)


def write_complaints(scene: Scene, *, code_hash: str) -> None:
    """Write complaints of the past four months, one of them with a query code that the demonstration tells."""
    templates = rules.facts()["complaints"]
    for number in range(COMPLAINTS):
        age = int((number / COMPLAINTS) ** 1.5 * 120)
        template = templates[number % len(templates)]
        db.session.add(_complaint(scene, template, number, age, code_hash))
    db.session.flush()


def _complaint(scene: Scene, template: dict[str, Any], number: int, age: int, code_hash: str) -> Complaint:
    received = scene.today - timedelta(days=age)
    conduct = template["kind"] == "conduct"
    organ = scene.organs[template["organ"]]
    anonymous = number % 4 == 3
    complaint = Complaint(
        number=take_number(received),
        case_type_key=template["kind"],
        delicate=conduct,
        clock_from_on=received,
        code_hash=code_hash if number == rules.SHOWN_COMPLAINT else "-",
        kind=ComplaintKind(template["kind"]),
        state=ComplaintState.SUBMITTED,
        category=template["category"],
        organ_id=organ.id,
        handler_organ_id=scene.organs["justice"].id if conduct else organ.id,
        title=template["title"],
        facts=f"{template['facts']}（虚构）",
        wants=template["wants"],
        happened_on=received - timedelta(days=2),
        place=scene.random.choice(rules.facts()["streets"]),
        anonymous=anonymous,
        sender_name="" if anonymous else rules.person(scene.random),
        contact_id=None if anonymous else keep_contact(f"+86{rules.phone(9000 + number)}").id,
        sms_wanted=not anonymous,
        received_at=at(received, 8, number % 60),
        accept_due_on=scene.calendar.add_working_days(received, 5).day,
        answer_due_on=scene.calendar.add_working_days(received, 15).day,
    )
    ComplaintEvent(complaint=complaint, at=complaint.received_at, action="submit", public=True)
    _proceed(complaint, template["answer"], number, age)
    complaint.next_due_on = find_next_due(complaint)
    return complaint


def _proceed(complaint: Complaint, answer: str, number: int, age: int) -> None:
    """Take a complaint as far as its age makes likely; some are late on purpose."""
    received = complaint.received_at
    if age < 2 or (age < 14 and number % 9 == 5):
        return
    complaint.accepted_at = received + timedelta(days=1)
    if number % 19 == 4:
        complaint.state = ComplaintState.REFUSED
        complaint.refusal_reason = "反映的事项属于劳动争议，请向劳动人事争议仲裁委员会申请仲裁。"
        ComplaintEvent(complaint=complaint, at=complaint.accepted_at, action="refuse", public=True)
        return
    complaint.state = ComplaintState.ACCEPTED
    ComplaintEvent(complaint=complaint, at=complaint.accepted_at, action="accept", public=True)
    if age < 12 or (age < 30 and number % 6 == 2):
        return
    complaint.state = ComplaintState.ANSWERED
    complaint.answered_at = received + timedelta(days=min(age - 1, 10 + number % 9))
    complaint.answer = answer
    ComplaintEvent(complaint=complaint, at=complaint.answered_at, action="answer", public=True)
    if number % 3:
        complaint.grade = (5, 4, 5, 3, 4, 2, 5)[number % 7]
        complaint.solved = complaint.grade > 2
        complaint.rated_at = complaint.answered_at + timedelta(hours=4)
        ComplaintEvent(complaint=complaint, at=complaint.rated_at, action="rate", public=True)
