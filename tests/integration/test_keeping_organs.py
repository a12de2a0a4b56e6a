"""The legal office keeps organs and their yearly recognition."""

from collections.abc import Callable
from datetime import date

import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.organs.models import Officer, Organ, Recognition
from tests.factories.organs import make_officer, make_organ

NOON = "2026-11-22T04:00:00Z"
TYPED = {"name": "虚构市新局", "slug": "new-office", "kind": "statutory", "address": "虚构路9号"}
SignIn = Callable[..., FlaskClient]


def find_organ(slug: str) -> Organ:
    """Return an organ as it stands now."""
    return db.session.scalars(sa.select(Organ).where(Organ.slug == slug)).one()


def actions() -> list[str]:
    """Return what the audit log says was done."""
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_other_roles_stay_outside(sign_in: SignIn) -> None:
    organ = make_organ()
    client = sign_in(Role.CLERK, organ_id=organ.id)
    for path in (
        "/staff/organs/",
        f"/staff/organs/{organ.id}",
        "/staff/organs/new",
        "/staff/officers/",
        "/staff/powers/",
    ):
        assert client.get(path).status_code == 403, path
    assert client.post("/staff/organs/new", data=TYPED).status_code == 403
    assert "/staff/organs/" not in client.get("/staff/").text


def test_organ_is_entered_and_the_public_finds_it(sign_in: SignIn, client: FlaskClient) -> None:
    keeper = sign_in(Role.SUPERVISOR)
    answer = keeper.post("/staff/organs/new", data=TYPED)
    assert answer.status_code == 302
    assert "虚构路9号" in client.get("/organs/new-office").text
    assert "/organs/new-office" in client.get("/search?q=新局").text
    assert actions()[-1] == "organ.create"
    assert "虚构路9号" in keeper.get(answer.location).text


def test_bad_entries_are_refused_with_what_was_typed(sign_in: SignIn) -> None:
    make_organ(name="虚构市旧局", slug="old")
    keeper = sign_in(Role.SUPERVISOR)
    for changes, words in (
        ({"name": ""}, "Enter a name"),
        ({"name": "虚" * 101}, "“Full name” has 101 characters"),
        ({"name": "虚构市旧局"}, "There is an organ with this name."),
        ({"slug": "old"}, "Another organ has this address."),
        ({"slug": "recognitions"}, "Use small letters, digits and hyphens"),
        ({"slug": "../x"}, "Use small letters, digits and hyphens"),
        ({"credit_code": "110000000000000000"}, "its check character does not fit"),
        ({"valid_from": "2026-13-01"}, "This is not a day."),
        ({"kind": "nonsense"}, "Not a valid choice"),
    ):
        answer = keeper.post("/staff/organs/new?lang=en", data=TYPED | changes)
        assert answer.status_code == 422, words
        assert words in answer.text
        assert "虚构路9号" in answer.text
    assert db.session.scalar(sa.select(sa.func.count(Organ.id))) == 1


