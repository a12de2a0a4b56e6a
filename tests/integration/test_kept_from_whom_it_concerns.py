"""Whom a complaint is about finds nothing of it, on no page of the portal, and nothing they send changes it.

Every route is asked, and whatever the pages link to, as five people who must not know of it; a new route is asked as
soon as it is there. One who may know of it goes the same way first, so that the test is known to find what is there.
"""

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice, product
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from portal import clock
from portal.accountability.service import open_record
from portal.accounts.models import Role, Staff
from portal.calls.models import Call
from portal.calls.service import ask_for_call
from portal.complaint_publication.service import Words, save_words
from portal.complaint_words.service import remove_words
from portal.complaint_worklists import queries as worklist
from portal.complaints import queries
from portal.complaints.models import (
    Complaint,
    ComplaintEvent,
    ComplaintFile,
    ComplaintKind,
    ComplaintNamed,
    ComplaintOrgan,
    ComplaintState,
    Finding,
    OrganPart,
)
from portal.complaints.service import add_event
from portal.contacts.rules import mask_phone
from portal.db import Model, db
from portal.messages.models import Message, Reply
from portal.rectifications.service import open_rectification
from portal.supervisions.service import order_supervision
from tests.conftest import PASSWORD
from tests.factories.accounts import make_staff
from tests.factories.complaints import make_complaint
from tests.factories.organs import make_officer, make_organ

NAMED, CLERK = "钱虚构管理", "孙虚构经办"
CARD = "16081234567"
# No other number on a page looks like these.
FIRST_ID = 7_340_021
MOST_LINKS = 120
# What ends the session of whoever asks, or changes what they may sign in with.
LEFT_OUT = ("staff.accounts.", "staff.second_factors.", "hooks.")
# Three about how an organ acted, which another organ joins in handling, a report that this other organ handles, and one
# that names nobody: split off the first, joined with the second, from the sender of the third.
CASES = (
    (ComplaintKind.CONDUCT, ComplaintState.SUBMITTED),
    (ComplaintKind.CONDUCT, ComplaintState.ACCEPTED),
    (ComplaintKind.CONDUCT, ComplaintState.ANSWERED),
    (ComplaintKind.REPORT, ComplaintState.ACCEPTED),
    (ComplaintKind.REPORT, ComplaintState.ACCEPTED),
)
LINKED = 4


@dataclass
class World:
    """Cases, who must not know of how many of them, and what of each must stand nowhere."""

    cases: list[Complaint]
    people: list[tuple[str, Staff, int]]

    def secrets(self, count: int) -> list[str]:
        """Return what gives the first cases away: number, id, words, sender and phone."""
        found = []
        for number, case in enumerate(self.cases[:count]):
            found += [case.number, str(case.id), *words_of(number).values(), phone_of(number)[3:]]
            found.append(mask_phone(phone_of(number)))
        return found


def words_of(number: int) -> dict[str, str]:
    """Return what is written in a case, unlike what is written in any other."""
    letter = "甲乙丙丁戊"[number]
    words = {"facts": "事实", "wants": "要求", "place": "地点", "title": "标题", "sender_name": "举报"}
    return {name: f"虚构{word}{letter}{letter}" for name, word in words.items()}


def phone_of(number: int) -> str:
    """Return the phone of the sender of a case."""
    return f"+861395555777{number}"


@pytest.fixture
def world(app: Flask) -> World:
    """File the cases, each with all that hangs on a case, and let those in whom they concern."""
    accused, supervising, joint = make_organ(), make_organ(supervises=True), make_organ()
    officer = make_officer(accused, CARD, name="别名不同")
    people = [
        ("clerk of the accused organ", make_staff(role=Role.CLERK, organ_id=accused.id), 5),
        ("supervisor of the accused organ", make_staff(role=Role.SUPERVISOR, organ_id=accused.id), 3),
        ("administrator who is named", make_staff(role=Role.ADMIN, name=NAMED), 4),
        ("supervisor whose card is named", make_staff(role=Role.SUPERVISOR, organ_id=supervising.id), 4),
        ("clerk named in what their organ handles", make_staff(role=Role.CLERK, organ_id=joint.id, name=CLERK), 4),
        ("clerk of an organ that joins in", make_staff(role=Role.CLERK, organ_id=joint.id), 3),
    ]
    people[3][1].officer_id = officer.id
    filler = start_numbers_high()
    cases = [make_case(number, accused.id, joint.id) for number in range(len(CASES))]
    for model in (ComplaintEvent, ComplaintNamed):
        db.session.execute(sa.delete(model).where(model.complaint_id == filler))
    db.session.execute(sa.delete(Complaint).where(Complaint.id == filler))
    link(cases)
    db.session.commit()
    return World(cases, people)


