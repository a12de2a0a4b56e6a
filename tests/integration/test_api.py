"""The interface for programs: what it answers is what its description says."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from portal import clock
from portal.api import rules
from portal.db import db
from portal.decisions.models import DecisionKind, DecisionState
from portal.discretion.models import DiscretionStandard, DiscretionTier, Tier
from portal.organs.models import RecognisedOrgan, Recognition
from portal.parties.models import PartyKind
from portal.powers.models import PowerCategory, PowerGround, PowerItem
from tests.counting import counted_queries
from tests.factories.bases import article_of, make_basis
from tests.factories.decisions import make_decision
from tests.factories.organs import make_officer, make_organ
from tests.factories.parties import make_party

API = "/api/v1"


def describe(client: FlaskClient) -> dict[str, Any]:
    """Return the description as programs get it."""
    return dict(client.get(f"{API}/openapi.json").get_json())


def check(client: FlaskClient, template: str, path: str, status: int = 200) -> dict[str, Any]:
    """Ask for a path and hold the answer against the description of its template."""
    document = describe(client)
    answer = client.get(API + path)
    assert answer.status_code == status, answer.text
    described = document["paths"][template]["get"]["responses"][str(status)]["content"]
    assert list(described) == [answer.mimetype]
    schema = described[answer.mimetype]["schema"] | {"components": document["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.get_json())
    return dict(answer.get_json())


def items(client: FlaskClient, path: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a list, page after page."""
    following: str | None = path
    while following:
        answer = client.get(following.removeprefix("http://portal.test")).get_json()
        yield from answer["items"]
        following = answer["next"]


def test_description_is_sound_and_names_every_route(client: FlaskClient) -> None:
    document = describe(client)
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "http://portal.test/api/v1"}]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    known = {
        rule.rule.removeprefix(API).replace("<decision_id>", "{id}").replace("<slug>", "{slug}")
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint not in ("api.description", "api.nothing")
    }
    assert set(document["paths"]) == known


