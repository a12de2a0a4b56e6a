"""The JSON API: /api/v1, described by /api/v1/openapi.json; open to programs of other sites, read-only."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import lazy_gettext as _l

from portal import clock, limits
from portal.api import queries, rules
from portal.bases.queries import get_basis
from portal.cli import current_settings
from portal.decisions.models import DecisionKind
from portal.decisions.public import FILTERS, read_day, read_filter
from portal.decisions.queries import Filter, get_published, public_content, public_party_name
from portal.decisions.rules import MAX_KEYWORD, MEASURES, PERMIT_CATEGORIES, path
from portal.errors import NotFound, Refusal
from portal.organs.queries import find_card
from portal.organs.rules import MAX_NUMBER
from portal.paging import whole_number
from portal.parties.models import PartyKind

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

PROBLEM = "application/problem+json"
WORDS = ("q", "party", "industry", "place")
# Which words a parameter may have; any other is refused instead of quietly meaning "all".
CHOICES: Mapping[str, set[str]] = {
    "kind": {kind.value for kind in DecisionKind},
    "measure": set(MEASURES),
    "permit_category": {entry["name"] for entry in PERMIT_CATEGORIES},
}


@blueprint.before_request
def count() -> None:
    """Count the requests of a network."""
    limits.count("api")


@blueprint.after_request
def open_to_all(answer: Response) -> Response:
    """Let programs of other sites read, and spare them what they have already."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if answer.status_code == 200 and request.method in ("GET", "HEAD"):
        answer.add_etag()
        answer.headers.setdefault("Cache-Control", "no-cache")
        answer.make_conditional(request)
    return answer


@blueprint.errorhandler(Refusal)
def show_refusal(refusal: Refusal) -> Response:
    """Say why a request was refused (RFC 9457); of a withdrawn decision also the reason written for the public."""
    body: dict[str, Any] = {"type": "about:blank", "status": refusal.status, "title": str(refusal.message)}
    decision = refusal.details.get("decision")
    if decision is not None:
        body["withdrawn"] = {
            "document_number": decision.document_number,
            "organ": decision.organ.name,
            "withdrawn_on": clock.local(decision.withdrawn_at).date().isoformat(),
            "reason": decision.withdrawal_reason,
        }
    answer = send(body, status=refusal.status, mimetype=PROBLEM)
    answer.headers["X-Robots-Tag"] = "noindex"
    free_at = refusal.details.get("retry_at")
    if free_at is not None:
        answer.headers["Retry-After"] = str(max(1, round((free_at - clock.now()).total_seconds())))
    return answer


def send(body: Mapping[str, Any], *, status: int = 200, mimetype: str = "application/json") -> Response:
    """Return an answer in JSON."""
    return Response(json.dumps(body, ensure_ascii=False, default=str), status=status, mimetype=mimetype)


@blueprint.get("/openapi.json")
def description() -> Response:
    """Describe this interface."""
    return send(rules.description() | {"servers": [{"url": f"{current_settings().public_url}/api/v1"}]})


@blueprint.get("/decisions")
def decisions() -> Response:
    """List public decisions, newest first."""
    wanted, size = read_wanted(), read_limit()
    after = None
    if request.args.get("cursor"):
        after = rules.read_cursor(request.args["cursor"])
        if after is None:
            raise Refusal(_l("This cursor is none of ours. Take it from the answer before."))
    rows = queries.list_decisions(wanted, on=clock.today(), after=after, limit=size + 1)
    shown = rows[:size]
    following = rules.make_cursor(shown[-1].published_at, shown[-1].id) if len(rows) > size else None
    return send_list([describe(row) for row in shown], following)