def link(cases: Sequence[Complaint]) -> None:
    """Tie the first cases to the one that names nobody, as splitting and joining do."""
    first, second, third, _fourth, linked = cases
    linked.split_from_id, linked.contact_id, linked.organ_id = first.id, third.contact_id, third.organ_id
    second.merged_into_id = linked.id
    add_event(linked, "split-from", public=True, text=first.number, staff=make_staff(name="分案人"))
    add_event(linked, "merged", public=False, text=second.number, staff=make_staff(name="并案人"))


def start_numbers_high() -> int:
    """Let cases have numbers of their own; return the case that SQLite counts on from."""
    make_complaint()
    remove_words(*db.session.scalars(sa.select(Complaint.id)))
    db.session.execute(sa.delete(ComplaintEvent))
    db.session.execute(sa.update(Complaint).values(id=FIRST_ID - 1))
    db.session.expunge_all()
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.text(f"ALTER SEQUENCE complaint_id_seq RESTART WITH {FIRST_ID}"))
    return FIRST_ID - 1


def make_case(number: int, accused_id: int, joint_id: int) -> Complaint:
    """File a case with messages, a reply, an answer, a call and a file, and let its deadline be over."""
    kind, state = CASES[number]
    report, words = kind is ComplaintKind.REPORT, words_of(number)
    named = "" if number == LINKED else f"：{NAMED}与证号{CARD}{CLERK if report else ''}"
    case = make_complaint(
        kind=kind,
        organ_id=joint_id if report else accused_id,
        phone=phone_of(number),
        state=state,
        facts=words["facts"] + named,
        wants=words["wants"],
        place=words["place"],
        sender_name=words["sender_name"],
    )
    case.title = words["title"]
    case.next_due_on = case.accept_due_on = case.answer_due_on = date(2025, 1, 3)
    if state is ComplaintState.ANSWERED:
        case.next_due_on, case.answer, case.answered_at = None, words["wants"], clock.now()
        case.grade, case.solved, case.rated_at = 1, False, clock.now()
        case.finding, case.publish_consent = Finding.FOUNDED, True
        open_rectification(complaint=case)
        open_record(complaint=case, staff=make_staff(), ground="officer-card", facts=words["facts"])
        save_words(complaint=case, staff=make_staff(), words=Words(words["title"], words["facts"], words["wants"]))
    if not report:
        db.session.add(ComplaintOrgan(complaint=case, organ_id=joint_id, part=OrganPart.JOINT))
    add_event(case, "supplement", public=True, text=words["facts"])
    office = make_staff(role=Role.SUPERVISOR)
    order_supervision(complaint=case, staff=office, reason=words["facts"], within=1)
    add_file(case, words["title"])
    add_reply(case, number)
    return case


def add_file(case: Complaint, name: str) -> None:
    """Add a document."""
    digits = {"media_type": "application/pdf", "size": 1, "sha256": "0" * 64}
    db.session.add(ComplaintFile(complaint=case, token=f"{case.id:032d}", name=f"{name}.pdf", **digits))


def add_reply(case: Complaint, number: int) -> None:
    """Ask for a call about the first message of a case, and let its sender reply."""
    message = db.session.scalars(sa.select(Message).where(Message.subject == f"complaint:{case.id}")).first()
    assert message is not None
    ask_for_call(subject=message.subject, reason="undelivered", message_id=message.id)
    reply = Reply(provider="sandbox", event_key=message.key, phone=phone_of(number), text=words_of(number)["facts"])
    reply.message_id, reply.contact_id = message.id, message.contact_id
    db.session.add(reply)
    db.session.flush()


