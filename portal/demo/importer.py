"""Writing the demonstration's past: decisions, revisits, complaints."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.bases.models import Article, Basis
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.complaints.models import Complaint, ComplaintEvent, ComplaintKind, ComplaintState
from portal.complaints.service import take_number
from portal.contacts.service import keep_contact
from portal.db import db
from portal.decisions import rules as decision_rules
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.demo import rules
from portal.organs.models import Organ
from portal.parties.models import Party
from portal.revisits.models import FollowUp, Revisit, RevisitState

PENALTIES = 220
INSPECTIONS = 60
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

    @classmethod
    def look(cls, organs: dict[str, Organ]) -> "Scene":
        """Gather what is in the database so far."""
        firms = {firm.credit_code: firm.trade["organ"] for firm in rules.firms(rules.FIRMS)}
        parties: dict[str, list[Party]] = {}
        for party in db.session.scalars(sa.select(Party).order_by(Party.id)):
            parties.setdefault(firms.get(party.credit_code or "", "market"), []).append(party)
        rows = db.session.execute(sa.select(Basis.title, Article.number, Article.id).join(Article.basis))
        articles = {(row.title, row.number): row.id for row in rows}
        return cls(Random(rules.SEED), clock.today(), get_calendar(), organs, parties, articles)

    def pick_party(self, organ: str) -> Party:
        """Return a party that an organ has to do with."""
        return self.random.choice(self.parties.get(organ) or self.parties["market"])


def write_decisions(scene: Scene) -> list[Decision]:
    """Write penalties and inspections of the past year, most of them published."""
    words = rules.facts()
    decisions = []
    for number in range(PENALTIES):
        template = words["penalties"][number % len(words["penalties"])]
        decisions.append(_penalty(scene, template, number))
    for number in range(INSPECTIONS):
        decisions.append(_inspection(scene, words["inspections"][number % 2], number))
    db.session.add_all(decisions)
    db.session.flush()
    return decisions


def _penalty(scene: Scene, template: dict[str, Any], number: int) -> Decision:
    organ = scene.organs[template["organ"]]
    decided_on = _decision_day(scene, number)
    party = scene.pick_party(template["organ"])
    law = template["basis"].split("》")[0].removeprefix("《")
    fine = Decimal(template["fine"])
    decision = Decision(
        kind=DecisionKind.PENALTY,
        organ_id=organ.id,
        party_id=party.id,
        document_number=f"{rules.code_of(template['organ'])}〔{decided_on.year}〕{number + 1}号",
        title=template["title"],
        violation=template["violation"],
        facts=f"{template['facts']}（虚构案例）",
        basis_text=template["basis"],
        article_id=scene.articles.get((law, template["article"])),
        measures=template["measures"],
        content="；".join(f"罚款{fine:,.0f}元" if measure == "罚款" else measure for measure in template["measures"]),
        fine=fine,
        decided_on=decided_on,
        on_the_spot=fine <= 800,
        revisit_required=fine >= 5000,
    )
    _publish(scene, decision, number)
    return decision


def _inspection(scene: Scene, template: dict[str, str], number: int) -> Decision:
    slug = scene.random.choice([slug for slug in scene.organs if slug != "justice"])
    decided_on = _decision_day(scene, number * 3)
    decision = Decision(
        kind=DecisionKind.INSPECTION,
        organ_id=scene.organs[slug].id,
        party_id=scene.pick_party(slug).id,
        document_number=f"{rules.code_of(slug)[:2]}检〔{decided_on.year}〕{number + 1}号",
        title=template["title"],
        facts=f"{template['facts']}（虚构案例）",
        content=template["title"],
        decided_on=decided_on,
    )
    _publish(scene, decision, number + 20)
    return decision


def _decision_day(scene: Scene, number: int) -> date:
    """Spread decisions over a year, denser towards today."""
    return scene.calendar.on_or_after(scene.today - timedelta(days=1 + int((number / PENALTIES) ** 1.6 * 380))).day


def _publish(scene: Scene, decision: Decision, number: int) -> None:
    age = (scene.today - decision.decided_on).days
    if age <= 3 or (age <= 20 and number % 4 == 0):
        decision.state = (DecisionState.REVIEW, DecisionState.DRAFT, DecisionState.SENT_BACK)[number % 3]
        if decision.state is DecisionState.SENT_BACK:
            decision.review_note = "请补充违法事实的时间和地点。"
        return
    published_on = scene.calendar.add_working_days(decision.decided_on, 2 + number % 5).day
    decision.state = DecisionState.PUBLISHED
    decision.published_at = at(min(published_on, scene.today), 8, number % 60)
    weight = decision_rules.weight_of(
        decision.measures or [],
        decision.fine,
        on_the_spot=bool(decision.on_the_spot),
        natural_person=False,
        decided_on=decision.decided_on,
    )
    decision.publish_until = decision_rules.publish_until(
        decision.kind, weight, decided_on=decision.decided_on, published_on=decision.published_at.date()
    )
    if number % 41 == 7:
        decision.state = DecisionState.WITHDRAWN
        decision.withdrawn_at = decision.published_at + timedelta(days=20)
        decision.withdrawal_reason = "该决定经行政复议撤销，依法撤回公示。"


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
        code_hash=code_hash if number == rules.SHOWN_COMPLAINT else "-",
        kind=ComplaintKind(template["kind"]),
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
    complaint.events = [ComplaintEvent(at=complaint.received_at, action="submit", public=True)]
    _proceed(complaint, template["answer"], number, age)
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
        complaint.events.append(ComplaintEvent(at=complaint.accepted_at, action="refuse", public=True))
        return
    complaint.state = ComplaintState.ACCEPTED
    complaint.events.append(ComplaintEvent(at=complaint.accepted_at, action="accept", public=True))
    if age < 12 or (age < 30 and number % 6 == 2):
        return
    complaint.state = ComplaintState.ANSWERED
    complaint.answered_at = received + timedelta(days=min(age - 1, 10 + number % 9))
    complaint.answer = answer
    complaint.events.append(ComplaintEvent(at=complaint.answered_at, action="answer", public=True))
    if number % 3:
        complaint.grade = (5, 4, 5, 3, 4, 2, 5)[number % 7]
        complaint.solved = complaint.grade > 2
        complaint.rated_at = complaint.answered_at + timedelta(hours=4)
        complaint.events.append(ComplaintEvent(at=complaint.rated_at, action="rate", public=True))
