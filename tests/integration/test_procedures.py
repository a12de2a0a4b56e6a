"""The procedures that ship with the portal stand in the database, and everybody can read them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.procedures import service
from portal.procedures.forms import STEP_TEXTS
from portal.procedures.models import Procedure
from portal.procedures.queries import get_procedure
from tests.counting import counted_queries
from tests.factories.accounts import make_staff
from tests.factories.bases import make_basis
from tests.factories.procedures import make_procedure

SignIn = Callable[..., FlaskClient]

SHIPPED = (
    "penalty-ordinary",
    "penalty-on-the-spot",
    "penalty-hearing",
    "permit-application",
    "permit-renewal",
    "reconsideration",
)


@pytest.mark.usefixtures("app")
def test_facts_load_once() -> None:
    assert service.load_facts() == 0
    procedure = db.session.query(Procedure).filter_by(slug="penalty-ordinary").one()
    procedure.summary = "改过"
    db.session.flush()
    assert service.load_facts() == 1
    assert service.load_facts() == 0


def test_each_step_names_who_and_which_article(app: Flask) -> None:
    for procedure in db.session.query(Procedure).all():
        assert procedure.fee
        assert procedure.documents_en
        assert procedure.remedies_en
        for step in procedure.steps:
            assert step.actor, step.title
            assert step.law, step.title
            assert step.article, step.title
            assert step.title_en, step.title
            assert bool(step.limit) == bool(step.limit_en), step.title
            assert bool(step.branch) == bool(step.branch_en), step.title


@pytest.mark.parametrize("slug", SHIPPED)
@pytest.mark.parametrize("locale", ["zh_Hans", "en"])
def test_procedure_is_a_list_of_steps_with_branches(client: FlaskClient, slug: str, locale: str) -> None:
    page = BeautifulSoup(client.get(f"/procedures/{slug}?lang={locale}").text, "html.parser")
    flow = page.select_one("ol.steps--flow")
    assert flow is not None
    assert len(flow.find_all("li", recursive=False)) >= 4
    assert len(page.select("h1")) == 1


def test_limits_stand_with_their_articles(client: FlaskClient) -> None:
    page = client.get("/procedures/penalty-ordinary?lang=en").text
    assert "Within 90 days of the case being opened" in page
    assert "Administrative penalty law, article 57, 59, 60" in page
    assert "If you do not pay in time" in page


def test_procedures_are_found_and_listed(client: FlaskClient) -> None:
    make_procedure(title="虚构测试程序")
    page = client.get("/procedures?lang=en").text
    for slug in (*SHIPPED, "testing"):
        assert f'href="/procedures/{slug}"' in page
    assert "/procedures/reconsideration" in client.get("/search?q=行政复议程序").text
    assert client.get("/procedures/none").status_code == 404


def test_list_asks_the_database_twice(client: FlaskClient) -> None:
    with counted_queries() as seen:
        client.get("/procedures")
    assert len(seen) == 2


def test_branches_of_one_condition_stand_together_and_say_how_it_goes_on(client: FlaskClient) -> None:
    procedure = make_procedure(steps=2)
    service.keep_step(
        procedure=procedure, step_id=None, words=words(branch="如果不服"), ends=False, staff_id=make_staff().id
    )
    service.keep_step(
        procedure=procedure, step_id=None, words=words(branch="如果不服"), ends=True, staff_id=make_staff().id
    )
    service.keep_step(
        procedure=procedure, step_id=None, words=words(branch="如果同意"), ends=False, staff_id=make_staff().id
    )
    page = BeautifulSoup(client.get("/procedures/testing?lang=en").text, "html.parser")
    branches = page.select(".branch")
    assert [len(branch.select("li > h4")) for branch in branches] == [2, 1]
    assert "The procedure ends here." in branches[0].text
    assert "Nothing follows." in branches[1].text


def words(**changes: str) -> dict[str, str]:
    """Return the texts of a step."""
    return dict.fromkeys(STEP_TEXTS, "") | {"title": "又一步"} | changes


def test_articles_are_links_where_the_law_is_here(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    make_basis(tmp_path, title="中华人民共和国虚构测试法")
    procedure = make_procedure(steps=1)
    said = words(law="虚构测试法", article="3, 3-1, 99")
    service.keep_step(procedure=procedure, step_id=None, words=said, ends=False, staff_id=make_staff().id)
    page = BeautifulSoup(client.get("/procedures/testing?lang=en").text, "html.parser")
    links = [str(link["href"]) for link in page.select("ol.steps--flow a")]
    assert [link.rsplit("/", 1)[1] for link in links] == ["3", "3-1"]
    assert all(client.get(link).status_code == 200 for link in links)
    assert "99" in page.select("ol.steps--flow > li")[1].text


def test_documents_can_be_ticked_off_and_taken_along(client: FlaskClient) -> None:
    make_procedure(documents="身份证明；营业执照;授权书。", documents_en="")
    page = BeautifulSoup(client.get("/procedures/testing/documents").text, "html.parser")
    assert [item.text for item in page.select(".ticks li")] == ["身份证明", "营业执照", "授权书"]
    answer = client.get("/procedures/testing/documents.txt?lang=en")
    assert answer.mimetype == "text/plain"
    assert answer.text.count("[  ] ") == 3
    assert "testing-documents.txt" in answer.headers["Content-Disposition"]
    assert client.get("/procedures/none/documents.txt").status_code == 404


def test_what_a_city_edited_stays_until_it_is_given_back(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    where = "/staff/procedures/penalty-ordinary"
    form = {"title": "本市普通程序", "organ": "0", "seen": ""}
    assert client.post(f"{where}/edit", data=form).status_code == 303
    assert client.post(f"{where}/edit", data=form).status_code == 422  # Seen before it was changed.
    assert service.load_facts() == 0
    assert "本市普通程序" in client.get("/procedures/penalty-ordinary").text
    entry = db.session.query(AuditEntry).filter_by(action="procedure.edit").one()
    assert "title" in entry.details["changed"]
    client.post(f"{where}/restore")
    assert "本市普通程序" not in client.get("/procedures/penalty-ordinary").text
    assert service.load_facts() == 0


def test_staff_order_add_and_remove_steps(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    assert (
        client.post("/staff/procedures/new", data={"slug": "Bad Slug", "title": "新", "organ": "0"}).status_code == 422
    )
    client.post("/staff/procedures/new", data={"slug": "own", "title": "自有程序", "organ": "0"})
    where = "/staff/procedures/own"
    assert client.post(f"{where}/steps/new", data={"title": "支", "branch": "如果"}).status_code == 422
    for title in ("甲", "乙"):
        assert client.post(f"{where}/steps/new", data={"title": title}).status_code == 303
    client.post(f"{where}/steps/new", data={"title": "丙", "branch": "如果", "ends": "y"})

    def titles() -> list[str]:
        db.session.expire_all()
        return [step.title for step in get_procedure("own").steps]

    steps = {step.title: step.id for step in get_procedure("own").steps}
    client.post(f"{where}/steps/{steps['丙']}/up")
    assert titles() == ["甲", "丙", "乙"]
    client.post(f"{where}/steps/{steps['丙']}/up")
    assert titles() == ["甲", "丙", "乙"]  # A branch cannot come first.
    client.post(f"{where}/steps/{steps['丙']}/remove")
    assert titles() == ["甲", "乙"]
    assert client.get("/search?q=自有程序").text.count("/procedures/own")
    assert client.post(f"{where}/steps/99999/remove").status_code in (303, 404)
    assert sign_in(Role.REVIEWER, organ_id=None).get("/staff/procedures/").status_code == 403
