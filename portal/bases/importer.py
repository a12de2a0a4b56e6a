"""Bringing the texts of laws in from Markdown files, any number of times."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from portal.audit import service as audit
from portal.bases import rules, service
from portal.bases.models import Article, Basis, BasisStatus
from portal.db import db
from portal.errors import Message, Refusal
from portal.law_texts import rules as texts
from portal.search import service as search
from portal.search.models import EntryKind

MAX_FILES = 5000
REASONS: dict[texts.Problem, Message] = {
    texts.Problem.TOO_LARGE: _l("The file is larger than 2 MB."),
    texts.Problem.BINARY: _l("This is not a text file."),
    texts.Problem.ENCODING: _l("The text is neither UTF-8 nor GB18030."),
    texts.Problem.NO_TITLE: _l("The first line is not the title of a law."),
    texts.Problem.NO_ARTICLES: _l("No articles were found in the text."),
    texts.Problem.TOO_MANY: _l("There are more than 3,000 articles in the text."),
}


@dataclass(frozen=True)
class Source:
    """One file that could be read as a law."""

    row: int
    name: str
    sha256: str
    parsed: texts.ParsedBasis


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
        source = read_source(row, item, item.name, outcome)
        if source is not None:
            sources.append(source)
    # Oldest first, so that each version is followed by the one that replaced it.
    return sorted(sources, key=lambda source: (source.parsed.version_on or date.min, source.row))


def read_source(row: int, path: Path, name: str, outcome: Outcome) -> Source | None:
    """Read and parse one file, whatever it is called by now; None, and a reason, when it is left out."""
    try:
        raw = read_bytes(path)
        parsed = texts.parse(texts.decode(raw), file_name=name)
    except texts.BadText as problem:
        outcome.reject(row, name, REASONS[problem.problem])
    except OSError:
        outcome.reject(row, name, _("The file cannot be read."))
    else:
        return Source(row, name, hashlib.sha256(raw).hexdigest(), parsed)
    return None


def read_bytes(path: Path) -> bytes:
    """Return a file's content, but never more than is needed to see that it is too large."""
    with path.open("rb") as file:
        return file.read(texts.MAX_BYTES + 1)


def import_sources(sources: Sequence[Source], outcome: Outcome) -> None:
    """Write parsed texts to the database and to the search; a version that is there already is written over in place.

    A version of another day never takes an earlier one's place: decisions go on resting on the words that applied.
    """
    for source in sources:
        import_source(source, outcome)


def import_source(source: Source, outcome: Outcome, *, work: str = "", staff_id: int | None = None) -> Basis | None:
    """Write one parsed text, as a version of a work or of what its title says; None when it is left out."""
    work = work or rules.make_work(source.parsed.title)
    versions = list(
        db.session.scalars(sa.select(Basis).options(selectinload(Basis.articles)).where(Basis.work == work))
    )
    basis = _same_version(versions, source)
    if basis is not None and (basis.sha256, basis.version_on) == (source.sha256, source.parsed.version_on):
        outcome.unchanged += 1
        return basis
    if basis is None and versions and source.parsed.version_on is None:
        reason = _(
            "Other versions of this text are published. Say of which day this one is, as (2021-08-25) in its name."
        )
        outcome.reject(source.row, source.name, reason)
        return None
    if basis is None:
        basis = Basis(work=work, slug=rules.version_slug(work, source.parsed.version_on), title=source.parsed.title)
        basis.articles = []
        db.session.add(basis)
        versions.append(basis)
        outcome.imported += 1
    else:
        outcome.changed += 1
    write_basis(basis, source, staff_id=staff_id)
    arrange_versions(versions)
    return basis


def _same_version(versions: Sequence[Basis], source: Source) -> Basis | None:
    """Return the version of the same day, or the same text that nobody had dated."""
    for basis in versions:
        undated = basis.version_on is None and basis.sha256 == source.sha256
        if basis.version_on == source.parsed.version_on or undated:
            return basis
    return None


def write_basis(basis: Basis, source: Source, *, staff_id: int | None = None) -> None:
    """Write one text; articles keep their ids, so that decisions keep resting on them."""
    parsed = source.parsed
    basis.title, basis.note, basis.annex, basis.sha256 = parsed.title, parsed.note, parsed.annex, source.sha256
    basis.version_on = parsed.version_on
    if basis.edited_at is None:  # What staff say of a text outlives its file.
        basis.issuer, basis.level, basis.document_number = parsed.issuer, parsed.level, parsed.document_number
        basis.effective_on = parsed.effective_on
        if basis.replaced_by_id is None:
            basis.ended_on = parsed.ended_on
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
    details = {"articles": len(parsed.articles), "sha256": source.sha256}
    audit.record("basis.import", f"basis:{basis.id}", staff_id=staff_id, **details)


def arrange_versions(versions: Sequence[Basis]) -> None:
    """Let each version be followed by the next: the newest has the plain address, those before it end one by one."""
    ordered = sorted(versions, key=lambda basis: (basis.version_on or date.min, basis.id))
    for older, newer in pairwise(ordered):
        older.slug = rules.version_slug(older.work, older.version_on)
        # What staff say of its end stands, and so does a repeal by another text.
        if older.status is not BasisStatus.REPEALED and older.replaced_by_id != newer.id:
            older.status, older.replaced_by_id = BasisStatus.AMENDED, newer.id
            older.ended_on = rules.starts_on(newer.version_on, newer.effective_on)
    db.session.flush()
    ordered[-1].slug = ordered[-1].work
    db.session.flush()
    for basis in ordered:
        service.index_basis(basis)