def read_wanted() -> Filter:
    """Return the filter that the parameters ask for; raises Refusal when one of them makes no sense."""
    args = request.args
    for name, choices in CHOICES.items():
        if args.get(name) and args[name] not in choices:
            raise Refusal(_l("%(name)s must be one of the words that the description lists.", name=name))
    for name in WORDS:
        if len(args.get(name, "")) > MAX_KEYWORD:
            raise Refusal(_l("%(name)s may have at most %(most)d characters.", name=name, most=MAX_KEYWORD))
    for name in ("since", "until"):
        if args.get(name) and read_day(args[name]) is None:
            raise Refusal(_l("%(name)s must be a day such as 2026-11-22.", name=name))
    wanted = read_filter()
    slug = args.get("organ", "")
    organ_id = queries.find_organ_id(slug) if slug and "\x00" not in slug else None
    if slug and organ_id is None:
        raise Refusal(_l("There is no organ with this name in its address."))
    kept = {name: getattr(wanted, name) for name in vars(wanted)}
    return Filter(**(kept | {"organ_id": organ_id, "article_id": None}))


def read_limit() -> int:
    """Return how many records an answer holds; raises Refusal for a number that cannot be."""
    typed = request.args.get("limit")
    number = whole_number(typed) if typed else rules.LIMIT
    if not number or number > rules.MOST:
        raise Refusal(_l("limit must be a number from 1 to %(most)d.", most=rules.MOST))
    return number


def send_list(items: Sequence[Mapping[str, Any]], cursor: str | None) -> Response:
    """Return a page of a list with the address of the next, which holds the same filters."""
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if value and name in (*FILTERS, "limit")
    }
    root = current_settings().public_url
    following = root + url_for(str(request.endpoint), **(kept | {"cursor": cursor})) if cursor else None
    return send({"items": items, "next": following})


def describe(row: Any) -> dict[str, Any]:
    """Return a decision as the list shows it."""
    person = row.party_kind is PartyKind.PERSON
    return {
        "id": row.id,
        "url": current_settings().public_url + path(row.id),
        "kind": row.kind.value,
        "document_number": row.document_number,
        "title": row.title,
        "party": {
            "name": public_party_name(row.party_kind, row.party_name),
            "kind": row.party_kind.value,
            "credit_code": "" if person else row.credit_code or "",
        },
        "organ": {"slug": row.organ_slug, "name": row.organ_name},
        "violation": row.violation,
        "measures": row.measures or [],
        "content": row.content,
        "fine": f"{row.fine:.2f}" if row.fine is not None else None,
        "industry": row.industry,
        "place": row.place,
        "decided_on": row.decided_on.isoformat(),
        "published_at": clock.local(row.published_at).isoformat(),
        "publish_until": row.publish_until.isoformat() if row.publish_until else None,
        "corrected_at": clock.local(row.corrected_at).isoformat() if row.corrected_at else None,
    }


@blueprint.get("/decisions/<decision_id>")
def decision(decision_id: str) -> Response:
    """Show what the public page says of a decision, and what the public log has fixed of it."""
    # Not a number in the address's rule: one that no column holds would be answered with a page, not in JSON.
    found = get_published(whole_number(decision_id) or 0, on=clock.today())
    entry = queries.find_entry(found)
    return send(
        {
            "id": found.id,
            "url": current_settings().public_url + path(found.id),
            "content": public_content(found),
            "log": {"entry": entry.id, "salt": entry.salt, "content_hash": entry.content_hash} if entry else None,
        }
    )


def register(read: Callable[..., queries.Rows], show: Callable[[queries.Rows], list[dict[str, Any]]]) -> Response:
    """Return a page of a list that is ordered by id."""
    typed, size = request.args.get("cursor"), read_limit()
    after = whole_number(typed) if typed else 0
    if after is None:
        raise Refusal(_l("This cursor is none of ours. Take it from the answer before."))
    rows = read(after=after, limit=size + 1)
    shown = rows[:size]
    return send_list(show(shown), str(shown[-1].id) if len(rows) > size else None)


