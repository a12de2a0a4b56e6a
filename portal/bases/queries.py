"""Reading laws and their articles."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload

from portal import clock
from portal.bases import rules
from portal.bases.models import Article, Basis, BasisStatus
from portal.db import db
from portal.errors import NotFound
from portal.paging import Page, list_page
from portal.rows import columns_of, count_rows


@dataclass(frozen=True)
class Neighbours:
    """The articles before and after one, where there are any."""

    before: sa.Row[int, int, int, str] | None
    after: sa.Row[int, int, int, str] | None


class Named(NamedTuple):
    """A text to choose from a list."""

    id: int
    title: str


@dataclass(frozen=True)
class Version:
    """One version of a text: its address, from which day it holds, until when, and how it stands today."""

    slug: str
    title: str
    starts_on: date | None
    ended_on: date | None
    standing: rules.Standing

    def holds_on(self, on: date) -> bool:
        """Whether it is the version in force on a day."""
        begun = self.starts_on is None or self.starts_on <= on
        never = self.ended_on is None and self.standing not in (rules.Standing.IN_FORCE, rules.Standing.NOT_YET)
        return begun and not never and (self.ended_on is None or on < self.ended_on)


def starts_on() -> sa.ColumnElement[date]:
    """Return the first day on which a version holds; see `rules.starts_on`."""
    later = sa.case((Basis.effective_on > Basis.version_on, Basis.effective_on), else_=Basis.version_on)
    return sa.func.coalesce(later, Basis.effective_on)


def stands(standing: rules.Standing, on: date) -> sa.ColumnElement[bool]:
    """Return the condition under which a text stands so on a day; see `rules.standing`."""
    start = starts_on()
    begun = start.is_(None) | (start <= on)
    in_force = Basis.status == BasisStatus.IN_FORCE
    if standing is rules.Standing.NOT_YET:
        return start > on
    if standing is rules.Standing.IN_FORCE:
        return begun & sa.or_(Basis.ended_on > on, in_force & Basis.ended_on.is_(None))
    if standing is rules.Standing.LAPSED:
        return begun & in_force & (Basis.ended_on <= on)
    ended = Basis.ended_on.is_(None) | (Basis.ended_on <= on)
    return begun & (Basis.status == BasisStatus(standing.value)) & ended


def standing_of(basis: Any, on: date) -> rules.Standing:
    """Return how a text stands on a day."""
    return rules.standing(basis.status, rules.starts_on(basis.version_on, basis.effective_on), basis.ended_on, on)


def list_bases(*, keyword: str, level: str, standing: rules.Standing | None, on: date, number: int) -> Page[Any]:
    """Return the texts whose title holds a word, newest first; of several versions the newest unless one asks."""
    statement = sa.select(
        Basis.id,
        Basis.slug,
        Basis.title,
        Basis.level,
        Basis.issuer,
        Basis.version_on,
        Basis.effective_on,
        Basis.status,
        Basis.ended_on,
    )
    if keyword:
        statement = statement.where(Basis.title.contains(keyword, autoescape=True))
    if level:
        statement = statement.where(Basis.level == level)
    statement = statement.where(stands(standing, on) if standing else _is_newest())
    newest = sa.func.coalesce(Basis.version_on, Basis.effective_on, date(1, 1, 1)).desc()
    return list_page(statement.order_by(newest, Basis.id), number)


def _is_newest() -> sa.ColumnElement[bool]:
    """Return the condition of the version that has the plain address."""
    return Basis.slug == Basis.work


def list_versions(basis: Basis, on: date) -> list[Version]:
    """Return the versions of a text, newest first."""
    rows = db.session.execute(
        sa.select(Basis.slug, Basis.title, Basis.version_on, Basis.effective_on, Basis.status, Basis.ended_on)
        .where(Basis.work == basis.work)
        .order_by(sa.func.coalesce(Basis.version_on, date(1, 1, 1)).desc(), Basis.id.desc())
        .limit(100)
    )
    return [
        Version(
            row.slug, row.title, rules.starts_on(row.version_on, row.effective_on), row.ended_on, standing_of(row, on)
        )
        for row in rows
    ]


def list_levels() -> Sequence[str]:
    """Return the levels there are."""
    return db.session.scalars(sa.select(Basis.level).where(Basis.level != "").distinct().order_by(Basis.level)).all()


def list_titles() -> Sequence[Named]:
    """Return id and title of every text that is not repealed, for lists to choose from; older ones with their day."""
    statement = sa.select(Basis.id, Basis.title, Basis.version_on, _is_newest().label("newest"))
    statement = statement.where(Basis.status != BasisStatus.REPEALED).order_by(Basis.title, Basis.version_on.desc())
    rows = db.session.execute(statement.limit(2000))
    return [Named(row.id, row.title if row.newest else f"{row.title} ({row.version_on})") for row in rows]


def list_works() -> Sequence[str]:
    """Return what the texts are called that have versions here."""
    return db.session.scalars(sa.select(Basis.work).where(_is_newest()).order_by(Basis.work).limit(2000)).all()


def count_bases() -> int:
    """Count the texts, each once."""
    bases = columns_of(Basis)
    return count_rows(Basis, bases.slug == bases.work)


def get_basis(slug: str) -> Basis:
    """Return a law by its address."""
    statement = sa.select(Basis).where(Basis.slug == slug).options(joinedload(Basis.replaced_by))
    basis = db.session.scalar(statement)
    if basis is None:
        raise NotFound(_l("There is no law at this address."))
    return basis


def list_articles(basis_id: int, *, keyword: str = "") -> Sequence[sa.Row[int, int, str, str, str, str]]:
    """Return a law's articles in order, or those that hold a word; a law has at most some hundreds."""
    statement = sa.select(
        Article.number, Article.suffix, Article.label, Article.chapter, Article.section, Article.text
    ).where(Article.basis_id == basis_id)
    if keyword:
        statement = statement.where(Article.text.contains(keyword, autoescape=True))
    return db.session.execute(statement.order_by(Article.position)).all()


