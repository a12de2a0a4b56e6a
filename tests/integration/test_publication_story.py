"""From publication to the end: after every step that staff and jobs take, log, pages and database are at one."""

from collections.abc import Callable
from datetime import timedelta

from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.db import db
from portal.decision_endings.service import expire_some, order_withdrawal, withdraw
from portal.decisions.models import Decision, DecisionState
from portal.decisions.queries import fingerprint
from portal.publication.queries import verify
from portal.transparency.queries import list_for_subject
from tests.factories.accounts import make_staff
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.integration.test_correcting_decisions import again, apply, confirm, propose

SignIn = Callable[..., FlaskClient]


def logged(decision: Decision) -> list[str]:
    """Return what the log says was done with a decision, after all that is public was found to be what it says."""
    db.session.commit()
    assert verify().broken is None
    return [entry.action.value for entry in list_for_subject(f"decision:{decision.id}")]


def publish(reviewer: FlaskClient, decision: Decision) -> None:
    sent = {"version": fingerprint(decision), "no_personal_data": "y"}
    answer = reviewer.post(f"/staff/decisions/{decision.id}/publish", data=sent)
    assert answer.status_code == 302, answer.text


def test_published_corrected_and_withdrawn(sign_in: SignIn, client: FlaskClient) -> None:
    organ, head = make_organ(), make_staff()
    decision = make_decision(organ=organ, state=DecisionState.REVIEW)
    clerk, reviewer = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.REVIEWER, organ_id=organ.id)
    hashed = f"/transparency/decisions/{decision.id}/hashed.txt"
    assert logged(decision) == []
    assert client.get(hashed).status_code == 404
    publish(reviewer, decision)
    assert logged(decision) == ["publish"]
    address = propose(clerk, again(decision), facts="更正后的事实。")
    assert logged(decision) == ["publish"]
    confirm(clerk, address)
    assert apply(reviewer, address).status_code == 302
    assert logged(decision) == ["publish", "correct"]
    assert "更正后的事实。" in client.get(hashed).text
    decision = again(decision)
    order_withdrawal(decision=decision, staff=head, ordered_on=decision.decided_on, order="虚复决〔2026〕1号")
    assert logged(decision) == ["publish", "correct"]
    withdraw(decision=decision, staff=head, reason="经复议撤销。")
    assert logged(decision) == ["publish", "correct", "withdraw"]
    notice = client.get(hashed)
    assert notice.status_code == 200
    assert "经复议撤销。" in notice.text
    assert "更正后的事实。" not in notice.text


def test_published_until_its_period_is_over(sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, state=DecisionState.REVIEW)
    publish(sign_in(Role.REVIEWER, organ_id=organ.id), decision)
    decision = again(decision)
    assert decision.publish_until is not None
    assert expire_some(decision.publish_until) == 0
    assert logged(decision) == ["publish"]
    assert expire_some(decision.publish_until + timedelta(days=1)) == 1
    assert logged(decision) == ["publish", "expire"]
    assert client.get(f"/transparency/decisions/{decision.id}/hashed.txt").status_code == 410
