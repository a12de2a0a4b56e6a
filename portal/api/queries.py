"""Reading for the interface: each list by its own stable order, after a place in it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from portal.bases.models import Article, Basis
from portal.db import db
from portal.decisions.models import Decision
from portal.decisions.queries import Filter
from portal.discretion.models import DiscretionStandard, DiscretionTier
from portal.discretion.queries import is_over
from portal.open_data.queries import comes_after, select_public
from portal.organs.models import Organ, RecognisedOrgan, Recognition
from portal.powers.models import PowerGround, PowerItem
from portal.powers.queries import exists_on
from portal.procedures.models import Procedure
from portal.transparency.models import LogEntry

Rows = Sequence[sa.Row[*tuple[Any, ...]]]


def list_decisions(wanted: Filter, *, on: date, after: tuple[datetime, int] | None, limit: int) -> Rows:
    """Return public decisions after a place, newest first."""
    statement = select_public(wanted, on=on)
    if after:
        statement = statement.where(comes_after(*after))
    return db.session.execute(statement.limit(limit)).all()


def find_organ_id(slug: str) -> int | None:
    """Return the id of a confirmed organ, or None."""
    return db.session.scalar(sa.select(Organ.id).where(Organ.slug == slug, Organ.confirmed))


def list_organs(*, after: int, limit: int) -> Rows:
    """Return confirmed organs by id, with what they were merged into."""
    successor = sa.orm.aliased(Organ)
    columns = (
        Organ.id,
        Organ.slug,
        Organ.name,
        Organ.name_en,
        Organ.kind,
        Organ.credit_code,
        Organ.legal_ground,
        Organ.address,
        Organ.phone,
        Organ.valid_from,
        Organ.valid_to,
        successor.slug.label("successor"),
    )
    statement = sa.select(*columns).outerjoin(successor, Organ.successor_id == successor.id)
    return _after(statement.where(Organ.confirmed), Organ.id, after, limit)


def list_bases(*, after: int, limit: int) -> Rows:
    """Return laws by id."""
    columns = (
        Basis.id,
        Basis.slug,
        Basis.title,
        Basis.level,
        Basis.issuer,
        Basis.document_number,
        Basis.version_on,
        Basis.effective_on,
        Basis.ended_on,
        Basis.status,
    )
    return _after(sa.select(*columns), Basis.id, after, limit)


def list_articles(basis_id: int) -> Rows:
    """Return a law's articles in order; a law has at most some hundreds."""
    columns = (Article.number, Article.suffix, Article.label, Article.chapter, Article.section, Article.text)
    statement = sa.select(*columns).where(Article.basis_id == basis_id)
    return db.session.execute(statement.order_by(Article.position)).all()


def list_powers(*, on: date, after: int, limit: int) -> Rows:
    """Return the powers that there are on a day by id, with their own organ."""
    columns = (
        PowerItem.id,
        PowerItem.code,
        PowerItem.name,
        PowerItem.category,
        PowerItem.post,
        PowerItem.basis_text,
        PowerItem.valid_from,
        PowerItem.valid_to,
        Organ.slug.label("organ"),
    )
    statement = sa.select(*columns).join(PowerItem.organ).where(*exists_on(on))
    return _after(statement, PowerItem.id, after, limit)


def list_grounds(item_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Return the articles that powers rest on, by power."""
    columns = (PowerGround.item_id, Basis.slug, Article.number, Article.suffix)
    statement = sa.select(*columns).join(PowerGround.article).join(Article.basis)
    found: dict[int, list[Any]] = {}
    for row in db.session.execute(statement.where(PowerGround.item_id.in_(item_ids)).order_by(PowerGround.id)):
        found.setdefault(row.item_id, []).append(row)
    return found


def list_standards(*, on: date, after: int, limit: int) -> Rows:
    """Return the discretion standards that are applied on a day or will be by id, with organ and article."""
    names = ("id", "code", "violation", "trade", "basis_text", "document_number", "valid_from", "valid_to")
    article = (Basis.slug.label("basis"), Article.number, Article.suffix)
    columns = (*(getattr(DiscretionStandard, name) for name in names), Organ.slug.label("organ"), *article)
    statement = sa.select(*columns).join(DiscretionStandard.organ)
    statement = statement.outerjoin(DiscretionStandard.article).outerjoin(Article.basis).where(~is_over(on))
    return _after(statement, DiscretionStandard.id, after, limit)


def list_tiers(standard_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Return the tiers of standards in order, by standard."""
    tier = DiscretionTier
    columns = (tier.standard_id, tier.tier, tier.condition, tier.consequence, tier.fine_from, tier.fine_to)
    statement = sa.select(*columns).where(tier.standard_id.in_(standard_ids)).order_by(tier.standard_id, tier.position)
    found: dict[int, list[Any]] = {}
    for row in db.session.execute(statement):
        found.setdefault(row.standard_id, []).append(row)
    return found


def list_recognitions(*, after: int, limit: int) -> Rows:
    """Return the yearly announcements by id."""
    names = ("id", "year", "title", "document_number", "issuer", "announced_on", "body")
    return _after(sa.select(*(getattr(Recognition, name) for name in names)), Recognition.id, after, limit)


def list_recognised(recognition_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return which organs announcements name, by announcement."""
    statement = sa.select(RecognisedOrgan.recognition_id, Organ.slug).join(RecognisedOrgan.organ)
    found: dict[int, list[str]] = {}
    for row in db.session.execute(
        statement.where(RecognisedOrgan.recognition_id.in_(recognition_ids)).order_by(Organ.id)
    ):
        found.setdefault(row.recognition_id, []).append(row.slug)
    return found


def list_procedures(*, after: int, limit: int) -> Rows:
    """Return procedures by id."""
    columns = (
        Procedure.id,
        Procedure.slug,
        Procedure.title,
        Procedure.title_en,
        Procedure.summary,
        Procedure.summary_en,
    )
    return _after(sa.select(*columns), Procedure.id, after, limit)


def find_entry(decision: Decision) -> LogEntry | None:
    """Return the newest entry of the public log about a decision, or None."""
    statement = sa.select(LogEntry).where(LogEntry.subject == f"decision:{decision.id}")
    return db.session.scalar(statement.order_by(LogEntry.id.desc()).limit(1))


def _after(statement: sa.Select[*tuple[Any, ...]], key: Any, after: int, limit: int) -> Rows:
    return db.session.execute(statement.where(key > after).order_by(key).limit(limit)).all()
