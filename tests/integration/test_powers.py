"""Everybody reads who may do what, on which article, and who holds a power on a day."""

from datetime import date
from pathlib import Path

import time_machine
from flask.testing import FlaskClient

from portal.bases.models import BasisStatus
from portal.db import db
from portal.organs.models import Organ
from portal.organs.rules import acting
from portal.powers import queries, service
from portal.powers.models import PowerCategory
from tests.counting import counted_queries
from tests.factories.bases import article_of, make_basis
from tests.factories.organs import make_organ, make_power, transfer

NOON = "2026-11-22T04:00:00Z"


def test_list_is_narrowed_by_category_holder_word_article_and_day(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    organ, other = make_organ(), make_organ()
    former = make_organ(valid_to=date(2019, 2, 28), successor_id=organ.id)
    first = make_power(organ, name="甲职权", category=PowerCategory.PERMIT, post="一股")
    second = make_power(other, name="乙职权", code="CF-77")
    third = make_power(former, name="丙职权", valid_to=date(2026, 12, 31))
    transfer(second, organ, date(2022, 1, 1), date(2023, 12, 31))
    article = article_of(basis, 3)
    service.rest_on(item=first, articles=[article], staff_id=None)
    cases = (
        ("", "甲乙丙"),
        ("category=permit", "甲"),
        (f"organ={organ.id}", "甲丙"),
        (f"organ={organ.id}&on=2022-06-01", "甲乙丙"),
        (f"organ={former.id}", ""),
        (f"organ={former.id}&on=2019-02-28", "丙"),
        ("q=cf-77", "乙"),
        ("q=一股", "甲"),
        (f"article={article.id}", "甲"),
        ("on=2027-01-01", "甲乙"),
        ("category=x&organ=x&article=x&on=x&page=x", "甲乙丙"),
    )
    with time_machine.travel(NOON, tick=False):
        for query, shown in cases:
            page = client.get(f"/powers?{query}").text
            assert "".join(name for name in "甲乙丙" if f"{name}职权" in page) == shown, query
        assert "No results for these filters" in client.get("/powers?q=%25&lang=en").text
    assert third.organ_id == former.id


def test_empty_list_says_so(client: FlaskClient) -> None:
    assert "Nothing here yet" in client.get("/powers?lang=en").text


def test_list_runs_a_fixed_number_of_queries(client: FlaskClient) -> None:
    organ = make_organ()
    make_power(organ)
    with counted_queries() as few:
        client.get("/powers")
    for _number in range(15):
        make_power(organ)
        make_organ()
    with counted_queries() as many:
        client.get("/powers")
    assert len(many) == len(few) <= 5


def test_page_of_a_power_leads_to_organ_and_article(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    organ = make_organ(name="虚构市甲局")
    item = make_power(organ, code="CF-1", post="法制股", basis_text="《虚构法》第三条")
    service.rest_on(item=item, articles=[article_of(basis, 3, 1)], staff_id=None)
    page = client.get("/powers/cf-1?lang=en").text
    for words in ("CF-1", "法制股", "《虚构法》第三条", "虚构市甲局", f'href="/organs/{organ.slug}"', "/articles/3-1"):
        assert words in page
    assert 'class="tag tag--bad">Repealed' not in page
    basis.status = BasisStatus.REPEALED
    assert 'class="tag tag--bad">Repealed' in client.get("/powers/CF-1?lang=en").text
    assert client.get("/powers/none").status_code == 404


def test_who_holds_a_power_on_a_day(client: FlaskClient) -> None:
    third = make_organ(name="虚构市丙局")
    organ = make_organ(name="虚构市甲局", valid_to=date(2025, 6, 30), successor_id=third.id)
    item = make_power(organ, valid_to=date(2029, 12, 31))
    transfer(item, make_organ(name="虚构市乙局"), date(2022, 1, 1), date(2023, 12, 31))
    for on, words in (
        ("2021-12-31", "虚构市甲局"),
        ("2022-01-01", "虚构市乙局"),
        ("2023-12-31", "虚构市乙局"),
        ("2024-01-01", "虚构市甲局"),
        ("2025-07-01", "虚构市丙局"),
        ("2030-01-01", "there is no such power"),
        ("2026-13-01", "This is not a day."),
        ("<b>", "This is not a day."),
    ):
        answer = client.get(f"/powers/{item.code}", query_string={"on": on, "lang": "en"})
        assert answer.status_code == 200
        assert words in answer.text.split('id="holder"')[1].split("<h2")[0], on
        assert "<b>" not in answer.text


def test_one_and_many_are_answered_alike(client: FlaskClient) -> None:
    last = make_organ()
    organ = make_organ(valid_to=date(2024, 6, 30), successor_id=last.id)
    dead = make_organ(valid_to=date(2023, 6, 30))
    items = [make_power(organ), make_power(dead, valid_from=date(2022, 1, 1)), make_power(last)]
    transfer(items[0], dead, date(2023, 1, 1), date(2023, 12, 31))
    transfer(items[0], organ := make_organ(), date(2024, 1, 1), date(2024, 1, 1))
    for on in (
        date(2021, 1, 1),
        date(2023, 6, 30),
        date(2023, 7, 1),
        date(2024, 1, 1),
        date(2024, 1, 2),
        date(2025, 1, 1),
    ):
        many = queries.list_holders([item.id for item in items], on)
        for item in items:
            db.session.expire(item)
            one = queries.find_holder(item, on)
            assert (one is not None) == (item.id in many), on
            if one is not None:
                assert one.organ_id == many[item.id], on
    assert many[items[0].id] == last.id
    assert many[items[1].id] is None
    assert acting(organ.id, date(2025, 1, 1), {}) == organ.id


def test_history_reads_as_a_list_from_the_first_day(client: FlaskClient) -> None:
    organ, other = make_organ(name="虚构市甲局"), make_organ(name="虚构市乙局")
    item = make_power(organ)
    transfer(item, other, date(2022, 1, 1))
    page = client.get(f"/powers/{item.code}?lang=en").text.split("Who held it when")[1]
    assert page.index("until 31 December 2021") < page.index("虚构市甲局") < page.index("since 1 January 2022")
    assert "By transfer (虚构〔2026〕1号)" in page


def test_power_is_found_until_it_ends(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        item = make_power(make_organ(), name="对乱倒渣土的处罚", code="CF-9", valid_from=date(2020, 1, 1))
        assert "/powers/CF-9" in client.get("/search?q=渣土").text
        ended = service.Content(
            code="CF-9",
            name="对乱倒渣土的处罚",
            category=PowerCategory.PENALTY,
            organ_id=item.organ_id,
            valid_to=date(2026, 11, 21),
        )
        service.update_item(item=item, content=ended, staff_id=None)
        assert "/powers/CF-9" not in client.get("/search?q=渣土").text


def test_article_knows_the_powers_of_today_that_rest_on_it(client: FlaskClient, tmp_path: Path) -> None:
    article, organ = article_of(make_basis(tmp_path), 3), make_organ()
    for item in (make_power(organ, name="甲"), make_power(organ, name="乙", valid_to=date(2020, 1, 1))):
        service.rest_on(item=item, articles=[article], staff_id=None)
    assert [row.name for row in queries.list_on_article(article.id)] == ["甲"]
    assert db.session.get(Organ, organ.id)
