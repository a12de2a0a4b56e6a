"""Cases and answers for everybody: only with consent, masked, released by a second person, gone at the next request."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.case_types.models import CaseType
from portal.complaint_publication import queries, rules
from portal.complaint_publication.models import AnswerEdition, EditionState, PublishedAnswer
from portal.complaint_publication.service import Words, save_words
from portal.complaint_tracking.service import reopen_case
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState, Finding
from portal.db import db
from portal.organs.models import Organ
from portal.search.models import EntryKind, SearchEntry
from portal.search.queries import list_similar
from tests.factories.accounts import make_staff
from tests.factories.complaints import code_of, errors
from tests.factories.organs import make_officer, make_organ
from tests.factories.published_answers import WORDS, make_consenting, make_published

SignIn = Callable[..., FlaskClient]
PHONE = "+8613800138007"
SENDER, OFFICER = "欧阳虚构", "钱虚构"
TOLD = f"本人{SENDER}，电话13800138007，执法人员{OFFICER}在会昌街道夜市罚款。"


@pytest.fixture
def organ(app: object) -> Organ:
    make_organ(supervises=True)
    organ = make_organ(name="虚构市城市管理局", phone="0391-8100000")
    make_officer(organ, "16081234567", name=OFFICER)
    return organ


@pytest.fixture
def case(organ: Organ) -> Complaint:
    """An answered report whose sender agrees, full of what nobody may read."""
    case = make_consenting(organ_id=organ.id, phone=PHONE, sender_name=SENDER, facts=TOLD, place="会昌街道夜市")
    case.answer, case.finding = f"{SENDER}：您的{case.number}号来信已核实，请致电0391-8100000。", Finding.PARTLY
    db.session.commit()
    return case


@pytest.fixture
def writer(organ: Organ, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CLERK, organ_id=organ.id)


@pytest.fixture
def second(case: Complaint, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.SUPERVISOR)


def address(case: Complaint, step: str = "") -> str:
    return f"/staff/complaint-publication/{case.id}" + (f"/{step}" if step else "")


def seen(client: FlaskClient, case: Complaint) -> str:
    field = BeautifulSoup(client.get(address(case)).text, "html.parser").select_one("[name=seen]")
    return str(field["value"]) if field else ""


def offered(client: FlaskClient, case: Complaint) -> dict[str, str]:
    """Return the words that the form starts from."""
    page = BeautifulSoup(client.get(address(case)).text, "html.parser")
    title = page.select_one("input[name=title]")
    assert title is not None
    areas = {str(area["name"]): area.text.lstrip("\n") for area in page.select("textarea")}
    return {"title": str(title["value"]), "question": areas["question"], "answer": areas["answer"]}


def take(client: FlaskClient, case: Complaint, step: str, **data: str) -> int:
    return int(client.post(address(case, step), data={"seen": seen(client, case)} | data).status_code)


def open_own_case(client: FlaskClient, case: Complaint) -> None:
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})


def find_edition(case: Complaint) -> AnswerEdition:
    db.session.expire_all()
    edition = queries.find_edition(case)
    assert edition is not None
    return edition


def test_from_the_case_to_the_public(
    case: Complaint, writer: FlaskClient, second: FlaskClient, client: FlaskClient
) -> None:
    words = offered(writer, case)
    assert words["question"].startswith(TOLD)
    assert writer.post(address(case, "words"), data=words | {"title": ""}).status_code == 422
    assert writer.post(address(case, "words"), data=words).status_code == 303
    assert take(writer, case, "hide", passage="罚款", kind="other") == 303
    assert client.get("/answers").text.count("list__title") == 0
    assert take(writer, case, "confirm") == 303
    assert take(writer, case, "release") == 403
    assert take(second, case, "release") == 303
    page = client.get(f"/answers/{find_edition(case).published_id}").text
    for hidden in (SENDER, OFFICER, "13800138007", "会昌街道夜市", case.number, "罚款"):
        assert hidden not in page
    assert "0391-8100000" in page
    assert "虚构市城市管理局" in page
    today = clock.today()
    assert f"{today.year}年{today.month}月<" in page
    assert f"{today.month}月{today.day}日" not in page
    assert today.isoformat() not in page
    open_own_case(client, case)
    assert f'href="/answers/{find_edition(case).published_id}"' in client.get("/complaints/case").text


def test_second_person_can_send_it_back_and_words_can_be_changed(
    case: Complaint, writer: FlaskClient, second: FlaskClient
) -> None:
    writer.post(address(case, "words"), data=vars(WORDS))
    take(writer, case, "confirm")
    assert take(writer, case, "back", comment="再短些") == 403
    assert take(second, case, "back", comment="") == 422
    assert take(second, case, "back", comment="标题再短些") == 303
    assert "标题再短些" in writer.get(address(case)).text
    # Whoever has changed a word is a writer as well.
    second.post(address(case, "words"), data=vars(WORDS))
    take(writer, case, "confirm")
    assert take(second, case, "release") == 403


def test_what_was_decided_about_findings_counts_for_the_sheet_that_was_seen(
    case: Complaint, writer: FlaskClient
) -> None:
    answer = "请联系工作人员微信abc_12345。"
    writer.post(address(case, "words"), data=vars(WORDS) | {"answer": answer})
    sheet = queries.get_sheet(find_edition(case))
    assert len(sheet.found) == 1
    old = seen(writer, case)
    assert take(writer, case, "leave", number="1") == 422
    assert take(writer, case, "leave", number="1", why="authority") == 303
    assert queries.get_sheet(find_edition(case)).public("answer") == answer
    late = writer.post(address(case, "hide"), data={"seen": old, "passage": "微信", "kind": "other"})
    assert (late.status_code, bool(errors(late.text))) == (409, True)
    assert take(writer, case, "hide-again", number="1") == 303
    assert "abc_12345" not in queries.get_sheet(find_edition(case)).public("answer")
    assert take(writer, case, "hide", passage="没有的话", kind="other") == 422


def test_nobody_can_decide_that_the_sender_or_a_number_stays(case: Complaint, writer: FlaskClient) -> None:
    texts = vars(WORDS) | {"answer": f"欧 阳虚构，编号ts {case.number[2:]}。"}
    writer.post(address(case, "words"), data=texts)
    while groups := queries.get_sheet(find_edition(case)).found:
        assert take(writer, case, "leave", number=str(groups[0].number), why="word") == 303
    refused = writer.post(address(case, "confirm"), data={"seen": seen(writer, case)})
    assert refused.status_code == 422
    assert errors(refused.text)
    assert find_edition(case).state is EditionState.WRITING


@pytest.mark.parametrize(
    ("state", "consent", "publishable"),
    [
        (ComplaintState.ACCEPTED, True, True),
        (ComplaintState.REFUSED, True, True),
        (ComplaintState.ANSWERED, False, True),
        (ComplaintState.ANSWERED, True, False),
    ],
)
def test_only_answered_with_consent_and_of_a_kind_that_is_published(
    case: Complaint, writer: FlaskClient, state: ComplaintState, consent: bool, publishable: bool
) -> None:
    case.state, case.publish_consent = state, consent
    db.session.execute(sa.update(CaseType).values(publishable=publishable))
    db.session.commit()
    assert writer.post(address(case, "words"), data=vars(WORDS)).status_code == 409
    assert db.session.query(AnswerEdition).count() == 0
    assert 'name="title"' not in writer.get(address(case)).text


def test_consent_taken_back_ends_it_at_the_next_request(case: Complaint, client: FlaskClient, app: Flask) -> None:
    published = make_published(case)
    db.session.commit()
    reader = app.test_client()
    there = f"/answers/{published.id}"
    lists = ("/answers", "/search?q=夜市占道经营", "/sitemaps/registers.xml", "/feeds/answers.atom")
    assert "ETag" in reader.get(there).headers  # It is kept for whoever asks next.
    assert all(there in reader.get(path).text for path in lists)
    assert list_similar("夜市占道经营整治", kinds=[EntryKind.ANSWER], on=clock.today(), most=3)
    open_own_case(client, case)
    assert client.post("/complaints/case/consent", data={"agrees": "no"}).status_code == 302
    gone = reader.get(there)
    assert gone.status_code == 410
    assert not any(there in reader.get(path).text for path in lists)
    db.session.expire_all()
    assert (published.title, published.question, published.answer, published.organ_id) == ("", "", "", None)
    assert db.session.query(SearchEntry).filter(SearchEntry.kind == EntryKind.ANSWER).count() == 0
    assert find_edition(case).texts_sealed is None
    assert not case.publish_consent
    # Given again, it is a new publication under an id of its own.
    client.post("/complaints/case/consent", data={"agrees": "yes"})
    again = make_published(case)
    db.session.commit()
    assert again.id != published.id
    assert (reader.get(there).status_code, reader.get(f"/answers/{again.id}").status_code) == (410, 200)


def test_consent_belongs_to_the_case_that_is_open(case: Complaint, client: FlaskClient) -> None:
    make_published(case)
    db.session.commit()
    assert "/track" in (client.post("/complaints/case/consent", data={"agrees": "no"}).location or "")
    db.session.expire_all()
    assert case.publish_consent


def test_release_after_consent_was_taken_back_meanwhile(
    case: Complaint, writer: FlaskClient, second: FlaskClient, client: FlaskClient
) -> None:
    writer.post(address(case, "words"), data=vars(WORDS))
    take(writer, case, "confirm")
    old = seen(second, case)
    open_own_case(client, case)
    client.post("/complaints/case/consent", data={"agrees": "no"})
    assert second.post(address(case, "release"), data={"seen": old}).status_code == 409
    assert db.session.query(PublishedAnswer).count() == 0


def test_case_that_is_dealt_with_again_is_public_no_longer(case: Complaint, client: FlaskClient) -> None:
    published = make_published(case)
    reopen_case(complaint_id=case.id, reason="仍未解决")
    db.session.commit()
    assert client.get(f"/answers/{published.id}").status_code == 410
    assert client.get("/answers/999999").status_code == 404


def test_staff_withdraw_it(case: Complaint, second: FlaskClient, client: FlaskClient) -> None:
    published = make_published(case)
    db.session.commit()
    assert second.post(address(case, "words"), data=vars(WORDS)).status_code == 409
    assert take(second, case, "withdraw", reason="") == 422
    assert take(second, case, "withdraw", reason="答复有误") == 303
    assert client.get(f"/answers/{published.id}").status_code == 410
    assert take(second, case, "withdraw", reason="再来") == 409


def test_list_is_filtered_by_organ_and_kind(organ: Organ, client: FlaskClient) -> None:
    other = make_organ(name="虚构市应急管理局")
    report = make_published(organ_id=organ.id, kind=ComplaintKind.REPORT)
    question = make_published(organ_id=other.id, kind=ComplaintKind.QUESTION)
    db.session.commit()

    def listed(query: str = "") -> list[str]:
        page = BeautifulSoup(client.get(f"/answers{query}").text, "html.parser")
        return [str(link["href"]) for link in page.select("a.list__title")]

    both = [f"/answers/{question.id}", f"/answers/{report.id}"]
    assert listed() == both
    assert listed("?kind=report") == both[1:]
    assert listed(f"?organ={other.id}") == both[:1]
    assert listed(f"?organ={other.id}&kind=report") == []
    assert listed("?kind=x&organ=-1&page=%00") == both
    assert "Clear filters" in client.get("/answers?kind=suggestion&lang=en").text


def test_hidden_from_whom_it_concerns(organ: Organ, writer: FlaskClient, sign_in: SignIn) -> None:
    case = make_consenting(kind=ComplaintKind.CONDUCT, organ_id=organ.id, facts="态度恶劣的事实")
    db.session.commit()
    for reader in (writer, sign_in(Role.SUPERVISOR, organ_id=organ.id)):
        assert case.number not in reader.get("/staff/complaint-publication/").text
        assert reader.get(address(case)).status_code == 404
        assert reader.post(address(case, "words"), data=vars(WORDS)).status_code == 404
    office = sign_in(Role.SUPERVISOR)
    assert case.number in office.get("/staff/complaint-publication/").text
    assert "态度恶劣的事实" in office.get(address(case)).text


def test_words_lie_sealed_in_the_database(case: Complaint, writer: FlaskClient, tmp_path: Path) -> None:
    writer.post(address(case, "words"), data=vars(WORDS) | {"question": "只在密封里的话"})
    sealed = db.session.execute(sa.text("SELECT texts_sealed FROM answer_edition")).scalar_one()
    assert "只在密封里的话".encode() not in bytes(sealed)
    assert find_edition(case).question == "只在密封里的话"


def test_the_firm_of_whoever_sent_it_is_masked_from_the_start(case: Complaint) -> None:
    words = Words("标题", "我的店，统一社会信用代码９２410883MA1234567T，被查了三次", "答")
    edition = save_words(complaint=case, staff=make_staff(), words=words)
    assert queries.get_sheet(edition).public("question") == "我的店，统一社会信用代码***，被查了三次"


def test_month_is_all_that_is_said_of_the_day(case: Complaint, client: FlaskClient) -> None:
    assert rules.first_of_month(date(2026, 11, 30)) == date(2026, 11, 1)
    published = make_published(case, Words("标题", "问", "答"))
    assert published.month.day == 1
    entry = db.session.query(SearchEntry).filter(SearchEntry.kind == EntryKind.ANSWER).one()
    assert entry.published_on.day == 1
    db.session.commit()
    feed = client.get("/feeds/answers.atom").text
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[^<]+", feed)) == {f"{clock.today():%Y-%m}-01T00:00:00+08:00"}
