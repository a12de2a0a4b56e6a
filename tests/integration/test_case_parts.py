"""One letter with two matters becomes two cases; two cases of one matter are joined without telling senders apart."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from io import BytesIO

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from portal import uploads
from portal.accounts.models import Role
from portal.case_parts import queries
from portal.complaints import service as complaints
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState
from portal.complaints.queries import list_assignable
from portal.db import db
from portal.messages.models import Message
from portal.organs.models import Organ
from tests.factories.accounts import make_staff
from tests.factories.casework import Bench
from tests.factories.complaints import code_of, errors, make_complaint, picture
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def organ(app: object) -> Organ:
    """An organ, and one that supervises it."""
    make_organ(supervises=True, name="虚构市司法局")
    return make_organ(name="虚构市甲局")


@pytest.fixture
def case(organ: Organ) -> Complaint:
    """A report with a photograph, from somebody with a name."""
    staged = uploads.stage(FileStorage(BytesIO(picture()), filename="photo.jpg"))
    with time_machine.travel(datetime(2026, 11, 18, 4, tzinfo=UTC), tick=False):
        return make_complaint(organ_id=organ.id, phone="+8613800138000", files=[staged])


def test_two_matters_in_one_letter(case: Complaint, organ: Organ, client: FlaskClient, sign_in: SignIn) -> None:
    with time_machine.travel(datetime(2026, 11, 18, 4, 10, tzinfo=UTC), tick=False):
        code = code_of(case)
    bench = Bench(sign_in(Role.SUPERVISOR), case)
    part = {"part_kind": "conduct", "part_category": "manner", "part_organ": organ.id, "part_facts": "还骂人"}
    assert bench.take("split", **part, part_files=[case.files[0].id]) == 302
    second = db.session.query(Complaint).order_by(Complaint.id.desc()).first()
    assert second is not None
    assert second.split_from_id == case.id
    assert (second.facts, second.sender_name, second.contact_id) == ("还骂人", "王虚构", case.contact_id)
    # Routed like any other: about conduct, so not to the organ that has the first.
    assert (second.delicate, second.handler_organ_id != organ.id) == (True, True)
    assert (second.clock_from_on, second.accept_due_on) == (date(2026, 11, 18), date(2026, 11, 25))
    # The file is there once more, under a name of its own, and survives the first one's removal.
    assert second.files[0].token != case.files[0].token
    uploads.forget(case.files[0].token)
    assert uploads.read_kept(second.files[0].token, second.files[0].sha256) == picture()
    # The sender follows both with the one code; nobody is sent a second receipt.
    for number in (case.number, second.number):
        client.post("/complaints/track", data={"number": number, "code": code})
        page = client.get("/complaints/case").text
        assert case.number in page
        assert second.number in page
    assert second.code_sealed is None
    assert [row.template for row in db.session.query(Message)] == ["complaint_received"]
    assert [part.id for part in queries.list_parts(second)] == [case.id]
    assert [(event.action, event.public, event.text) for event in case.events[1:]] == [("split", True, second.number)]


def test_a_part_of_a_part_belongs_to_the_whole_letter(case: Complaint, sign_in: SignIn) -> None:
    part = {"part_kind": "question", "part_category": "other", "part_facts": "再问一句"}
    assert Bench(sign_in(Role.SUPERVISOR), case).take("split", **part) == 302
    second = queries.list_parts(case)[0]
    assert Bench(sign_in(Role.SUPERVISOR), second).take("split", **part) == 302
    assert len(queries.list_parts(case)) == 2
    assert len(queries.list_parts(second)) == 2


def test_a_part_is_kept_from_whom_the_letter_names(organ: Organ, sign_in: SignIn) -> None:
    """They would know its sender otherwise."""
    named = make_staff(role=Role.CLERK, organ_id=organ.id, name="赵虚构名")
    case = make_complaint(facts="赵虚构名不出示证件", phone="+8613800138000")
    part = {"part_kind": "question", "part_category": "other", "part_organ": organ.id, "part_facts": "再问一句"}
    assert Bench(sign_in(Role.SUPERVISOR), case).take("split", **part) == 302
    (second,) = queries.list_parts(case)
    assert second.handler_organ_id == organ.id
    assert [row.id for row in list_assignable(second) if row.id == named.id] == []


def test_a_part_does_not_tell_that_there_is_more(case: Complaint, organ: Organ, sign_in: SignIn) -> None:
    case.delicate = True
    part = {"part_kind": "question", "part_category": "other", "part_organ": organ.id, "part_facts": "再问一句"}
    office = Bench(sign_in(Role.SUPERVISOR), case)
    assert office.take("split", **part) == 302
    (second,) = queries.list_parts(case)
    parted = "Taken out of another case"
    assert parted in office.client.get(f"/staff/complaints/{second.id}?lang=en").text
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    page = clerk.get(f"/staff/complaints/{second.id}?lang=en")
    assert page.status_code == 200
    assert parted not in page.text


@pytest.mark.parametrize("change", [{"part_kind": "x"}, {"part_organ": "999"}, {"part_facts": ""}, {"part_files": "x"}])
def test_no_part_of_nonsense(case: Complaint, sign_in: SignIn, change: dict[str, str]) -> None:
    part = {"part_kind": "question", "part_category": "other", "part_facts": "再问一句"}
    assert Bench(sign_in(Role.SUPERVISOR), case).take("split", **(part | change)) == 422
    assert db.session.query(Complaint).count() == 1


def test_joined_cases_tell_a_sender_steps_and_no_words_of_others(
    case: Complaint, organ: Organ, client: FlaskClient, sign_in: SignIn
) -> None:
    double = make_complaint(organ_id=organ.id, facts="第二个人的话", phone="+8613900139000")
    bench = Bench(sign_in(Role.CLERK, organ_id=organ.id), double)
    for wrong in ("", "TS209901010001", double.number, "x" * 64):
        assert bench.take("merge", lead=wrong) == 422, wrong
    assert bench.take("merge", lead=case.number.lower()) == 302
    db.session.refresh(double)
    assert (double.state, double.merged_into_id, double.next_due_on) == (ComplaintState.MERGED, case.id, None)
    lead = Bench(bench.client, case)
    assert lead.take("accept") == 302
    assert lead.take("message", message="王虚构您好，请看附件") == 302
    steps = queries.list_lead_steps(double)
    assert [row.action for row in steps] == ["accept"]
    client.post("/complaints/track", data={"number": double.number, "code": code_of(double)})
    page = client.get("/complaints/case").text
    first_list = BeautifulSoup(page, "html.parser").select("ol.steps")[0]
    assert len(first_list.select("li")) == len(steps)
    assert "第二个人的话" in page
    for secret in (case.number, "王虚构", case.facts):
        assert secret not in page
    # One that others were joined with is not joined with a third.
    third = make_complaint(organ_id=organ.id)
    assert not lead.offers("merge")
    assert lead.take("merge", lead=third.number) == 409


def test_nobody_joins_a_case_with_one_they_may_not_see(case: Complaint, organ: Organ, sign_in: SignIn) -> None:
    hidden = make_complaint(organ_id=make_organ().id)
    bench = Bench(sign_in(Role.CLERK, organ_id=organ.id), case)
    answer = bench.send("merge", lead=hidden.number)
    assert answer.status_code == 422
    # The very words for a number that there is not.
    assert errors(answer.text) == errors(bench.send("merge", lead="TS202601010001").text)
    assert db.session.get_one(Complaint, case.id).state is ComplaintState.SUBMITTED


def test_what_is_about_an_organ_is_not_joined_with_what_that_organ_handles(
    case: Complaint, organ: Organ, sign_in: SignIn
) -> None:
    delicate = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organ.id)
    assert case.handler_organ_id == organ.id
    office = sign_in(Role.SUPERVISOR)
    assert Bench(office, delicate).take("merge", lead=case.number) == 422
    assert db.session.get_one(Complaint, delicate.id).state is ComplaintState.SUBMITTED
    # The other way round takes it away from the organ.
    assert Bench(office, case).take("merge", lead=delicate.number) == 302


def test_the_lead_of_a_joined_case_cannot_be_a_case_that_is_over(
    case: Complaint, organ: Organ, sign_in: SignIn
) -> None:
    over = make_complaint(organ_id=organ.id)
    complaints.refuse_complaint(complaint=over, staff=make_staff(), reason="虚构")
    assert Bench(sign_in(Role.SUPERVISOR), case).take("merge", lead=over.number) == 422