def test_organ_from_an_import_is_confirmed_by_saving_it(sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ(name="虚构市新局", confirmed=False, slug="imported-1")
    keeper = sign_in(Role.SUPERVISOR)
    assert "虚构市新局" in keeper.get("/staff/organs/?state=unconfirmed").text
    assert client.get("/organs/imported-1").status_code == 404
    keeper.post(f"/staff/organs/{organ.id}/edit", data=TYPED)
    assert client.get("/organs/new-office").status_code == 200
    assert "虚构市新局" not in keeper.get("/staff/organs/?state=unconfirmed").text


def test_rename_ends_the_old_name_and_takes_the_officers_along(sign_in: SignIn, client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        old = make_organ(name="虚构市旧局", slug="old", supervises=True)
        make_officer(old)
        keeper = sign_in(Role.SUPERVISOR)
        answer = keeper.post(f"/staff/organs/{old.id}/rename", data=TYPED | {"valid_from": "2026-11-01"})
        assert answer.status_code == 302
        old, new = find_organ("old"), find_organ("new-office")
        assert (old.valid_to, old.successor_id) == (date(2026, 10, 31), new.id)
        assert new.supervises
        assert "虚构市新局" in client.get("/officers/check?number=16080000001").text
        assert 'href="/organs/new-office"' in client.get("/organs/old").text
        again = keeper.post(f"/staff/organs/{old.id}/rename?lang=en", data=TYPED | {"valid_from": "2026-11-02"})
    assert "This organ ends already." in again.text
    assert actions()[-3:] == ["organ.create", "organ.end", "organ.pass_on_officers"]


def test_rename_in_the_future_leaves_the_officers_until_then(sign_in: SignIn) -> None:
    with time_machine.travel(NOON, tick=False):
        old = make_organ(slug="old")
        make_officer(old)
        keeper = sign_in(Role.SUPERVISOR)
        keeper.post(f"/staff/organs/{old.id}/rename", data=TYPED | {"valid_from": "2026-12-01"})
        keeper.post(f"/staff/organs/{old.id}/pass-on?lang=en")
        early = keeper.get(f"/staff/organs/{old.id}?lang=en").text
        assert "Officers pass on once their organ has ended" in early
        assert "officer on to" not in early
        assert db.session.scalars(sa.select(Officer.organ_id)).one() == old.id
    with time_machine.travel("2026-12-01T04:00:00Z", tick=False):
        keeper = sign_in(Role.SUPERVISOR)
        assert "Pass its 1 officer on" in keeper.get(f"/staff/organs/{old.id}?lang=en").text
        keeper.post(f"/staff/organs/{old.id}/pass-on")
    assert db.session.scalars(sa.select(Officer.organ_id)).one() == find_organ("new-office").id


def test_two_organs_merge_into_one_and_an_end_is_taken_back(sign_in: SignIn, client: FlaskClient) -> None:
    first, second, target = make_organ(slug="first"), make_organ(slug="second"), make_organ(slug="target")
    keeper = sign_in(Role.SUPERVISOR)
    for organ in (first, second):
        sent = {"last_day": "2024-06-30", "successor": str(target.id)}
        assert keeper.post(f"/staff/organs/{organ.id}/end", data=sent).status_code == 302
    page = client.get("/organs/target").text
    assert 'href="/organs/first"' in page
    assert 'href="/organs/second"' in page
    keeper.post(f"/staff/organs/{first.id}/reopen")
    assert 'href="/organs/first"' not in client.get("/organs/target").text
    assert find_organ("first").valid_to is None


def test_end_that_makes_no_sense_is_refused(sign_in: SignIn) -> None:
    organ = make_organ(valid_from=date(2020, 1, 1))
    follower = make_organ(valid_to=date(2023, 1, 1), successor_id=organ.id)
    late, over = make_organ(valid_from=date(2025, 1, 1)), make_organ(valid_to=date(2023, 6, 1))
    keeper = sign_in(Role.SUPERVISOR)
    for last_day, successor, words in (
        ("2019-12-31", 0, "The organ would end before it began."),
        ("2024-01-01", follower.id, "An organ cannot follow itself."),
        ("2024-01-01", over.id, "This organ has ended by then itself."),
        ("2024-01-01", late.id, "This organ begins later"),
        ("2024-01-01", 99999, "Not a valid choice"),
        ("", 0, "Enter a day"),
    ):
        sent = {"last_day": last_day, "successor": str(successor)}
        answer = keeper.post(f"/staff/organs/{organ.id}/end?lang=en", data=sent)
        assert answer.status_code == 422, words
        assert words in answer.text
    assert find_organ(organ.slug).valid_to is None


def test_announcement_is_published_once_a_year_and_corrected(sign_in: SignIn, client: FlaskClient) -> None:
    organ, other = make_organ(name="虚构市甲局"), make_organ(name="虚构市乙局")
    keeper = sign_in(Role.SUPERVISOR)
    sent = {"year": "2026", "title": "虚构公告", "announced_on": "2026-01-20", "body": "全文", "organs": [organ.id]}
    assert keeper.post("/staff/organs/recognitions/new", data=sent).status_code == 302
    answer = keeper.post("/staff/organs/recognitions/new?lang=en", data=sent)
    assert "There is an announcement for this year." in answer.text
    corrected = sent | {"organs": [other.id], "body": "更正后的全文"}
    assert keeper.post("/staff/organs/recognitions/2026", data=corrected).status_code == 302
    page = client.get("/organs/recognitions/2026").text
    assert "虚构市乙局" in page
    assert "更正后的全文" in page
    assert "虚构市甲局" not in page
    assert db.session.scalar(sa.select(sa.func.count(Recognition.id))) == 1
    assert actions()[-2:] == ["recognition.create", "recognition.edit"]


def test_announcement_needs_a_year_and_known_organs(sign_in: SignIn) -> None:
    unconfirmed = make_organ(confirmed=False)
    keeper = sign_in(Role.SUPERVISOR)
    sent = {"year": "1", "title": "虚构公告", "announced_on": "2026-01-20", "organs": [unconfirmed.id]}
    page = keeper.post("/staff/organs/recognitions/new?lang=en", data=sent)
    assert page.status_code == 422
    assert "Enter a year such as 2026" in page.text
    assert not db.session.scalar(sa.select(sa.func.count(Recognition.id)))
