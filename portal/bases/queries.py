"""Reading laws and their articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.bases.models import Article, Basis, BasisStatus
from portal.db import db
from portal.errors import NotFound
from portal.paging import Page, list_page


@dataclass(frozen=True)
class Neighbours:
    """The articles before and after one, where there are any."""

    before: sa.Row[int, int, int, str] | None
    after: sa.Row[int, int, int, str] | None


def list_bases(*, keyword: str, level: str, status: BasisStatus | None, number: int) -> Page[Any]:
    """Return the laws whose title holds a word, newest first."""
    statement = sa.select(
        Basis.slug, Basis.title, Basis.level, Basis.issuer, Basis.version_on, Basis.effective_on, Basis.status
    )
    if keyword:
        statement = statement.where(Basis.title.contains(keyword, autoescape=True))
    if level:
        statement = statement.where(Basis.level == level)
    if status:
        statement = statement.where(Basis.status == status)
    newest = sa.func.coalesce(Basis.version_on, Basis.effective_on, date(1, 1, 1)).desc()
    return list_page(statement.order_by(newest, Basis.id), number)


def list_levels() -> Sequence[str]:
    """Return the levels there are."""
    return db.session.scalars(sa.select(Basis.level).where(Basis.level != "").distinct().order_by(Basis.level)).all()


def list_titles() -> Sequence[sa.Row[int, str]]:
    """Return id and title of every law in force, for lists to choose from."""
    statement = sa.select(Basis.id, Basis.title).where(Basis.status != BasisStatus.REPEALED).order_by(Basis.title)
    return db.session.execute(statement.limit(2000)).all()


def count_bases() -> int:
    """Count the laws."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Basis)) or 0


def get_basis(slug: str) -> Basis:
    """Return a law by its address."""
    basis = db.session.scalar(sa.select(Basis).where(Basis.slug == slug))
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
