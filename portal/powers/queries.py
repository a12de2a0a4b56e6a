"""Reading the power list: what may be done, by whom on a day, on which articles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.bases.models import Article, Basis
from portal.bases.queries import stands
from portal.bases.rules import Standing
from portal.db import db
from portal.errors import NotFound
from portal.organs.queries import lives_of, load_organs
from portal.organs.rules import Life, acting
from portal.paging import Page, list_page
from portal.powers import rules
from portal.powers.models import PowerCategory, PowerGround, PowerItem, PowerTransfer

COLUMNS = (PowerItem.id, PowerItem.code, PowerItem.name, PowerItem.category, PowerItem.valid_to)
SHOWN_ON_ORGAN = 8


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the power list is narrowed to, and the day on which it is read; `organ_id` is who holds a power that day."""

    on: date
    category: PowerCategory | None = None
    organ_id: int | None = None
    keyword: str = ""
    article_id: int | None = None

    @property
    def any(self) -> bool:
        return self != Wanted(on=self.on)


def exists_on(on: date) -> list[sa.ColumnElement[bool]]:
    """Return the conditions under which there is a power on a day."""
    return [
        PowerItem.valid_from.is_(None) | (PowerItem.valid_from <= on),
        PowerItem.valid_to.is_(None) | (PowerItem.valid_to >= on),
    ]


def held_by(on: date) -> sa.ColumnElement[int]:
    """Return the organ that was given a power for a day, or else its own; either may have ended, see `acting`."""
    given = (
        sa.select(PowerTransfer.organ_id)
        .where(
            PowerTransfer.item_id == PowerItem.id,
            PowerTransfer.since <= on,
            PowerTransfer.until.is_(None) | (PowerTransfer.until >= on),
        )
        .order_by(PowerTransfer.since.desc())
        .limit(1)
        .correlate(PowerItem)
        .scalar_subquery()
    )
    return sa.func.coalesce(given, PowerItem.organ_id)


def list_powers(wanted: Wanted, *, number: int, lives: Mapping[int, Life]) -> Page[Any]:
    """Return the powers that there are on a day, by category and code; `holder_id` is as `held_by` says."""
    holder = held_by(wanted.on)
    statement = sa.select(*COLUMNS, holder.label("holder_id")).where(*exists_on(wanted.on))
    if wanted.category:
        statement = statement.where(PowerItem.category == wanted.category)
    if wanted.organ_id:
        stood_for = [key for key in lives if acting(key, wanted.on, lives) == wanted.organ_id]
        statement = statement.where(holder.in_(stood_for))
    if wanted.keyword:
        texts = (PowerItem.name, PowerItem.code, PowerItem.basis_text, PowerItem.post)
        statement = statement.where(sa.or_(*(text.icontains(wanted.keyword, autoescape=True) for text in texts)))
    if wanted.article_id:
        statement = statement.where(PowerItem.grounds.any(PowerGround.article_id == wanted.article_id))
    order = sa.case({category.value: place for place, category in enumerate(PowerCategory)}, value=PowerItem.category)
    return list_page(statement.order_by(order, PowerItem.code, PowerItem.id), number)


def list_grounds(item_ids: Iterable[int]) -> dict[int, list[Any]]:
    """Return the articles that powers rest on, by power, in one query."""
    statement = (
        sa.select(
            PowerGround.item_id,
            Basis.title,
            Basis.slug,
            Basis.status,
            Article.number,
            Article.suffix,
            Article.label,
        )
        .join(PowerGround.article)
        .join(Article.basis)
        .where(PowerGround.item_id.in_(list(item_ids)))
    )
    found: dict[int, list[Any]] = {}
    for row in db.session.execute(statement.order_by(PowerGround.id)):
        found.setdefault(row.item_id, []).append(row)
    return found


def get_item(code: str) -> PowerItem:
    """Return a power item with its grounds and transfers; raises NotFound."""
    return _one(PowerItem.code == code)


def get_item_by_id(item_id: int, *, lock: bool = False) -> PowerItem:
    """Return a power item as it stands now; raises NotFound."""
    if lock:
        db.session.execute(sa.select(PowerItem.id).where(PowerItem.id == item_id).with_for_update())
    return _one(PowerItem.id == item_id)


def _one(where: sa.ColumnElement[bool]) -> PowerItem:
    item = db.session.scalar(
        sa.select(PowerItem)
        .where(where)
        .options(
            joinedload(PowerItem.organ, innerjoin=True),
            selectinload(PowerItem.grounds).joinedload(PowerGround.article).joinedload(Article.basis),
            selectinload(PowerItem.transfers).joinedload(PowerTransfer.organ),
        )
        .execution_options(populate_existing=True)
    )
    if item is None:
        raise NotFound(_l("There is no power item at this address."))
    return item


def moves_of(item: PowerItem) -> list[rules.Move]:
    """Return the transfers of a power as the rules read them."""
    return [rules.Move(move.id, move.organ_id, move.since, move.until) for move in item.transfers]