def values_of(cases: Sequence[Complaint]) -> dict[str, list[Any]]:
    """Return what stands for each part of an address that varies: the cases, and whatever refers to them."""
    ids = [case.id for case in cases]
    found: dict[str, list[Any]] = {"complaint_id": ids, "case_id": ids}
    for table in tables_of_cases():
        if "id" in table.c:
            rows = db.session.scalars(sa.select(table.c["id"]).where(table.c["complaint_id"].in_(ids)).limit(2))
            found[f"{table.name.removeprefix('complaint_')}_id"] = list(rows)
    subjects = [f"complaint:{number}" for number in ids]
    found["message_id"] = list(db.session.scalars(sa.select(Message.id).where(Message.subject.in_(subjects))))
    found["reply_id"] = list(db.session.scalars(sa.select(Reply.id).where(Reply.message_id.in_(found["message_id"]))))
    found["call_id"] = list(db.session.scalars(sa.select(Call.id).where(Call.subject.in_(subjects))))
    return found


def tables_of_cases() -> list[sa.Table]:
    """Return the tables whose rows belong to cases."""
    return [table for table in Model.metadata.sorted_tables if "complaint_id" in table.c]


def addresses(app: Flask, values: dict[str, list[Any]], method: str, *, public: bool) -> Iterator[str]:
    """Yield the addresses of every route of staff, or of all, with what hangs on the cases wherever they vary."""
    for rule in app.url_map.iter_rules():
        asked = public or rule.endpoint.startswith("staff.")
        if asked and method in (rule.methods or ()) and not rule.endpoint.startswith(LEFT_OUT):
            yield from islice(built(app, rule, values), len(CASES))


def built(app: Flask, rule: Rule, values: dict[str, list[Any]]) -> Iterator[str]:
    """Yield the addresses of a route."""
    names = sorted(rule.arguments)
    for chosen in product(*(values.get(name) or [1] for name in names)):
        with app.test_request_context():
            made = rule.build(dict(zip(names, chosen, strict=True)))
        if made is not None:
            yield made[1]


def enter(app: Flask, staff: Staff) -> FlaskClient:
    """Return a client of somebody who is signed in."""
    client = app.test_client()
    assert client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD}).status_code == 302
    return client


def leaks(secrets: Iterable[str], address: str, answer: Any, sent: str = "") -> list[str]:
    """Return what an answer gives away that was not in what was asked or sent."""
    text, known = html.unescape(answer.get_data(as_text=True) + str(answer.headers)), unquote(address) + sent
    return [f"{address}: {secret}" for secret in secrets if secret in text and secret not in known]


def go_everywhere(client: FlaskClient, addresses: Iterable[str], number: str) -> Iterator[tuple[str, Any]]:
    """Ask addresses that can be read, and what those of staff link to; search for a case by its number."""
    waiting = [*addresses, *(f"/{place}?q={number}" for place in ("staff/complaints/", "staff/permits/", "search"))]
    asked: set[str] = set()
    followed = 0
    while waiting:
        address = waiting.pop(0)
        if address in asked:
            continue
        asked.add(address)
        answer = client.get(address, buffered=True)
        assert answer.status_code != 500, address
        yield address, answer
        if answer.mimetype == "text/html" and address.startswith("/staff") and followed < MOST_LINKS:
            links = [link for link in staff_links(address, answer.text) if link not in asked]
            followed += len(links)
            waiting += links


def staff_links(address: str, text: str) -> list[str]:
    """Return where a page of staff leads to within the staff side, each once."""
    found = (urljoin(address, str(link["href"])) for link in BeautifulSoup(text, "html.parser").select("a[href]"))
    inside = (urlsplit(link) for link in found)
    return list(dict.fromkeys(link._replace(fragment="").geturl() for link in inside if link.path.startswith("/staff")))


