"""Reading discretion standards."""

from collections.abc import Collection, Sequence
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
from portal.discretion import rules
from portal.discretion.models import DiscretionStandard, DiscretionTier
from portal.errors import NotFound
from portal.organs.models import Organ
from portal.paging import Page, list_page

MAX_WORDS = 8


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a reader looks for, on a day."""

    on: date
    words: Sequence[str] = ()
    trade: str = ""
    organ_id: int | None = None
    article_id: int | None = None
    ended: bool = False

    @property
    def any(self) -> bool:
        return bool(self.words or self.trade or self.organ_id or self.article_id or self.ended)


def count_standards(organ_id: int, *, on: date) -> int:
    """Count the standards of an organ that are applied or will be."""
    statement = sa.select(sa.func.count()).where(DiscretionStandard.organ_id == organ_id, ~is_over(on))
    return db.session.scalar(statement) or 0


def is_over(on: date) -> sa.ColumnElement[bool]:
    """Return the condition under which a standard is applied no longer on a day."""
    return DiscretionStandard.valid_to.is_not(None) & (DiscretionStandard.valid_to < on)


def list_standards(wanted: Wanted, *, number: int) -> Page[Any]:
    """Return the standards that are applied or will be, or those that have ended, by organ and code."""
    standard = DiscretionStandard
    statement = sa.select(standard).options(selectinload(standard.tiers), joinedload(standard.organ))
    statement = statement.where(is_over(wanted.on) if wanted.ended else ~is_over(wanted.on))
    for word in wanted.words[:MAX_WORDS]:
        statement = statement.where(_says(word))
    if wanted.trade:
        statement = statement.where(standard.trade == wanted.trade)
    if wanted.organ_id:
        statement = statement.where(standard.organ_id == wanted.organ_id)
    if wanted.article_id:
        statement = statement.where(standard.article_id == wanted.article_id)
    return list_page(statement.order_by(standard.organ_id, standard.code, standard.id), number, scalars=True)


def _says(word: str) -> sa.ColumnElement[bool]:
    standard, tier = DiscretionStandard, DiscretionTier
    own = (standard.violation, standard.code, standard.basis_text, standard.trade)
    in_tier = sa.or_(*(text.icontains(word, autoescape=True) for text in (tier.condition, tier.consequence)))
    by_organ = standard.organ.has(Organ.name.icontains(word, autoescape=True))
    return sa.or_(*(text.icontains(word, autoescape=True) for text in own), standard.tiers.any(in_tier), by_organ)


def list_trades() -> Sequence[str]:
    """Return the trades that standards name."""
    trade = DiscretionStandard.trade
    return db.session.scalars(sa.select(trade).where(trade != "").distinct().order_by(trade).limit(500)).all()


def list_organs() -> Sequence[Any]:
    """Return the organs that have standards."""
    having = sa.select(DiscretionStandard.organ_id)
    return db.session.scalars(sa.select(Organ).where(Organ.id.in_(having)).order_by(Organ.id).limit(500)).all()


def get_standard(standard_id: int, *, scope: int | None = None, lock: bool = False) -> DiscretionStandard:
    """Return a standard with its tiers and article, of one organ if a scope is given; raises NotFound."""
    standard = DiscretionStandard
    statement = sa.select(standard).where(standard.id == standard_id)
    statement = statement.options(
        selectinload(standard.tiers), joinedload(standard.organ), joinedload(standard.article).joinedload(Article.basis)
    )
    if scope is not None:
        statement = statement.where(standard.organ_id == scope)
    found = db.session.scalar(statement.with_for_update(of=standard) if lock else statement)
    if found is None:
        raise NotFound(_l("There is no discretion standard at this address."))
    return found


def find_standard(code: str) -> DiscretionStandard | None:
    """Return a standard by its code, or None."""
    statement = sa.select(DiscretionStandard).where(DiscretionStandard.code == code)
    return db.session.scalar(statement.options(selectinload(DiscretionStandard.tiers)))


def list_on_article(article_id: int, *, limit: int = 10) -> Sequence[Any]:
    """Return the standards of today that rest on an article."""
    standard, today = DiscretionStandard, clock.today()
    statement = sa.select(standard.id, standard.code, standard.violation).where(
        standard.article_id == article_id, standard.valid_to.is_(None) | (standard.valid_to >= today)
    )
    return db.session.execute(statement.order_by(standard.code, standard.id).limit(limit)).all()


def find_articles(cited: Collection[rules.Cited]) -> dict[rules.Cited, int]:
    """Return the ids of cited articles in texts that are in force."""
    titles = {title for one in cited for title in one.titles}
    rows = db.session.execute(
        sa.select(Basis.title, Article.number, Article.suffix, Article.id)
        .join(Article.basis)
        .where(Basis.title.in_(titles), stands(Standing.IN_FORCE, clock.today()))
    )
    known = {(row.title, row.number, row.suffix): row.id for row in rows}
    found = {}
    for one in cited:
        ids = [known[key] for title in one.titles if (key := (title, one.number, one.suffix)) in known]
        if ids:
            found[one] = ids[0]
    return found