def list_holdings(item: PowerItem, lives: Mapping[int, Life]) -> list[rules.Holding]:
    """Return who holds a power from its first day to its last."""
    return rules.holdings(item.organ_id, item.valid_from, item.valid_to, moves_of(item), lives)


def find_holder(item: PowerItem, on: date, lives: Mapping[int, Life] | None = None) -> rules.Holding | None:
    """Return who holds a power on a day, or None when there is no such power on that day."""
    return rules.holder_on(list_holdings(item, lives_of(load_organs()) if lives is None else lives), on)


def list_holders(item_ids: Iterable[int], on: date) -> dict[int, int | None]:
    """Return the organ that holds each of some powers on a day, in two queries.

    None where nobody follows one that ended. Powers that there are not on that day are left out.
    """
    lives = lives_of(load_organs())
    statement = sa.select(PowerItem.id, held_by(on).label("holder_id"))
    rows = db.session.execute(statement.where(PowerItem.id.in_(list(item_ids)), *exists_on(on)))
    return {row.id: acting(row.holder_id, on, lives) for row in rows}


def list_on_article(article_id: int, *, limit: int = 10) -> Sequence[Any]:
    """Return the powers of today that rest on an article."""
    statement = sa.select(*COLUMNS).join(PowerItem.grounds)
    statement = statement.where(PowerGround.article_id == article_id, *exists_on(clock.today()))
    return db.session.execute(statement.order_by(PowerItem.code, PowerItem.id).limit(limit)).all()


def list_of_organ(organ_id: int) -> Page[Any]:
    """Return the first powers that an organ holds today, and how many there are."""
    found = list_powers(Wanted(on=clock.today(), organ_id=organ_id), number=1, lives=lives_of(load_organs()))
    return Page(found.items[:SHOWN_ON_ORGAN], 1, found.total)


def is_doubtful(organ_id: int, category: PowerCategory, *, on: date, article_id: int | None) -> bool:
    """Whether by the register others held a power of a category on a day, and an organ did not.

    Powers that rest on the article count alone, where there are any; where the register has none there is no doubt.
    """
    lives = lives_of(load_organs())
    statement = sa.select(held_by(on)).where(*exists_on(on), PowerItem.category == category).distinct()
    on_article = statement.where(PowerItem.grounds.any(PowerGround.article_id == article_id))
    found = db.session.scalars(on_article).all() if article_id else []
    holders = {acting(holder, on, lives) for holder in found or db.session.scalars(statement).all()}
    return bool(holders) and organ_id not in holders


def find_article(article_id: int) -> Article | None:
    """Return an article with its law, or None."""
    return db.session.scalar(
        sa.select(Article).where(Article.id == article_id).options(joinedload(Article.basis, innerjoin=True))
    )


def list_citable() -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return id, title and version of every text in force, for lists to choose from."""
    statement = sa.select(Basis.id, Basis.title, Basis.version_on).where(_in_force())
    return db.session.execute(statement.order_by(Basis.title, Basis.version_on.desc()).limit(2000)).all()


def _in_force() -> sa.ColumnElement[bool]:
    return stands(Standing.IN_FORCE, clock.today())


def load_citable(titles: Iterable[str]) -> dict[str, int]:
    """Return the ids of the texts in force with these titles, of several versions the newest."""
    statement = sa.select(Basis.title, Basis.id).where(Basis.title.in_(list(titles)), _in_force())
    # The last one stays.
    return {row.title: row.id for row in db.session.execute(statement.order_by(Basis.version_on, Basis.id))}


def unsound() -> sa.ColumnElement[bool]:
    """Return the condition under which a power rests on no article, or on one of a text that is no longer in force."""
    # Whether a text stands may be neither true nor false; whether there is one that does is never in doubt.
    stale = PowerItem.grounds.any(PowerGround.article.has(~Article.basis.has(_in_force())))
    return sa.or_(~PowerItem.grounds.any(), stale)


def list_for_staff(*, keyword: str, view: str, number: int) -> Page[Any]:
    """Return power items of a view (`current`, `ended`, `unsound`) with their own organ."""
    today = clock.today()
    statement = sa.select(*COLUMNS, PowerItem.organ_id)
    statement = statement.where(
        PowerItem.valid_to < today if view == "ended" else PowerItem.valid_to.is_(None) | (PowerItem.valid_to >= today)
    )
    if view == "unsound":
        statement = statement.where(unsound())
    if keyword:
        texts = (PowerItem.name, PowerItem.code)
        statement = statement.where(sa.or_(*(text.icontains(keyword, autoescape=True) for text in texts)))
    return list_page(statement.order_by(PowerItem.code, PowerItem.id), number)


def count_unsound() -> int:
    """Count the powers of today that rest on no article, or on one of a text that is no longer in force."""
    today = clock.today()
    alive = PowerItem.valid_to.is_(None) | (PowerItem.valid_to >= today)
    return db.session.scalar(sa.select(sa.func.count()).select_from(PowerItem).where(alive, unsound())) or 0


def find_item(code: str) -> PowerItem | None:
    """Return the power item with a code, or None."""
    return db.session.scalar(sa.select(PowerItem).where(PowerItem.code == code))
