"""The legal office keeps the power list; two organs never hold a power on the same day."""

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.bases.models import BasisStatus
from portal.db import db
from portal.errors import Conflict
from portal.powers import queries, service
from portal.powers.models import PowerGround, PowerItem, PowerTransfer
from tests.factories.bases import article_of, make_basis
from tests.factories.organs import make_officer, make_organ, make_power, transfer

NOON = "2026-11-22T04:00:00Z"
SignIn = Callable[..., FlaskClient]


def typed(organ_id: int, **changes: str) -> dict[str, str]:
    """Return what is typed of a power."""
    return {"code": "cf-0001", "name": "对虚构行为的处罚", "category": "penalty", "organ": str(organ_id)} | changes


def moved(organ_id: int, since: str, until: str = "") -> dict[str, str]:
    """Return what is typed of a transfer."""
    return {"organ": str(organ_id), "since": since, "until": until, "document_number": "虚构〔2026〕1号"}


def test_item_is_entered_changed_and_ended(sign_in: SignIn, client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        organ = make_organ()
        keeper = sign_in(Role.SUPERVISOR)
        answer = keeper.post("/staff/powers/new", data=typed(organ.id))
        assert answer.status_code == 302
        assert client.get("/powers/CF-0001").status_code == 200
        keeper.post(f"{answer.location}/edit", data=typed(organ.id, post="法制股", valid_to="2026-11-21"))
        page = client.get("/powers/CF-0001?lang=en").text
        assert "法制股" in page
        assert "This power ended on 21 November 2026." in page
        assert "对虚构行为" not in client.get("/powers").text
        assert "对虚构行为" in keeper.get("/staff/powers/?view=ended").text
    done = db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert list(done)[-2:] == ["power.create", "power.edit"]


def test_bad_items_are_refused(sign_in: SignIn) -> None:
    organ = make_organ()
    make_power(organ, code="CF-1")
    keeper = sign_in(Role.SUPERVISOR)
    for changes, words in (
        ({"code": "CF-1"}, "There is an item with this code."),
        ({"code": "a/b"}, "Use Latin letters, digits, dots and hyphens"),
        ({"name": ""}, "Enter a name"),
        ({"category": "nonsense"}, "Not a valid choice"),
        ({"organ": "99999"}, "Not a valid choice"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "The last day of validity is before the first."),
    ):
        answer = keeper.post("/staff/powers/new?lang=en", data=typed(organ.id, **changes))
        assert answer.status_code == 422, words
        assert words in answer.text
    assert db.session.scalar(sa.select(sa.func.count(PowerItem.id))) == 1


def test_ground_is_an_article_of_a_law_in_force(sign_in: SignIn, tmp_path: Path) -> None:
    basis, repealed = make_basis(tmp_path), make_basis(tmp_path)
    repealed.status = BasisStatus.REPEALED
    item = make_power(make_organ())
    keeper = sign_in(Role.SUPERVISOR)
    grounds = f"/staff/powers/{item.id}/grounds?lang=en"
    assert keeper.post(grounds, data={"basis": basis.id, "article": "3-1"}).status_code == 302
    for sent, words in (
        ({"basis": basis.id, "article": "3-1"}, "The item rests on this article already."),
        ({"basis": basis.id, "article": "99"}, "This law has no such article."),
        ({"basis": basis.id, "article": "x"}, "Enter a number such as 37 or 37-1"),
        ({"basis": repealed.id, "article": "1"}, "Not a valid choice"),
    ):
        answer = keeper.post(grounds, data=sent)
        assert answer.status_code == 422, words
        assert words in answer.text
    ground = db.session.scalars(sa.select(PowerGround.id)).one()
    removal = f"/staff/powers/{item.id}/grounds/{ground}/remove"
    assert keeper.post(removal).status_code == 302
    assert db.session.scalar(sa.select(sa.func.count(PowerGround.id))) == 0
    assert keeper.post(removal).status_code == 404


def test_items_without_a_sound_ground_are_shown_for_a_look(sign_in: SignIn, tmp_path: Path) -> None:
    sound, stale = make_basis(tmp_path), make_basis(tmp_path)
    organ = make_organ()
    for name, basis in (("甲职权", sound), ("乙职权", stale)):
        service.rest_on(item=make_power(organ, name=name), articles=[article_of(basis, 3)], staff_id=None)
    make_power(organ, name="丙职权")
    stale.status = BasisStatus.AMENDED
    page = sign_in(Role.SUPERVISOR).get("/staff/powers/?view=unsound&lang=en").text
    assert [name for name in "甲乙丙" if f"{name}职权" in page] == ["乙", "丙"]
    assert "Ground to be looked at (2)" in page


@pytest.mark.parametrize(("days", "sound"), [(1, True), (0, False), (-1, False)])
def test_a_text_stands_until_the_day_on_which_it_ends(sign_in: SignIn, tmp_path: Path, days: int, sound: bool) -> None:
    basis, item = make_basis(tmp_path), make_power(make_organ(), name="甲职权")
    service.rest_on(item=item, articles=[article_of(basis, 3)], staff_id=None)
    basis.status, basis.ended_on = BasisStatus.REPEALED, clock.today() + timedelta(days=days)
    assert ([row.id for row in queries.list_citable()] == [basis.id]) is sound
    assert (queries.load_citable([basis.title]) == {basis.title: basis.id}) is sound
    page = sign_in(Role.SUPERVISOR).get("/staff/powers/?view=unsound&lang=en").text
    assert ("甲职权" not in page) is sound


def test_a_text_that_does_not_stand_yet_is_no_ground(app: Flask, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    basis.effective_on = clock.today() + timedelta(days=1)
    assert queries.list_citable() == []


def test_transfers_never_overlap(sign_in: SignIn) -> None:
    organ, other, third = make_organ(), make_organ(name="虚构市乙局"), make_organ()
    item = make_power(organ, valid_from=date(2020, 1, 1), valid_to=date(2029, 12, 31))
    transfer(item, other, date(2022, 1, 1), date(2023, 12, 31))
    keeper = sign_in(Role.SUPERVISOR)
    address = f"/staff/powers/{item.id}/transfers/new?lang=en"
    words = "虚构市乙局 holds the power from 1 January 2022 to 31 December 2023."
    for sent, said in (
        (moved(third.id, "2021-06-01"), words),
        (moved(third.id, "2023-12-31", "2024-06-01"), words),
        (moved(third.id, "2022-01-01", "2022-01-01"), words),
        (moved(third.id, "2024-06-01", "2024-01-01"), "The last day is before the first."),
        (moved(organ.id, "2024-01-01"), "This organ holds the power anyway."),
        (moved(third.id, "2019-01-01", "2019-02-01"), "The item is valid from 2020-01-01 on only."),
        (moved(third.id, "2030-01-01"), "The item is over on 2029-12-31."),
        (moved(third.id, "2024-01-01") | {"document_number": ""}, "Enter the document number"),
    ):
        answer = keeper.post(address, data=sent)
        assert answer.status_code == 422, sent
        assert said in answer.text
        assert db.session.scalar(sa.select(sa.func.count(PowerTransfer.id))) == 1
    assert keeper.post(address, data=moved(third.id, "2024-01-01")).status_code == 302
    answer = keeper.post(address, data=moved(other.id, "2026-01-01"))
    assert "until further notice. End that transfer first." in answer.text


def test_of_transfers_entered_at_once_one_is_taken(app: Flask) -> None:
    item_id = make_power(make_organ()).id
    organ_ids = [make_organ().id for _number in range(4)]
    db.session.commit()

    def give(organ_id: int) -> bool:
        content = service.TransferContent(
            organ_id=organ_id, since=date(2026, 1, organ_id % 28 + 1), until=None, document_number="虚构〔2026〕1号"
        )
        with app.app_context():
            item = queries.get_item_by_id(item_id, lock=True)
            try:
                service.add_transfer(item=item, content=content, staff_id=None)
            except Conflict:
                return False
            db.session.commit()
            return True

    with ThreadPoolExecutor(len(organ_ids)) as pool:
        assert sorted(pool.map(give, organ_ids)) == [False, False, False, True]
    assert db.session.scalar(sa.select(sa.func.count(PowerTransfer.id))) == 1


def test_transfer_is_ended_by_its_last_day_and_taken_out_when_wrong(sign_in: SignIn, client: FlaskClient) -> None:
    organ, other = make_organ(name="虚构市甲局"), make_organ(name="虚构市乙局")
    item = make_power(organ)
    transfer(item, other, date(2022, 1, 1))
    found = db.session.scalars(sa.select(PowerTransfer)).one()
    keeper = sign_in(Role.SUPERVISOR)
    page = f"/staff/powers/{item.id}/transfers/{found.id}"
    assert "2022-01-01" in keeper.get(page).text
    assert keeper.post(page, data=moved(other.id, "2022-01-01", "2022-12-31")).status_code == 302
    answer = client.get(f"/powers/{item.code}?on=2023-01-01&lang=en").text
    assert "虚构市甲局" in answer.split('id="holder"')[1].split("<h2")[0]
    assert keeper.post(f"{page}/remove").status_code == 302
    assert keeper.post(f"{page}/remove").status_code == 404
    assert db.session.scalar(sa.select(sa.func.count(PowerTransfer.id))) == 0
    done = db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert list(done)[-2:] == ["power.edit_transfer", "power.remove_transfer"]


def test_nobody_overwrites_what_they_did_not_see(sign_in: SignIn) -> None:
    organ = make_organ()
    item, officer = make_power(organ), make_officer(organ)
    keeper, other = sign_in(Role.SUPERVISOR), sign_in(Role.SUPERVISOR)
    for address, name in (
        (f"/staff/powers/{item.id}/edit", "post"),
        (f"/staff/organs/{organ.id}/edit", "phone"),
        (f"/staff/officers/{officer.id}", "category"),
    ):
        opened = read_form(other.get(address).text)
        assert opened["version"]
        first = keeper.post(address, data=read_form(keeper.get(address).text) | {name: "0391-1"})
        assert first.status_code == 302, first.text
        late = other.post(f"{address}?lang=en", data=opened | {name: "0391-2"})
        assert (late.status_code, "changed this after you opened it" in late.text) == (422, True)
        assert read_form(keeper.get(address).text)[name] == "0391-1"
        # What they typed is kept, and may be saved once they have been told.
        assert read_form(late.text)[name] == "0391-2"
        assert other.post(address, data=read_form(late.text)).status_code == 302
        assert read_form(keeper.get(address).text)[name] == "0391-2"


def read_form(page: str) -> dict[str, str]:
    """Return what the form of a page would send."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found.setdefault(name[1], html.unescape(value[1]) if value else "")
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        found[name] = html.unescape(text).strip()
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]*selected|selected[^>]*value="([^"]*)"', options)
        found[name] = (chosen[1] or chosen[2]) if chosen else ""
    return found
