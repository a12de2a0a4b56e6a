"""Power lists in spreadsheets; which headings and words are understood is data: `data/columns.csv`, `data/words.csv`.

Of the legal basis every citation of a text that is known here becomes a ground; the words are kept as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask_babel import lazy_gettext as _l

from portal.audit import service as audit
from portal.bases.models import Article
from portal.bases.queries import find_article
from portal.cells import fold
from portal.errors import Refusal
from portal.organs.queries import load_organs
from portal.powers import queries, rules, service
from portal.powers.models import PowerCategory
from portal.registers import Cells, Outcome, Register, read_days, refuse_long, take_rows
from portal.spreadsheets import load_words

DATA = Path(__file__).parent / "data"
COLUMNS = DATA / "columns.csv"
REQUIRED = ("code", "name", "category", "organ")


@dataclass(frozen=True)
class Known:
    """What the rows of a list may name: organs, the words for categories, and texts in force by title."""

    organs: Mapping[str, int]
    categories: Mapping[str, str]
    bases: Mapping[str, int]


def enter_powers(register: Register, *, staff_id: int | None = None) -> Outcome:
    """Write the good rows in the caller's transaction; an article that is not cited any more stays until taken out."""
    cited = {
        found.title for _row, cells in register.rows for found in rules.find_citations(cells.get("basis_text", ""))
    }
    known = Known(
        organs={fold(row.name): row.id for row in load_organs().values() if row.confirmed},
        categories=load_words(DATA / "words.csv")["category"],
        bases=queries.load_citable(form for title in cited for form in rules.title_forms(title)),
    )
    outcome = take_rows(register, key="code", required=REQUIRED, take=lambda cells: _take(cells, known, staff_id))
    figures = {"imported": outcome.imported, "changed": outcome.changed, "rejected": len(outcome.rejected)}
    if outcome.imported or outcome.changed:
        audit.record("powers.import", "powers", staff_id=staff_id, **figures)
    return outcome


def _take(cells: Cells, known: Known, staff_id: int | None) -> bool | None:
    content, articles = _read(cells, known), _find_articles(cells, known)
    item = queries.find_item(content.code)
    if item is None:
        item = service.create_item(content=content, staff_id=staff_id)
        service.rest_on(item=item, articles=articles, staff_id=staff_id)
        return True
    changed = service.update_item(item=item, content=content, staff_id=staff_id)
    # Both are to happen: no short cut.
    changed |= service.rest_on(item=item, articles=articles, staff_id=staff_id)
    return None if changed else False


def _read(cells: Cells, known: Known) -> service.Content:
    refuse_long(cells, {"name": rules.MAX_NAME, "post": 100, "basis_text": rules.MAX_TEXT})
    code = cells["code"].strip().upper()
    if not rules.CODE.fullmatch(code):
        raise Refusal(_l("Use Latin letters, digits, dots and hyphens, at most 64"), field="code")
    category = known.categories.get(fold(cells["category"]))
    if category is None:
        raise Refusal(_l("This is none of the ten categories of power lists."), field="category")
    organ_id = known.organs.get(fold(cells["organ"]))
    if organ_id is None:
        raise Refusal(_l("There is no organ with this name."), field="organ")
    valid_from, valid_to = read_days(cells, "valid_from", "valid_to")
    return service.Content(
        code=code,
        name=cells["name"],
        category=PowerCategory(category),
        organ_id=organ_id,
        post=cells.get("post", ""),
        basis_text=cells.get("basis_text", ""),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def _find_articles(cells: Cells, known: Known) -> list[Article]:
    found = []
    for citation in rules.find_citations(cells.get("basis_text", "")):
        basis_id = next((known.bases[form] for form in rules.title_forms(citation.title) if form in known.bases), None)
        if basis_id is None:
            continue
        article = find_article(basis_id, citation.number, citation.suffix)
        if article is None:
            words = {"title": citation.title, "number": citation.number}
            message = _l("“%(title)s” has no article %(number)d in the version in force.", **words)
            raise Refusal(message, field="basis_text")
        found.append(article)
    return found