def plain(rows: queries.Rows) -> list[dict[str, Any]]:
    """Return rows as they are: days in ISO, codes as words."""
    return [{name: value for name, value in row._asdict().items() if name != "id"} for row in rows]


@blueprint.get("/organs")
def organs() -> Response:
    """List the enforcement organs, those that have ended as well."""
    return register(queries.list_organs, plain)


@blueprint.get("/bases")
def bases() -> Response:
    """List the laws."""
    return register(queries.list_bases, plain)


@blueprint.get("/bases/<slug>")
def basis(slug: str) -> Response:
    """Show a law with its articles."""
    found = get_basis(slug)
    names = ("slug", "title", "level", "issuer", "document_number", "version_on", "effective_on", "ended_on", "status")
    head = {name: getattr(found, name) for name in names}
    return send(head | {"articles": [row._asdict() for row in queries.list_articles(found.id)]})


@blueprint.get("/powers")
def powers() -> Response:
    """List the powers that there are today."""

    def show(rows: queries.Rows) -> list[dict[str, Any]]:
        grounds = queries.list_grounds([row.id for row in rows])
        shown = plain(rows)
        for row, item in zip(rows, shown, strict=True):
            item["articles"] = [
                {"basis": ground.slug, "number": ground.number, "suffix": ground.suffix}
                for ground in grounds.get(row.id, [])
            ]
        return shown

    return register(lambda **place: queries.list_powers(on=clock.today(), **place), show)


@blueprint.get("/discretion")
def discretion() -> Response:
    """List the discretion standards that are applied or will be, with their tiers."""

    def show(rows: queries.Rows) -> list[dict[str, Any]]:
        tiers = queries.list_tiers([row.id for row in rows])
        shown = []
        for row, item in zip(rows, plain(rows), strict=True):
            article = {name: item.pop(name) for name in ("basis", "number", "suffix")}
            item["article"] = article if article["basis"] else None
            shown.append(item | {"tiers": [describe_tier(tier) for tier in tiers.get(row.id, [])]})
        return shown

    return register(lambda **place: queries.list_standards(on=clock.today(), **place), show)


def describe_tier(tier: Any) -> dict[str, Any]:
    """Return a tier of a standard; money in yuan."""
    fines = {name: getattr(tier, name) for name in ("fine_from", "fine_to")}
    said = {name: getattr(tier, name) for name in ("tier", "condition", "consequence")}
    return said | {name: f"{fine:.2f}" if fine is not None else None for name, fine in fines.items()}


@blueprint.get("/recognitions")
def recognitions() -> Response:
    """List the yearly announcements of who is recognised to enforce."""

    def show(rows: queries.Rows) -> list[dict[str, Any]]:
        named = queries.list_recognised([row.id for row in rows])
        return [item | {"organs": named.get(row.id, [])} for row, item in zip(rows, plain(rows), strict=True)]

    return register(queries.list_recognitions, show)


@blueprint.get("/officers/check")
def officer() -> Response:
    """Say whether a card is valid today, as its page does; nobody shall keep the answer."""
    limits.count("officer")
    number = request.args.get("number", "").replace("\x00", "").strip()[:MAX_NUMBER]
    if not number:
        raise Refusal(_l("Give the number of a card."))
    card = find_card(number, on=clock.today())
    if card is None:
        raise NotFound(_l("No card with this number"))
    said = {name: getattr(card, name) for name in ("number", "name", "category", "valid_from", "last_day")}
    said |= {"suspended_on": card.suspended_on, "state": card.state.value, "organ": card.organ.slug}
    answer = send(said | {"checked_at": clock.local(clock.now()).isoformat()})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.get("/procedures")
def procedures() -> Response:
    """List the procedures."""
    return register(queries.list_procedures, plain)


@blueprint.get("/", defaults={"_rest": ""})
@blueprint.get("/<path:_rest>")
def nothing(_rest: str) -> Response:
    """Say in JSON that there is nothing here."""
    raise NotFound(_l("There is nothing at this address."))
