"""Which checks a decision needs before its publication, and which of them are missing."""

from portal.decision_reviews import rules
from portal.decisions.models import Decision
from portal.decisions.queries import list_checks


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
