"""Bringing the texts of laws in from Markdown files, any number of times."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from portal import clock
from portal.audit import service as audit
from portal.bases import rules
from portal.bases.models import Article, Basis
from portal.db import db
from portal.errors import Message, Refusal
from portal.search import service as search
from portal.search.models import EntryKind

MAX_FILES = 5000
REASONS: dict[rules.Problem, Message] = {
    rules.Problem.TOO_LARGE: _l("The file is larger than 2 MB."),
    rules.Problem.BINARY: _l("This is not a text file."),
    rules.Problem.ENCODING: _l("The text is neither UTF-8 nor GB18030."),
    rules.Problem.NO_TITLE: _l("The first line is not the title of a law."),
    rules.Problem.NO_ARTICLES: _l("No articles were found in the text."),
    rules.Problem.TOO_MANY: _l("There are more than 3,000 articles in the text."),
}


@dataclass(frozen=True)
class Source:
    """One file that could be read as a law."""

    row: int
    name: str
    sha256: str
    parsed: rules.ParsedBasis


@dataclass
class Outcome:
    """What an import did; `rejected` names each file left out, and why."""

    imported: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.imported + self.changed + self.unchanged

    def reject(self, row: int, name: str, reason: Message) -> None:
        """Note a file that is left out."""
        self.rejected.append({"row": row, "field": name, "reason": str(reason)})


def read_files(path: Path, outcome: Outcome) -> list[Source]:
    """Read and parse a file, or every Markdown file under a folder; touches no database.

    Raises Refusal when there is nothing at the path.
    """
    if not path.exists():
        raise Refusal(_("There is nothing at %(path)s.", path=path))
    paths = sorted(item for item in path.rglob("*.md") if item.is_file()) if path.is_dir() else [path]
    if not paths:
        raise Refusal(_("There are no Markdown files under %(path)s.", path=path))
    sources = []
    for row, item in enumerate(paths[:MAX_FILES], 1):
        try:
            raw = read_bytes(item)
            parsed = rules.parse(rules.decode(raw), file_name=item.name)
        except rules.BadText as problem:
            outcome.reject(row, item.name, REASONS[problem.problem])
        except OSError:
            outcome.reject(row, item.name, _("The file cannot be read."))
        else:
            sources.append(Source(row, item.name, hashlib.sha256(raw).hexdigest(), parsed))
    # Of two versions of one law in a folder the later must come last, and so stand.
    return sorted(sources, key=lambda source: (source.parsed.version_on or date.min, source.row))


def read_bytes(path: Path) -> bytes:
    """Return a file's content, but never more than is needed to see that it is too large."""
    with path.open("rb") as file:
        return file.read(rules.MAX_BYTES + 1)


def import_sources(sources: Sequence[Source], outcome: Outcome) -> None:
    """Write parsed texts to the database and to the search, leaving what has not changed."""
    for source in sources:
        slug = rules.make_slug(source.parsed.title)
        basis = db.session.scalar(sa.select(Basis).options(selectinload(Basis.articles)).where(Basis.slug == slug))
        if basis is None:
            basis = Basis(slug=slug, title=source.parsed.title)
            db.session.add(basis)
            write_basis(basis, source)
            outcome.imported += 1
        elif basis.sha256 == source.sha256:
            outcome.unchanged += 1
        elif is_older(source.parsed.version_on, basis.version_on):
            outcome.reject(source.row, source.name, _("A newer version of this law is published already."))
        else:
            write_basis(basis, source)
            outcome.changed += 1


def is_older(new: date | None, present: date | None) -> bool:
    """Whether a version is older than the present one; unknown days do not count as older."""
    return bool(new and present and new < present)


def write_basis(basis: Basis, source: Source) -> None:
    """Write one text; articles keep their ids, so that decisions keep resting on them."""
    parsed = source.parsed
    basis.title, basis.note, basis.annex, basis.sha256 = parsed.title, parsed.note, parsed.annex, source.sha256
    basis.issuer, basis.level, basis.document_number = parsed.issuer, parsed.level, parsed.document_number
    basis.version_on, basis.effective_on = parsed.version_on, parsed.effective_on
    present = {(article.number, article.suffix): article for article in basis.articles}
    for position, item in enumerate(parsed.articles):
        article = present.pop((item.number, item.suffix), None)
        if article is None:
            article = Article(number=item.number, suffix=item.suffix)
            basis.articles.append(article)
        article.position, article.label, article.text = position, item.label, item.text
        article.chapter, article.section = item.chapter, item.section
    search.remove(EntryKind.ARTICLE, *(article.id for article in present.values()))
    for article in present.values():
        basis.articles.remove(article)
    db.session.flush()
    index_basis(basis)
    audit.record("basis.import", f"basis:{basis.id}", articles=len(parsed.articles), sha256=source.sha256)


def index_basis(basis: Basis) -> None:
    """Enter a text and each of its articles into the search."""
    since = basis.version_on or basis.effective_on or clock.today()
    head = search.Entry(
        record_id=basis.id,
        url=rules.path(basis.slug),
        title=basis.title,
        passage=" ".join(filter(None, (basis.issuer, basis.document_number, basis.note, basis.annex))),
        published_on=since,
    )
    search.index(EntryKind.BASIS, head)
    entries = [
        search.Entry(
            record_id=article.id,
            url=rules.path(basis.slug, article.number, article.suffix),
            title=f"{basis.title} {article.label}",
            passage=article.text,
            published_on=since,
        )
        for article in basis.articles
    ]
    search.index_many(EntryKind.ARTICLE, entries)
