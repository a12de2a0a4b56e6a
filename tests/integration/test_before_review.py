"""What staff are told before a decision is public: words its page lacks, and who held the power by the register."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.decisions.models import DecisionKind, DecisionState
from portal.decisions.queries import fingerprint
from portal.powers.models import PowerCategory
from portal.powers.service import rest_on
from tests.factories.bases import article_of, make_basis
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ, make_power, transfer
from tests.integration.test_decision_reviews import again, sent

SignIn = Callable[..., FlaskClient]
DOUBT = "did not hold the power for this on"


@pytest.mark.parametrize(
    ("kind", "gaps", "what"),
    [
        ("penalty", {"facts": "", "basis_text": " ", "content": ""}, "Facts, Basis, What was decided."),
        ("coercion", {"basis_text": ""}, "Basis."),
        ("inspection", {"facts": "", "basis_text": ""}, "Facts."),
        ("permit", {"facts": "", "basis_text": "", "content": ""}, "What was decided."),
    ],
)
def test_what_the_public_page_needs_is_there_before_review(
    sign_in: SignIn, kind: str, gaps: dict[str, Any], what: str
) -> None:
    decision = make_decision(kind=DecisionKind(kind), state=DecisionState.SENT_BACK, **gaps)
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    address, data = f"/staff/decisions/{decision.id}/submit?lang=en", {"version": fingerprint(decision)}
    refused = clerk.post(address, data=data)
    assert refused.status_code == 409
    assert f"does not say yet: {what}" in refused.text
    decision.state = DecisionState.REVIEW
    reviewer = sign_in(Role.REVIEWER, organ_id=decision.organ_id)
    assert reviewer.post(f"/staff/decisions/{decision.id}/publish", data=sent(decision)).status_code == 409
    assert again(decision).published_at is None


def test_a_linked_article_is_a_basis_without_words(sign_in: SignIn, tmp_path: Path) -> None:
    article = article_of(make_basis(tmp_path), 3)
    decision = make_decision(state=DecisionState.SENT_BACK, basis_text="", article_id=article.id)
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    sent_on = clerk.post(f"/staff/decisions/{decision.id}/submit", data={"version": fingerprint(decision)})
    assert sent_on.status_code == 302


def test_staff_are_warned_when_another_organ_held_the_power(sign_in: SignIn, tmp_path: Path) -> None:
    day = date(2026, 11, 20)
    with time_machine.travel("2026-11-23T02:00:00Z", tick=False):
        organ, other = make_organ(), make_organ()
        decision = make_decision(organ=organ, state=DecisionState.REVIEW, decided_on=day)
        reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
        address = f"/staff/decisions/{decision.id}"

        def warned() -> bool:
            pages = [reviewer.get(f"{address}{page}?lang=en").text for page in ("", "/review")]
            assert len({DOUBT in page for page in pages}) == 1
            return DOUBT in pages[0]

        assert not warned(), "nobody keeps the register"
        make_power(organ, category=PowerCategory.PERMIT)
        item = make_power(other)
        assert warned()
        transfer(item, organ, day, day)
        assert not warned()
        decision.decided_on = day - timedelta(days=1)
        assert warned()
        make_power(organ)
        assert not warned()
        # Powers that rest on the decision's own article count alone.
        article = article_of(make_basis(tmp_path), 3)
        rest_on(item=item, articles=[article], staff_id=None)
        decision.article_id = article.id
        assert warned()
        assert reviewer.post(f"{address}/publish", data=sent(decision)).status_code == 302
