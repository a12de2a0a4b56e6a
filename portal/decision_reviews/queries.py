"""Which checks a decision needs before its publication, and which of them are missing."""

from portal.decision_reviews import rules
from portal.decisions.models import Decision
from portal.decisions.queries import list_checks
from portal.decisions.service import original_texts


def find_needed_checks(decision: Decision) -> list[rules.Need]:
    """Return why a decision needs which check."""
    return rules.find_needs(
        kind=decision.kind,
        measures=decision.measures or [],
        fine=decision.fine,
        confiscated=decision.confiscated,
        party_kind=decision.party.kind,
        decided_on=decision.decided_on,
    )


def find_missing_checks(decision: Decision) -> list[rules.Need]:
    """Return which of the checks that a decision needs are not on record as passed."""
    needs = find_needed_checks(decision)
    return rules.find_missing(needs, list_checks(decision.id)) if needs else []


def find_gap(decision: Decision) -> rules.Gap | None:
    """Return what a penalty does not say that its checks and its period depend on, None when nothing is missing."""
    return rules.find_gap(
        kind=decision.kind,
        measures=decision.measures or [],
        fine=decision.fine,
        on_the_spot=bool(decision.on_the_spot),
        party_kind=decision.party.kind,
        decided_on=decision.decided_on,
    )


def find_untold(decision: Decision) -> list[str]:
    """Return the columns of the words that a decision's public page needs and that are empty."""
    return rules.find_untold(decision.kind, original_texts(decision), has_article=decision.article_id is not None)


def find_unnamed(decision: Decision) -> list[str]:
    """Return the kinds of penalty that what was decided speaks of without their being entered."""
    texts = original_texts(decision)
    return rules.find_unnamed(decision.kind, decision.measures or [], texts["title"] + texts["content"])