def find_article(basis_id: int, number: int, suffix: int) -> Article | None:
    """Return an article of a law, or None."""
    return db.session.scalar(
        sa.select(Article).where(Article.basis_id == basis_id, Article.number == number, Article.suffix == suffix)
    )


def get_article(basis: Basis, place: tuple[int, int] | None) -> Article:
    """Return an article of a law by number and suffix."""
    article = find_article(basis.id, *place) if place else None
    if article is None:
        raise NotFound(_l("This law has no such article."))
    return article


def find_neighbours(article: Article) -> Neighbours:
    """Return the articles before and after one."""
    found = {
        row.position - article.position: row
        for row in db.session.execute(
            sa.select(Article.position, Article.number, Article.suffix, Article.label).where(
                Article.basis_id == article.basis_id, Article.position.in_((article.position - 1, article.position + 1))
            )
        )
    }
    return Neighbours(found.get(-1), found.get(1))


def find_newest(slug: str) -> str | None:
    """Return the plain address of the newest version that was asked for by its day."""
    work, day = slug[:-11], slug[-10:]
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        return None
    statement = sa.select(Basis.slug).where(Basis.slug == work, Basis.version_on == asked)
    return db.session.scalar(statement)


def find_articles(titles: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the addresses of the articles of texts in force, by title and by key; one query for all of them."""
    found: dict[str, dict[str, str]] = {}
    rows = db.session.execute(
        sa.select(Basis.title, Basis.slug, Article.number, Article.suffix)
        .join(Article.basis)
        .where(Basis.title.in_(titles), stands(rules.Standing.IN_FORCE, clock.today()))
        .order_by(Basis.id, Article.position)
    )
    for title, slug, number, suffix in rows:
        found.setdefault(title, {})[rules.article_key(number, suffix)] = rules.path(slug, number, suffix)
    return found
