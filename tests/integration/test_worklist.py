"""The worklist: filters that narrow, filters that are kept, words in sealed texts, and many cases at once."""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.calendar.rules import DAY
from portal.case_clocks.service import ask_sender
from portal.case_steps.service import add_note
from portal.complaint_named.service import add_named
from portal.complaint_tracking.service import add_supplement
from portal.complaint_words.models import ComplaintWords
from portal.complaint_words.service import enter_missing, remove_words
from portal.complaint_worklists import queries, rules
from portal.complaint_worklists.models import SavedFilter
from portal.complaint_worklists.rules import Filters
from portal.complaints.models import Channel, Complaint, ComplaintKind, ComplaintOrgan, ComplaintState, OrganPart
from portal.complaints.queries import find_next_due
from portal.complaints.service import answer_complaint
from portal.db import db
from portal.spreadsheets import read_sheets
from tests.counting import counted_queries
from tests.factories.accounts import make_staff
from tests.factories.complaints import make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
INDEX = "/staff/complaints/"


def listed(client: FlaskClient, query: str) -> set[int]:
    """Return the ids of the cases that a worklist shows."""
    answer = client.get(f"{INDEX}?{query}")
    assert answer.status_code == 200, query
    boxes = BeautifulSoup(answer.text, "html.parser").select("td input[name=case]")
    return {int(str(box["value"])) for box in boxes}


def last_staff() -> Staff:
    """Return the account made last."""
    return db.session.scalars(sa.select(Staff).order_by(Staff.id.desc()).limit(1)).one()


def test_each_filter_narrows_and_nonsense_does_not(sign_in: SignIn) -> None:
    organ = make_organ()
    report = make_complaint(organ_id=organ.id, channel=Channel.PHONE)
    asked = make_complaint(kind=ComplaintKind.QUESTION, organ_id=organ.id, state=ComplaintState.ACCEPTED)
    report.accept_due_on = report.next_due_on = clock.today() + rules.WEEK * DAY
    later = make_complaint(kind=ComplaintKind.SUGGESTION, state=ComplaintState.REFUSED)
    later.handler_id = make_staff().id
    db.session.commit()
    client = sign_in(Role.SUPERVISOR)
    report.handler_id = last_staff().id
    ask_sender(complaint=asked, staff=last_staff(), text="请补充")
    db.session.commit()
    both = {report.id, asked.id}
    for query, expected in {
        "kind=report": {report.id},
        "channel=phone": {report.id},
        "handler=me": {report.id},
        "handler=none": {asked.id},
        f"handler={last_staff().id}": {report.id},
        "due=none": {asked.id, later.id},
        "due=week": {report.id},
        "view=waiting": {asked.id},
        "view=waiting&handler=me": set(),
        "view=mine": {report.id},
        f"organ={organ.id}&kind=question": {asked.id},
        "state=refused": {later.id},
        "state=refused&due=week": set(),
        "state=accepted": {asked.id},
        "kind=x&channel=²&handler=%00&due=never&organ=99999999999&view=zzz&page=x": {*both, later.id},
    }.items():
        assert listed(client, query) == expected, query


def test_words_are_found_in_what_was_written_and_answered(sign_in: SignIn) -> None:
    case = make_complaint(facts="城东市场的摊位被暂扣", wants="请退还电子秤", place="会昌街道")
    other = make_complaint(facts="办证拖了三个月")
    db.session.commit()
    client = sign_in(Role.SUPERVISOR)
    assert listed(client, "q=摊位被暂扣") == {case.id}
    assert listed(client, "q=退还电子秤") == {case.id}
    assert listed(client, "q=会昌街道&state=submitted") == {case.id}
    assert listed(client, "q=会昌街道&state=refused") == set()
    assert enter_missing() == 2
    add_supplement(complaint_id=case.id, text="收据编号 AB7788")
    other.state = ComplaintState.ACCEPTED
    answer_complaint(complaint=other, staff=last_staff(), answer="已责令限期办结")
    db.session.commit()
    assert listed(client, "q=ab7788") == {case.id}
    assert listed(client, "q=限期办结&view=answered") == {other.id}
    # The pairs are all there, but not in this order.
    assert listed(client, "q=暂扣摊位") == set()
    assert "Enter at least 2 characters" in client.get(f"{INDEX}?q=摊&lang=en").text


