"""Keeping the power list: items, the articles they rest on, and the transfers that move them to other organs."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock, i18n
from portal.audit import service as audit
from portal.bases.models import Article
from portal.bases.queries import find_article
from portal.db import db
from portal.errors import Conflict, NotFound, Refusal
from portal.organs.models import Organ
from portal.powers import queries, rules
from portal.powers.models import PowerCategory, PowerGround, PowerItem, PowerTransfer
from portal.search import service as search
from portal.search.models import EntryKind


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is said of a power."""

    code: str
    name: str
    category: PowerCategory
    organ_id: int
    post: str = ""
    basis_text: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True)
class TransferContent:
    """What is said of a transfer."""

    organ_id: int
    since: date
    until: date | None
    document_number: str
    note: str = ""


def create_item(*, content: Content, staff_id: int | None) -> PowerItem:
    """Enter a power; raises Conflict when its code is taken, Refusal when it would end before it begins."""
    _check(content)
    item = PowerItem(grounds=[], transfers=[])
    _write(item, content)
    audit.record("power.create", f"power:{item.id}", staff_id=staff_id)
    return item


def update_item(*, item: PowerItem, content: Content, staff_id: int | None) -> bool:
    """Change a power, or let it end; False when nothing differs. Raises what `create_item` raises."""
    wanted = asdict(content)
    changed = [name for name, value in wanted.items() if getattr(item, name) != value]
    if not changed:
        return False
    _check(content, item.id)
    _write(item, content)
    audit.record("power.edit", f"power:{item.id}", staff_id=staff_id, changed=changed)
    return True


def _check(content: Content, own_id: int | None = None) -> None:
    if content.valid_from and content.valid_to and content.valid_to < content.valid_from:
        raise Refusal(_l("The last day of validity is before the first."), field="valid_to")
    taken = db.session.scalar(sa.select(PowerItem.id).where(PowerItem.code == content.code))
    if taken not in (None, own_id):
        raise Conflict(_l("There is an item with this code."), field="code")


def _write(item: PowerItem, content: Content) -> None:
    for name, value in vars(content).items():
        setattr(item, name, value)
    db.session.add(item)
    db.session.flush()
    index_item(item)


def add_ground(*, item: PowerItem, basis_id: int, place: tuple[int, int] | None, staff_id: int | None) -> None:
    """Let a power rest on an article, by number and suffix.

    Raises NotFound when the law has no such article, Conflict when the power rests on it already.
    """
    article = find_article(basis_id, *place) if place else None
    if article is None:
        raise NotFound(_l("This law has no such article."), field="article")
    if any(ground.article_id == article.id for ground in item.grounds):
        raise Conflict(_l("The item rests on this article already."), field="article")
    item.grounds.append(PowerGround(article_id=article.id))
    db.session.flush()
    audit.record("power.add_ground", f"power:{item.id}", staff_id=staff_id, article=article.id)


def remove_ground(*, item: PowerItem, ground_id: int, staff_id: int | None) -> None:
    """Let a power no longer rest on an article; raises NotFound."""
    ground = next((ground for ground in item.grounds if ground.id == ground_id), None)
    if ground is None:
        raise NotFound(_l("The item does not rest on this article."))
    item.grounds.remove(ground)
    db.session.flush()
    audit.record("power.remove_ground", f"power:{item.id}", staff_id=staff_id, article=ground.article_id)


def rest_on(*, item: PowerItem, articles: Collection[Article], staff_id: int | None) -> bool:
    """Let a power rest on these articles, besides those it rests on; False when that changes nothing."""
    had = {ground.article_id for ground in item.grounds}
    new = [article.id for article in articles if article.id not in had]
    for article_id in new:
        item.grounds.append(PowerGround(article_id=article_id))
    db.session.flush()
    if new:
        audit.record("power.add_ground", f"power:{item.id}", staff_id=staff_id, articles=new)
    return bool(new)


def add_transfer(*, item: PowerItem, content: TransferContent, staff_id: int | None) -> PowerTransfer:
    """Give a power to another organ for some time.

    The caller holds the item locked (`queries.get_item_by_id`). Raises Refusal when the days are backwards or outside
    the item's own, Conflict when another transfer has a day in common or the organ holds the power anyway.
    """
    _check_transfer(item, content)
    transfer = PowerTransfer(**asdict(content))
    item.transfers.append(transfer)
    db.session.flush()
    index_item(item)
    audit.record("power.transfer", f"power:{item.id}", staff_id=staff_id, transfer=transfer.id, to=content.organ_id)
    return transfer


def update_transfer(*, item: PowerItem, transfer_id: int, content: TransferContent, staff_id: int | None) -> None:
    """Change a transfer or let it end; raises what `add_transfer` raises, NotFound when there is none."""
    transfer = get_transfer(item, transfer_id)
    _check_transfer(item, content, transfer_id)
    for name, value in vars(content).items():
        setattr(transfer, name, value)
    db.session.flush()
    index_item(item)
    audit.record("power.edit_transfer", f"power:{item.id}", staff_id=staff_id, transfer=transfer_id)


def remove_transfer(*, item: PowerItem, transfer_id: int, staff_id: int | None) -> None:
    """Take out a transfer that was entered by mistake; raises NotFound."""
    item.transfers.remove(get_transfer(item, transfer_id))
    db.session.flush()
    index_item(item)
    audit.record("power.remove_transfer", f"power:{item.id}", staff_id=staff_id, transfer=transfer_id)


def get_transfer(item: PowerItem, transfer_id: int) -> PowerTransfer:
    """Return a transfer of a power; raises NotFound."""
    transfer = next((transfer for transfer in item.transfers if transfer.id == transfer_id), None)
    if transfer is None:
        raise NotFound(_l("There is no such transfer."))
    return transfer


def _check_transfer(item: PowerItem, content: TransferContent, own_id: int | None = None) -> None:
    if content.until and content.until < content.since:
        raise Refusal(_l("The last day is before the first."), field="until")
    if content.organ_id == item.organ_id:
        raise Conflict(_l("This organ holds the power anyway."), field="organ")
    if item.valid_from and content.since < item.valid_from:
        raise Refusal(_l("The item is valid from %(day)s on only.", day=item.valid_from), field="since")
    if item.valid_to and content.since > item.valid_to:
        raise Refusal(_l("The item is over on %(day)s.", day=item.valid_to), field="since")
    moves = [move for move in queries.moves_of(item) if move.id != own_id]
    meeting = rules.find_overlap(moves, content.since, content.until)
    if meeting is not None:
        raise Conflict(_meeting(meeting), field="since")


def _meeting(move: rules.Move) -> object:
    organ = db.session.get(Organ, move.organ_id)
    words = {"organ": i18n.pick(organ, "name"), "since": i18n.day(move.since), "until": i18n.day(move.until)}
    if move.until is None:
        text = _l("%(organ)s holds the power from %(since)s until further notice. End that transfer first.")
    else:
        text = _l("%(organ)s holds the power from %(since)s to %(until)s. Two cannot hold it on the same day.")
    return str(text) % words


def index_item(item: PowerItem) -> None:
    """Enter a power into the search."""
    organ = db.session.get_one(Organ, item.organ_id)
    entry = search.Entry(
        record_id=item.id,
        url=rules.path(item.code),
        title=item.name,
        passage=" ".join(filter(None, (organ.name, item.basis_text, item.post))),
        keywords=f"{item.code} {organ.short_name}",
        organ_id=item.organ_id,
        published_on=item.valid_from or clock.today(),
        published_until=item.valid_to,
    )
    search.index(EntryKind.POWER, entry)
