"""Nothing that was masked is read anywhere in public, and what the authority says of itself is.

Every public address is asked: all routes, with what they can be asked for, and whatever the pages link to. A new route
is asked as soon as it is there; one that this test cannot reach makes it fail until `values` says how.
"""

import html
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from portal import clock
from portal.accounts.models import Role, Staff
from portal.bases.models import Article
from portal.complaint_publication.service import Words
from portal.db import db
from portal.decision_endings import service as endings
from portal.decision_masking import service as masking
from portal.decision_masking.queries import get_sheet
from portal.decision_reviews import service as reviews
from portal.decisions.models import Decision, DecisionKind
from portal.decisions.service import PartyDetails, index_decision
from portal.organs.models import Organ
from portal.parties.models import PartyKind
from tests.factories.accounts import make_staff
from tests.factories.bases import article_of, make_basis
from tests.factories.drafts import CONTENT, FACTS, OWN, PERSONAL, make_draft
from tests.factories.organs import make_organ, make_power
from tests.factories.published_answers import make_consenting, make_published

# What shows no decision: it asks for a session, a secret link or an operator's token, tells of health, or shows records
# of which there are none here.
ELSEWHERE = {
    "complaints.case", "complaints.file", "complaints.receipt", "revisits.answer", "sandbox.phone", "health.metrics",
    "health.ready", "organs.recognition", "basis_versions.compare", "discretion.show", "api.officer", "api.nothing",
}  # fmt: skip
MOST_LINKS = 1500
OUTCOMES = (200, 301, 302, 308, 400, 404, 410)


@dataclass
class World:
    """What was published, and how its addresses are reached."""

    organ: Organ
    article: Article
    public: list[Decision]
    gone: list[Decision]
    values: dict[str, list[Any]] = field(default_factory=dict)


@pytest.fixture
def world(app: Flask, tmp_path: Path) -> World:
    """Publish decisions of every kind and sort of party, each full of personal data; take some down again."""
    organ = make_organ(name="虚构市综合行政执法局", phone=OWN["hotline"], address="虚构市黄河大道100号")
    article = article_of(make_basis(tmp_path), 3)
    power = make_power(organ)
    staff = make_staff(organ_id=organ.id), make_staff(role=Role.REVIEWER, organ_id=organ.id)
    parties = [
        PartyDetails(kind=PartyKind.PERSON, name="张虚构"),
        PartyDetails(kind=PartyKind.SOLE_TRADER, name="虚构市好味小吃店", credit_code=""),
        PartyDetails(kind=PartyKind.SOLE_TRADER, name="张虚构"),
        PartyDetails(kind=PartyKind.ORGANISATION, name="虚构食品有限公司"),
    ]
    drafts = [
        {
            "party": party,
            "kind": kind,
            "legal_representative": "欧阳小明",
            "article_id": article.id,
            # A driver's licence has the number of the identity card.
            "permit_number": PERSONAL["identity_number"],
            "industry": f"餐饮，联系人{PERSONAL['informant']}，{PERSONAL['phone']}",
        }
        for party in parties
        for kind in (DecisionKind.PENALTY, DecisionKind.PERMIT)
    ]
    drafts += [
        {"kind": kind, "certificate": "张虚构驾驶证"} for kind in (DecisionKind.INSPECTION, DecisionKind.COERCION)
    ]
    public = [publish(organ, staff, number, **values) for number, values in enumerate(drafts, 1)]
    gone = [publish(organ, staff, number) for number in (51, 52)]
    endings.order_withdrawal(decision=gone[0], staff=staff[0], ordered_on=clock.today(), order="复议撤销")
    endings.withdraw(decision=gone[0], staff=staff[0], reason="张虚构（电话13800138011）的处罚经复议撤销。")
    gone[1].publish_until = clock.today() - timedelta(days=1)
    index_decision(gone[1])
    told = make_consenting(organ_id=organ.id, sender_name="张虚构", phone="+8613800138099", facts=FACTS)
    told.answer = CONTENT
    answer = make_published(told, Words(title="占道经营的处理", question=FACTS, answer=CONTENT))
    db.session.commit()
    # Routes that no page links to are reached by what stands here, by the first part of their address.
    values: dict[str, list[Any]] = {
        "answer_id": [answer.id],
        "decision_id": [decision.id for decision in (*public, *gone)],
        "bases.slug": [article.basis.slug],
        "api.slug": [article.basis.slug],
        "organs.slug": [organ.slug],
        "powers.code": [power.code],
        "procedures.slug": ["penalty-ordinary"],
        "key": ["3"],
        "number": [1],
        "year": [2026],
    }
    return World(organ, article, public, gone, values)


def publish(organ: Organ, staff: tuple[Staff, Staff], number: int, **values: Any) -> Decision:
    """Take a draft all the way: typed, its masking confirmed, handed over, published by somebody else."""
    clerk, reviewer = staff
    decision = make_draft(organ, clerk, number=number, **values)
    masking.confirm(decision=decision, staff=clerk, seen=get_sheet(decision).seen)
    reviews.submit(decision=decision, staff=clerk)
    reviews.publish(decision=decision, staff=reviewer)
    return decision


def addresses(app: Flask, world: World) -> Iterator[str]:
    """Yield the addresses of every public route that is read, with what it can be asked for."""
    for rule in watched(app):
        for path in paths(app, world, rule):
            yield path
            yield f"{path}?lang=en&mode=elder"
            if not rule.arguments:
                yield from (f"{path}?{urlencode(asked)}" for asked in questions(world))