def test_words_lead_nobody_to_what_they_may_not_see(sign_in: SignIn) -> None:
    organ, other = make_organ(), make_organ()
    make_organ(supervises=True)
    conduct = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organ.id, facts="检查时收了两条烟")
    report = make_complaint(organ_id=organ.id, facts="隔壁收了两条烟")
    db.session.commit()
    query = "q=收了两条烟"
    assert listed(sign_in(Role.SUPERVISOR), query) == {conduct.id, report.id}
    assert listed(sign_in(Role.CLERK, organ_id=organ.id), query) == {report.id}
    assert listed(sign_in(Role.CLERK, organ_id=other.id), query) == set()
    named = sign_in(Role.SUPERVISOR)
    add_named(complaint=conduct, account_id=last_staff().id, card="", reason="本人", staff=last_staff())
    assert listed(named, query) == {report.id}
    assert listed(named, f"q={conduct.number}") == set()


def test_sender_and_notes_are_not_among_the_words(sign_in: SignIn) -> None:
    case = make_complaint(phone="+8613800138000", sender_name="欧阳虚构", sender_address="黄河大道七号")
    client = sign_in(Role.SUPERVISOR)
    add_note(complaint=case, staff=last_staff(), note="内部研判意见")
    db.session.commit()
    for words in ("欧阳虚构", "黄河大道", "13800138000", "内部研判"):
        assert listed(client, f"q={words}") == set(), words


def test_the_index_holds_digests_alone_and_can_be_made_anew(app: Flask) -> None:
    case = make_complaint(facts="城东市场 stall88")
    db.session.commit()
    assert enter_missing() == 1
    packed = db.session.scalars(sa.select(ComplaintWords.packed)).one()
    assert b"stall88" not in packed
    assert "城东".encode() not in packed
    remove_words(case.id)
    assert db.session.scalars(sa.select(ComplaintWords.packed)).all() == []
    assert enter_missing() == 1
    assert find(case, "城东市场") is True
    assert db.session.scalars(sa.select(ComplaintWords.packed)).one() == packed
    older = make_complaint(facts="西关菜市")
    db.session.flush()
    assert find(case, "西关菜市") is False
    assert find(older, "西关菜市") is True, "what nobody entered yet is looked at"
    assert enter_missing() == 1
    assert enter_missing() == 0


def find(case: Complaint, words: str) -> bool:
    """Whether a supervisor finds a case by words."""
    staff = make_staff(role=Role.SUPERVISOR)
    found = queries.find_cases(Filters(words=words), staff, clock.today(), 1)
    return case.id in [row[0].id for row in found.page.items]