def test_decisions_are_as_described(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    penalty = make_decision(article=article_of(basis, 3), fine=Decimal(1000), corrected_at=clock.now())
    make_decision(kind=DecisionKind.PERMIT, measures=[], publish_until=None, valid_to=clock.today())
    answer = check(client, "/decisions", "/decisions")
    assert [item["kind"] for item in answer["items"]] == ["permit", "penalty"]
    record = check(client, "/decisions/{id}", f"/decisions/{penalty.id}")
    assert record["content"]["fine"] == "1000.00"
    assert record["content"]["basis_text"].endswith("第三条")


def test_natural_persons_are_masked(client: FlaskClient) -> None:
    person = make_party(kind=PartyKind.PERSON, name="欧阳虚构", credit_code="11010519491231002X")
    decision = make_decision(party=person)
    for path in ("/decisions", f"/decisions/{decision.id}"):
        text = client.get(API + path).text
        assert "欧阳某某" in text
        assert "欧阳虚构" not in text
        assert "11010519491231002X" not in text
    assert client.get(f"{API}/decisions?party=欧阳虚构").get_json()["items"] == []


def test_pages_stay_right_while_decisions_come_and_go(client: FlaskClient) -> None:
    organ, moment = make_organ(), clock.now() - timedelta(hours=1)
    made = [make_decision(organ=organ, published_at=moment - timedelta(days=number // 3)) for number in range(7)]
    first = client.get(f"{API}/decisions?limit=3&kind=penalty").get_json()
    make_decision(organ=organ)
    following = first["next"].removeprefix("http://portal.test")
    rest = list(items(client, following))
    expected = [row.id for row in sorted(made, key=lambda row: (row.published_at, row.id), reverse=True)]
    assert [item["id"] for item in first["items"] + rest] == expected
    assert "kind=penalty" in following


NONSENSE = (
    "limit=0", "limit=101", "limit=x", "cursor=nonsense", "cursor=%00", "cursor=-1", "kind=theft", "since=yesterday",
    "until=2026-02-30", f"q={'x' * 61}", "organ=nobody", "organ=%00", "measure=x", "permit_category=x",
)  # fmt: skip


def test_nonsense_is_refused_with_a_reason(client: FlaskClient) -> None:
    for query in NONSENSE:
        assert check(client, "/decisions", f"/decisions?{query}", status=400)["title"], query


def test_list_is_narrowed_as_described(client: FlaskClient) -> None:
    organ = make_organ()
    wanted = make_decision(organ=organ, industry="餐饮业", place="会昌街道", measures=["警告"])
    make_decision()
    for query in (f"organ={organ.slug}", "industry=餐饮", "place=会昌", "measure=警告", f"q={wanted.document_number}"):
        assert [item["id"] for item in items(client, f"{API}/decisions?{query}")] == [wanted.id], query


def test_registers_are_as_described_and_paged(client: FlaskClient, tmp_path: Path) -> None:
    ended = make_organ(valid_to=clock.today())
    ended.successor = make_organ(confirmed=False)
    basis = make_basis(tmp_path)
    item = PowerItem(code="虚-1", name="处罚", category=PowerCategory.PENALTY, organ_id=ended.id)
    item.grounds.append(PowerGround(article=article_of(basis, 3)))
    db.session.add(item)
    make_organ()
    for name in ("organs", "bases", "powers", "procedures", "discretion", "recognitions"):
        check(client, f"/{name}", f"/{name}")
        check(client, f"/{name}", f"/{name}?cursor=x", status=400)
    assert len(list(items(client, f"{API}/organs?limit=1"))) == 2
    assert next(items(client, f"{API}/powers"))["articles"] == [{"basis": basis.slug, "number": 3, "suffix": 0}]
    law = check(client, "/bases/{slug}", f"/bases/{basis.slug}")
    assert [article["number"] for article in law["articles"]] == [1, 2, 3, 3, 4]


def test_standards_are_told_with_their_tiers(client: FlaskClient, tmp_path: Path) -> None:
    organ, basis = make_organ(), make_basis(tmp_path)
    tiers = [DiscretionTier(position=2, tier=Tier.HEAVY, fine_from=Decimal(5000), fine_to=None)]
    tiers.insert(0, DiscretionTier(position=1, tier=Tier.WAIVED, condition="及时改正", consequence="不予处罚"))
    values: dict[str, Any] = {"violation": "未测试", "organ": organ}
    today = clock.today()
    db.session.add_all(
        [
            DiscretionStandard(code="CL-1", article=article_of(basis, 3), tiers=tiers, valid_to=today, **values),
            DiscretionStandard(code="CL-2", **values),
            DiscretionStandard(code="CL-3", valid_to=today - timedelta(days=1), **values),
        ]
    )
    first, second = check(client, "/discretion", "/discretion")["items"]
    assert (first["organ"], first["article"]) == (organ.slug, {"basis": basis.slug, "number": 3, "suffix": 0})
    assert [(tier["tier"], tier["fine_from"]) for tier in first["tiers"]] == [("waived", None), ("heavy", "5000.00")]
    assert (second["code"], second["article"], second["tiers"]) == ("CL-2", None, [])
    assert [item["code"] for item in items(client, f"{API}/discretion?limit=1")] == ["CL-1", "CL-2"]


def test_recognitions_name_their_organs(client: FlaskClient) -> None:
    organs = [make_organ() for _ in range(2)]
    for year in (2025, 2026):
        named = [RecognisedOrgan(organ=organ) for organ in organs[: year - 2024]]
        day = date(year, 1, 5)
        db.session.add(Recognition(year=year, title="公告", announced_on=day, organs=named))
    shown = check(client, "/recognitions", "/recognitions")["items"]
    slugs = [organ.slug for organ in organs]
    assert [(item["year"], item["organs"]) for item in shown] == [(2025, slugs[:1]), (2026, slugs)]


def test_a_card_is_checked_by_its_number_alone(client: FlaskClient) -> None:
    officer = make_officer(make_organ(), "16080000001")
    path = "/officers/check?number=1608 0000001"
    with time_machine.travel("2026-11-22T04:00:00Z", tick=False):
        card = check(client, "/officers/check", path)
        assert (card["state"], card["organ"], card["last_day"]) == ("valid", officer.organ.slug, "2027-01-01")
        assert client.get(API + path).headers["Cache-Control"] == "no-store"
        officer.suspended_on = clock.today()
        assert check(client, "/officers/check", path)["state"] == "suspended"
    check(client, "/officers/check", "/officers/check?number=16080000002", status=404)
    check(client, "/officers/check", "/officers/check?number=%00", status=400)


def test_what_is_not_public_is_not_told(client: FlaskClient) -> None:
    draft = make_decision(state=DecisionState.DRAFT)
    withdrawn = make_decision(state=DecisionState.WITHDRAWN)
    over = make_decision(publish_until=clock.today() - timedelta(days=1))
    check(client, "/decisions/{id}", f"/decisions/{draft.id}", status=404)
    check(client, "/decisions/{id}", "/decisions/999999", status=404)
    assert "withdrawn" in check(client, "/decisions/{id}", f"/decisions/{withdrawn.id}", status=410)
    assert "withdrawn" not in check(client, "/decisions/{id}", f"/decisions/{over.id}", status=410)
    check(client, "/bases/{slug}", "/bases/nothing", status=404)
    assert client.get(f"{API}/nothing/here").mimetype == "application/problem+json"
    assert client.get(f"{API}/decisions").get_json()["items"] == []


def test_list_costs_a_fixed_number_of_queries(client: FlaskClient) -> None:
    organ, costs = make_organ(), []
    for rows in (1, 9):
        for _ in range(rows):
            make_decision(organ=organ)
        db.session.commit()
        with counted_queries() as seen:
            assert client.get(f"{API}/decisions?organ={organ.slug}&limit={rows}").status_code == 200
        costs.append(len(seen))
    assert costs == [2, 2]


def test_what_did_not_change_is_not_sent_again(client: FlaskClient) -> None:
    make_decision()
    first = client.get(f"{API}/decisions", headers={"Cookie": "lang=en"})
    again = {"If-None-Match": first.headers["ETag"], "Cookie": "lang=en"}
    assert client.get(f"{API}/decisions", headers=again).status_code == 304
    make_decision()
    assert client.get(f"{API}/decisions", headers=again).status_code == 200
    head = client.head(f"{API}/decisions")
    assert (head.status_code, head.data) == (200, b"")


def test_programs_of_other_sites_may_read(client: FlaskClient) -> None:
    answer = client.get(f"{API}/organs")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_cursors_say_what_they_were_made_of() -> None:
    moment = clock.now()
    assert rules.read_cursor(rules.make_cursor(moment, 7)) == (moment, 7)
    for broken in ("", "x", "MjAyNi0wMS0wMX4x", rules.make_cursor(moment, 7)[:-6], "é"):
        assert rules.read_cursor(broken) is None


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_cursors_from_the_ends_of_the_calendar_are_refused(client: FlaskClient, edge: str) -> None:
    cursor = urlsafe_b64encode(f"{edge}~1".encode()).decode()
    check(client, "/decisions", f"/decisions?cursor={cursor}", status=400)


@pytest.mark.parametrize("path", ["/", "/decisions/99999999999", "/decisions/x", "/decisions/0", "/decisions/-1"])
def test_addresses_of_nothing_answer_in_json(client: FlaskClient, path: str) -> None:
    answer = client.get(f"{API}{path}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_nobody_represents_a_person(client: FlaskClient) -> None:
    person, firm = make_party(name="欧阳虚构", kind=PartyKind.PERSON, credit_code=None), make_party()
    for party, said in ((person, ""), (firm, "虚某")):
        made = make_decision(party=party, legal_representative="虚某", document_number=f"虚〔2026〕{party.id}号")
        assert check(client, "/decisions/{id}", f"/decisions/{made.id}")["content"]["legal_representative"] == said
