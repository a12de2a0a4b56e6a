"""Reading the corrections of one decision."""

from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l

from portal.bases.models import Article
from portal.db import db
from portal.decisions import rules as decision_rules
from portal.decisions.models import CorrectionState, Decision, DecisionCorrection
from portal.errors import NotFound


class Change(NamedTuple):
    """What one column said and what it is to say."""

    column: str
    before: Any
    after: Any


def get_correction(decision: Decision, correction_id: int) -> DecisionCorrection:
    """Return a correction of a decision; raises NotFound."""
    found = next((row for row in decision.corrections if row.id == correction_id), None)
    if found is None:
        raise NotFound(_l("This decision has no such correction."))
    return found


def list_changes(decision: Decision, correction: DecisionCorrection, *, original: bool) -> list[Change]:
    """Return what a correction changes: in the words of the original, or only as far as the public reads it."""
    changes = []
    for name, after in correction.after.items():
        before = correction.before.get(name)
        if name == "article_id":
            before, after = _name_article(before), _name_article(after)
        elif name in decision_rules.TEXTS and not original:
            waits = correction.state is CorrectionState.PROPOSED
            before, after = getattr(decision, name) if waits else None, correction.masked.get(name, "")
        changes.append(Change(name, before, after))
    return changes


def _name_article(article_id: int | None) -> str:
    article = db.session.get(Article, article_id) if article_id else None
    return f"{article.basis.title} {article.label}" if article else ""