def test_too_many_candidates_are_said_to_be_too_many(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_OPENED", 2)
    cases = [make_complaint(facts=f"城东市场{number}") for number in range(3)]
    enter_missing()
    db.session.commit()
    client = sign_in(Role.SUPERVISOR)
    assert listed(client, "q=城东市场") == {case.id for case in cases[1:]}
    said = "the newest 2 were looked through"
    assert said in client.get(f"{INDEX}?q=城东市场&lang=en").text
    assert said not in client.get(f"{INDEX}?q=城东市场0").text


def test_clerks_see_joint_cases_in_order_with_their_own(app: Flask) -> None:
    organ, other = make_organ(), make_organ()
    own, joint, foreign = (make_complaint(organ_id=place.id) for place in (organ, other, other))
    db.session.add(ComplaintOrgan(complaint_id=joint.id, organ_id=organ.id, part=OrganPart.JOINT))
    for days, case in enumerate((joint, own, foreign)):
        case.accept_due_on = clock.today() + days * DAY
        case.next_due_on = find_next_due(case)
    ended = make_complaint(organ_id=organ.id, state=ComplaintState.ANSWERED)
    staff = make_staff(role=Role.CLERK, organ_id=organ.id)
    db.session.commit()
    page = queries.list_cases(Filters(), staff, clock.today(), 1)
    assert [row[0].id for row in page.items] == [joint.id, own.id, ended.id]
    assert page.total == 3
    assert queries.count_views(staff, clock.today()) == {
        "mine": 0, "today": 1, "late": 0, "told": 0, "unassigned": 2, "waiting": 0, "answered": 1, "all": 3,
    }  # fmt: skip


def test_pages_hold_each_case_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SIZE", 2)
    cases = [make_complaint() for _ in range(3)]
    cases += [make_complaint(state=ComplaintState.ANSWERED) for _ in range(4)]
    staff = make_staff(role=Role.SUPERVISOR)
    db.session.commit()
    shown = [
        row[0].id for page in (1, 2, 3, 4) for row in queries.list_cases(Filters(), staff, clock.today(), page).items
    ]
    ended = [case.id for case in cases[3:]]
    assert shown == [case.id for case in cases[:3]] + list(reversed(ended))
    assert queries.list_cases(Filters(), staff, clock.today(), 99).number == 4


def test_a_page_asks_as_often_for_many_cases_as_for_few(sign_in: SignIn) -> None:
    organ = make_organ()
    client = sign_in(Role.CLERK, organ_id=organ.id)
    asked = []
    client.get(INDEX)
    for more in (2, 20):
        for number in range(more):
            case = make_complaint(organ_id=organ.id, state=ComplaintState.ACCEPTED, facts=f"城东市场{number}")
            if number % 2:
                ask_sender(complaint=case, staff=last_staff(), text="请补充")
        db.session.commit()
        for query in ("", "q=城东市场"):
            with counted_queries() as seen:
                assert listed(client, query)
            asked.append(len(seen))
    assert asked[:2] == asked[2:], asked


def test_filters_are_kept_for_their_owner_without_words(sign_in: SignIn) -> None:
    make_complaint(kind=ComplaintKind.QUESTION)
    client, stranger = sign_in(Role.SUPERVISOR), sign_in(Role.SUPERVISOR)
    address = f"{INDEX}filters?kind=question&view=unassigned&q=王虚构"
    assert client.post(address, data={"name": ""}).status_code == 422
    assert client.post(address, data={"name": "没人管的咨询"}).status_code == 302
    kept = db.session.scalars(sa.select(SavedFilter)).one()
    assert kept.filters == {"view": "unassigned", "kind": "question"}
    assert "没人管的咨询" in client.get(INDEX).text
    assert "没人管的咨询" not in stranger.get(INDEX).text
    assert stranger.post(f"{INDEX}filters/{kept.id}/remove").status_code == 404
    client.post(f"{INDEX}filters?kind=report", data={"name": "没人管的咨询"})
    db.session.refresh(kept)
    assert kept.filters == {"view": "all", "kind": "report"}
    assert client.post(f"{INDEX}filters/{kept.id}/remove").status_code == 302
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SavedFilter)) == 0


def test_many_cases_get_a_handler_and_the_rest_is_said(sign_in: SignIn) -> None:
    organ, other = make_organ(), make_organ()
    make_organ(supervises=True)
    free, taken = make_complaint(organ_id=organ.id), make_complaint(organ_id=organ.id)
    conduct = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organ.id)
    done = make_complaint(organ_id=organ.id, state=ComplaintState.ANSWERED)
    elsewhere = make_complaint(organ_id=other.id)
    handler = make_staff(role=Role.CLERK, organ_id=organ.id)
    taken.handler_id = handler.id
    db.session.commit()
    cases = [free, taken, conduct, done, elsewhere]
    data = {"case": [case.id for case in cases], "handler": handler.id}
    client = sign_in(Role.SUPERVISOR)
    page = BeautifulSoup(client.post(f"{INDEX}assign", data=data).text, "html.parser")
    stays = {row.select("a")[0].text: row.select_one(".tag--warn") is not None for row in page.select("tbody tr")}
    assert stays == {case.number: case is not free for case in cases}
    sent = {"case": [str(box["value"]) for box in page.select("input[name=case]")], "handler": handler.id}
    assert sent["case"] == [str(free.id)]
    assert free.handler_id is None, "looking changes nothing"
    # Whoever sends more than was offered gets no more.
    client.post(f"{INDEX}assign/confirm", data=data)
    for case in cases:
        db.session.refresh(case)
    assert [case.handler_id == handler.id for case in cases] == [True, True, False, False, False]


