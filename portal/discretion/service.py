"""Keeping discretion standards: what a violation costs, tier by tier, from when and until when."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.audit import service as audit
from portal.db import db
from portal.discretion import queries, rules
from portal.discretion.models import DiscretionStandard, DiscretionTier, Tier
from portal.errors import Conflict, NotFound, Refusal
from portal.search import service as search
from portal.search.models import EntryKind


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is said of a standard; its article is found in the words of its legal basis."""

    code: str
    violation: str
    organ_id: int
    trade: str = ""
    basis_text: str = ""
    document_number: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True)
class TierContent:
    """What is said of a tier; fines in yuan."""

    tier: Tier
    condition: str = ""
    consequence: str = ""
    fine_from: Decimal | None = None
    fine_to: Decimal | None = None


def create_standard(*, content: Content, staff_id: int | None, tiers: Sequence[TierContent] = ()) -> DiscretionStandard:
    """Enter a standard; raises Conflict when its code is taken, Refusal when it would end before it begins."""
    _check(content)
    standard = DiscretionStandard(tiers=[])
    _write(standard, content)
    _replace_tiers(standard, tiers)
    index_standard(standard)
    audit.record("discretion.create", _subject(standard), staff_id=staff_id)
    return standard


def update_standard(
    *,
    standard: DiscretionStandard,
    content: Content,
    staff_id: int | None,
    tiers: Sequence[TierContent] | None = None,
) -> bool:
    """Change a standard, or let it end, and its tiers if they are given; False when nothing differs.

    Raises what `create_standard` raises.
    """
    changed = [name for name, value in asdict(content).items() if getattr(standard, name) != value]
    if tiers is not None and [_said(tier) for tier in standard.tiers] != list(tiers):
        changed.append("tiers")
    if standard.article_id != _find_article(content.basis_text):
        changed.append("article")
    if not changed:
        return False
    _check(content, standard.id)
    _write(standard, content)
    if "tiers" in changed:
        _replace_tiers(standard, tiers or ())
    index_standard(standard)
    audit.record("discretion.edit", _subject(standard), staff_id=staff_id, changed=changed)
    return True


def _check(content: Content, own_id: int | None = None) -> None:
    if content.valid_from and content.valid_to and content.valid_to < content.valid_from:
        raise Refusal(_l("The last day of validity is before the first."), field="valid_to")
    taken = queries.find_standard(content.code)
    if taken is not None and taken.id != own_id:
        raise Conflict(_l("There is a standard with this code."), field="code")


def _find_article(basis_text: str) -> int | None:
    cited = rules.find_citation(basis_text)
    return queries.find_articles([cited]).get(cited) if cited else None


def _write(standard: DiscretionStandard, content: Content) -> None:
    for name, value in vars(content).items():
        setattr(standard, name, value)
    standard.article_id = _find_article(content.basis_text)
    db.session.add(standard)
    db.session.flush()


def _said(tier: DiscretionTier) -> TierContent:
    return TierContent(**{name: getattr(tier, name) for name in TierContent.__dataclass_fields__})


def _replace_tiers(standard: DiscretionStandard, tiers: Sequence[TierContent]) -> None:
    standard.tiers = []
    db.session.flush()  # Places are unique, so the old ones have to go first.
    standard.tiers = [DiscretionTier(position=place, **vars(tier)) for place, tier in enumerate(tiers)]
    db.session.flush()


def keep_tier(*, standard: DiscretionStandard, tier_id: int | None, content: TierContent, staff_id: int | None) -> None:
    """Change a tier, or add one at the end when none is named; raises NotFound, Conflict when there are too many."""
    if content.fine_from is not None and content.fine_to is not None and content.fine_to < content.fine_from:
        raise Refusal(_l("The upper end is below the lower one."), field="fine_to")
    if tier_id is None:
        if len(standard.tiers) >= rules.MAX_TIERS:
            raise Conflict(_l("There are too many tiers already."))
        last = max((tier.position for tier in standard.tiers), default=-1)
        standard.tiers.append(DiscretionTier(position=last + 1, **vars(content)))
    else:
        tier = get_tier(standard, tier_id)
        for name, value in vars(content).items():
            setattr(tier, name, value)
    _tiers_changed(standard, staff_id)


def remove_tier(*, standard: DiscretionStandard, tier_id: int, staff_id: int | None) -> None:
    """Take a tier out; raises NotFound."""
    standard.tiers.remove(get_tier(standard, tier_id))
    _tiers_changed(standard, staff_id)


def raise_tier(*, standard: DiscretionStandard, tier_id: int, staff_id: int | None) -> None:
    """Move a tier up by one place; raises NotFound."""
    said = [_said(tier) for tier in standard.tiers]
    place = standard.tiers.index(get_tier(standard, tier_id))
    if place:
        said[place - 1], said[place] = said[place], said[place - 1]
        _replace_tiers(standard, said)
        _tiers_changed(standard, staff_id)


def get_tier(standard: DiscretionStandard, tier_id: int) -> DiscretionTier:
    """Return a tier of a standard; raises NotFound."""
    found = next((tier for tier in standard.tiers if tier.id == tier_id), None)
    if found is None:
        raise NotFound(_l("There is no such tier."))
    return found


def _tiers_changed(standard: DiscretionStandard, staff_id: int | None) -> None:
    db.session.flush()
    index_standard(standard)
    audit.record("discretion.edit", _subject(standard), staff_id=staff_id, changed=["tiers"])


def _subject(standard: DiscretionStandard) -> str:
    return f"discretion:{standard.id}"


def index_standard(standard: DiscretionStandard) -> None:
    """Enter a standard into the search, until its last day."""
    tiers = " ".join(f"{tier.condition} {tier.consequence}" for tier in standard.tiers)
    entry = search.Entry(
        record_id=standard.id,
        url=rules.path(standard.id),
        title=standard.violation,
        passage=f"{tiers} {standard.basis_text}",
        keywords=f"{standard.code} {standard.trade} {standard.document_number}",
        organ_id=standard.organ_id,
        published_on=standard.valid_from or clock.today(),
        published_until=standard.valid_to,
    )
    search.index(EntryKind.DISCRETION, entry)
