"""The procedures that ship with the portal stand in the database, and everybody can read them."""

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.db import db
from portal.procedures import service
from portal.procedures.models import Procedure
from tests.counting import counted_queries
from tests.factories.procedures import make_procedure

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