def questions(world: World) -> Iterator[dict[str, Any]]:
    """Yield what a list or search may be asked; an address takes what it knows of it."""
    yield {"q": "占道经营", "keyword": "占道经营", "organ": world.organ.slug, "page": 1}
    yield {"organ": world.organ.id, "kind": "penalty", "since": "2020-01-01", "until": "2099-12-31"}
    yield {"kind": "permit", "sort": "date", "format": "json"}


def paths(app: Flask, world: World, rule: Rule) -> Iterator[str]:
    """Yield the paths of a route, one for each record that it can show; none where only links lead to it."""
    rows: list[dict[str, Any]] = [{}]
    for name in sorted(rule.arguments):
        feature = rule.rule.split("/")[1]
        choices = world.values.get(f"{feature}.{name}", world.values.get(name, []))
        rows = [row | {name: choice} for row in rows for choice in choices]
    with app.test_request_context():
        for row in rows:
            built = rule.build(row)
            assert built is not None
            yield built[1]


def watched(app: Flask) -> Iterator[Rule]:
    """Yield every public route that is read."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.endpoint.startswith("staff.") and rule.endpoint not in ELSEWHERE:
            yield rule


def find_unwatched(app: Flask, asked: Iterable[str]) -> set[str]:
    """Return the routes to which none of the addresses leads."""
    table = app.url_map.bind("portal.test")
    reached = {table.match(urlsplit(path).path, method="GET")[0] for path in asked}
    return {rule.rule for rule in watched(app) if rule.endpoint not in reached}


def readings(answer: Any) -> str:
    """Return everything that somebody could read in an answer: as it is, unescaped, without tags, and unpacked."""
    body = answer.get_data()
    parts = []
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            parts = [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    else:
        parts = [body.decode("utf-8", "replace")]
    parts += [f"{name}: {value}" for name, value in answer.headers]
    plain = [html.unescape(part) for part in parts]
    plain += [re.sub(r"<[^>]*>", "", part) for part in plain]
    plain += [unquote(part) for part in parts]
    plain += [re.sub(r"\\u([0-9a-fA-F]{4})", lambda hit: chr(int(hit[1], 16)), part) for part in parts]
    return re.sub(r"[\s\-]", "", "\n".join([*parts, *plain]))


def links(path: str, answer: Any) -> Iterator[str]:
    """Yield the addresses of this portal that a page or feed links to."""
    found = re.findall(r"""(?:href|src)=["']([^"']+)|<(?:loc|id)>([^<]+)""", answer.get_data(as_text=True))
    for target in (html.unescape(one or other) for one, other in found):
        parts = urlsplit(urljoin(f"http://portal.test{path}", target))
        if parts.netloc in ("portal.test", "localhost") and not parts.path.startswith(
            ("/static", "/staff", "/complaints")
        ):
            asked = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("lang", "mode", "next")]
            yield parts.path + (f"?{urlencode(sorted(asked))}" if asked else "")


def find_leaks(app: Flask, world: World, *, follow: bool = True) -> list[str]:
    """Ask every public address, and whatever they link to, and return what they tell that they must not."""
    client: FlaskClient = app.test_client()
    waiting = list(dict.fromkeys(addresses(app, world)))
    plain = {path for path in waiting if any(path == rule.rule for rule in app.url_map.iter_rules())}
    asked: set[str] = set()
    answered, leaks = [], []
    while waiting:
        path = waiting.pop(0)
        if path in asked:
            continue
        asked.add(path)
        assert len(asked) < MOST_LINKS, "the pages link to too many addresses to ask them all"
        answer = client.get(path, buffered=True)
        assert answer.status_code in OUTCOMES, f"{path} answered {answer.status_code}"
        assert answer.status_code == 200 or path not in plain, (
            f"{path} needs something to be asked for: it is unwatched"
        )
        answered += [path] if answer.status_code != 404 else []
        said = readings(answer)
        leaks += [f"{name} at {path}" for name, datum in PERSONAL.items() if datum.replace("-", "") in said]
        if follow and answer.mimetype in ("text/html", "application/atom+xml", "application/xml", "text/xml"):
            waiting += [target for target in links(path, answer) if target not in asked]
    assert not follow or find_unwatched(app, answered) == set(), (
        "say in this test's `values` which records these routes show"
    )
    return leaks


def test_nothing_masked_is_read_at_any_public_address(app: Flask, world: World) -> None:
    assert find_leaks(app, world) == []


def test_page_tells_what_is_the_authoritys_own_and_lists_forget_what_is_gone(app: Flask, world: World) -> None:
    client = app.test_client()
    for decision in world.public:
        page = client.get(f"/decisions/{decision.id}")
        assert page.status_code == 200
        said = readings(page)
        assert [name for name, datum in OWN.items() if datum.replace("-", "") not in said] == []
    assert [client.get(f"/decisions/{decision.id}").status_code for decision in world.gone] == [410, 410]
    listing = client.get("/decisions").text + client.get("/search?q=占道经营").text
    assert f'/decisions/{world.public[-1].id}"' in listing
    assert not any(f'/decisions/{decision.id}"' in listing for decision in world.gone)
    for name, datum in PERSONAL.items():
        for path in ("/search", "/decisions"):
            found = client.get(f"{path}?{urlencode({'q': datum, 'keyword': datum})}").text
            shown = [decision.id for decision in world.public if f'/decisions/{decision.id}"' in found]
            assert shown == [], f"{path} finds decisions by the {name}"


def test_the_watch_sees_a_leak(app: Flask, world: World) -> None:
    leaking = world.public[0]
    leaking.facts, leaking.content = FACTS, CONTENT
    index_decision(leaking)
    db.session.commit()
    leaks = find_leaks(app, world, follow=False)
    assert f"identity_number at /decisions/{leaking.id}" in leaks
    assert {leak.split(" at ")[0] for leak in leaks} >= {"witness", "phone", "card", "plate", "door", "wechat"}