def test_a_clerk_gives_away_only_what_is_theirs(sign_in: SignIn) -> None:
    organ, other = make_organ(), make_organ()
    own, foreign = make_complaint(organ_id=organ.id), make_complaint(organ_id=other.id)
    stranger = make_staff(role=Role.CLERK, organ_id=other.id)
    client = sign_in(Role.CLERK, organ_id=organ.id)
    me = last_staff()
    data = {"case": [own.id, foreign.id], "handler": me.id}
    assert foreign.number not in client.post(f"{INDEX}assign", data=data).text
    assert client.post(f"{INDEX}assign/confirm", data=data).status_code == 302
    db.session.refresh(own)
    db.session.refresh(foreign)
    assert (own.handler_id, foreign.handler_id) == (me.id, None)
    for handler in (stranger.id, 0, "x"):
        assert client.post(f"{INDEX}assign", data=data | {"handler": handler}).status_code == 302
        assert client.post(f"{INDEX}assign/confirm", data=data | {"handler": handler}).status_code == 400
    assert client.post(f"{INDEX}assign", data={"handler": me.id}).status_code == 302


def test_an_exported_list_names_nobody_and_runs_nothing(sign_in: SignIn, tmp_path: Path) -> None:
    organ = make_organ(name="虚构市甲局")
    make_staff(name="赵虚构名")
    firm = "92410883MA1234567T"
    facts = f"=HYPERLINK(1)我叫欧阳虚构，电话13800138000，{firm}，检查人员李虚构收了钱，赵虚构名打人，虚构楼西"
    case = make_complaint(
        organ_id=organ.id,
        facts=facts,
        phone="+8613800138000",
        sender_name="欧阳虚构",
        officer="李虚构 16080000001",
        place="黄河大道七号",
        sender_address="虚构楼西",
    )
    make_complaint(kind=ComplaintKind.QUESTION, facts="另一件")
    db.session.commit()
    client = sign_in(Role.SUPERVISOR)
    answer = client.post(f"{INDEX}export.csv?kind=report")
    assert answer.status_code == 200
    rows = list(csv.reader(StringIO(answer.data.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == [case.number]
    assert rows[1][-1].startswith("'=")
    for hidden in ("欧阳虚构", "李虚构", "13800138000", "黄河大道", "赵虚构", firm, "虚构楼西"):
        assert hidden not in answer.text, hidden
    file = tmp_path / "list.xlsx"
    file.write_bytes(client.post(f"{INDEX}export.xlsx?kind=report").data)
    assert [cells for _number, cells in read_sheets(file)[0].rows] == rows
    entry = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.action, entry.staff_id, entry.details["cases"]) == ("complaints.export", last_staff().id, 1)
    assert client.post(f"{INDEX}export.exe").status_code == 404
    assert client.get(f"{INDEX}export.csv").status_code in (404, 405)


def test_an_exported_list_holds_what_its_reader_may_see(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_EXPORTED", 1)
    organ, other = make_organ(), make_organ()
    make_organ(supervises=True)
    own = make_complaint(organ_id=organ.id, facts="收了两条烟")
    for place, kind in ((other, ComplaintKind.REPORT), (organ, ComplaintKind.CONDUCT)):
        make_complaint(kind=kind, organ_id=place.id, facts="收了两条烟")
    db.session.commit()
    client = sign_in(Role.CLERK, organ_id=organ.id)
    for query in ("", "q=收了两条烟"):
        answer = client.post(f"{INDEX}export.csv?{query}")
        assert [row[:2] for row in answer.text.splitlines()[1:]] == ["TS"]
        assert own.number in answer.text
        assert "-cut" not in answer.headers["Content-Disposition"]
    assert "-cut" in sign_in(Role.SUPERVISOR).post(f"{INDEX}export.csv").headers["Content-Disposition"]