def state_of(cases: Sequence[Complaint]) -> list[Any]:
    """Return everything about cases that somebody could change."""
    ids, case = [case.id for case in cases], sa.inspect(Complaint).local_table
    counts = [
        db.session.scalar(sa.select(sa.func.count()).select_from(table).where(table.c["complaint_id"].in_(ids)))
        for table in tables_of_cases()
    ]
    rows = db.session.execute(sa.select(case).where(case.c["id"].in_(ids)).order_by(case.c["id"])).all()
    subjects = [f"complaint:{number}" for number in ids]
    messages = sa.select(Message.state, Message.due_at).where(Message.subject.in_(subjects)).order_by(Message.id)
    calls = sa.select(Call.done_at).where(Call.subject.in_(subjects)).order_by(Call.id)
    return [counts, *map(tuple, [*rows, *db.session.execute(messages), *db.session.execute(calls)])]


def everything(cases: Sequence[Complaint], staff: Staff) -> dict[str, Any]:
    """Return what is sent to every form: whatever a step of a case may ask for."""
    ids, mine = [str(case.id) for case in cases], str(staff.organ_id or 1)
    chosen = ("ids", "id", "complaint", "complaints", "complaint_id", "case", "cases", "chosen", "into")
    words = ("answer", "reason", "note", "text", "why", "words", "message", "result", "name", "title", "comment")
    own = {"handler": str(staff.id), "organ": mine, "transfer_organ": mine, "go": "send", "number": cases[0].number}
    return dict.fromkeys(chosen, ids) | dict.fromkeys(words, "试") | own


def test_who_may_know_of_it_finds_it(app: Flask, world: World) -> None:
    client, values = enter(app, make_staff(role=Role.SUPERVISOR)), values_of(world.cases)
    found: set[str] = set()
    for address, answer in go_everywhere(client, addresses(app, values, "GET", public=True), world.cases[0].number):
        found.update(leaks(world.secrets(len(CASES)), address, answer))
    # The public pages give nothing away to anybody.
    assert {line.split("/")[1] for line in found} == {"staff"}
    assert {f"/staff/complaints/{world.cases[LINKED].id}: {case.number}" for case in world.cases[:3]} <= found
    for number, case in enumerate(world.cases):
        assert f"/staff/complaints/: {case.number}" in found
        assert f"/staff/complaints/{case.id}: {words_of(number)['facts']}" in found
        assert f"/staff/calls/: {case.id}" in found
        assert f"/staff/supervisions/: {case.number}" in found
        assert f"/staff/supervisions/{case.id}: {words_of(number)['facts']}" in found
        assert f"/staff/messages/: {mask_phone(phone_of(number))}" in found
        assert f"/staff/messages/replies: {mask_phone(phone_of(number))}" in found
    answered = next(case for case in world.cases if case.state is ComplaintState.ANSWERED)
    for place in ("rectifications", "accountability", "complaint-publication"):
        assert any(line.startswith(f"/staff/{place}/{answered.id}:") for line in found), place
    opened = client.post(f"/staff/messages/{values['message_id'][0]}/open")
    assert phone_of(0)[3:] in opened.text.replace(" ", "")


@pytest.mark.parametrize("who", range(6))
def test_whom_it_concerns_finds_nothing(app: Flask, world: World, who: int) -> None:
    name, staff, count = world.people[who]
    cases, secrets = world.cases[:count], world.secrets(count)
    values, before, sent = values_of(cases), state_of(cases), everything(cases, staff)
    assert worklist.count_views(staff, clock.today())["all"] == len(CASES) - count, name
    client = enter(app, staff)
    found: list[str] = []
    # What they may see leads to what they may not.
    readable = addresses(app, values_of([*cases, world.cases[LINKED]]), "GET", public=who == 2)
    for address, answer in go_everywhere(client, readable, cases[0].number):
        found += leaks(secrets, address, answer)
    for address in addresses(app, values, "POST", public=who == 2):
        answer = client.post(address, data=sent, buffered=True)
        assert answer.status_code != 500, address
        found += leaks(secrets, address, answer, str(sent))
    assert found == [], name
    assert state_of(cases) == before, name


def test_nobody_whom_it_concerns_can_be_given_it(world: World) -> None:
    for place, case in enumerate(world.cases):
        able = {row.id for row in queries.list_assignable(case)}
        for name, staff, count in world.people:
            assert (staff.id in able) is (place >= count), name
