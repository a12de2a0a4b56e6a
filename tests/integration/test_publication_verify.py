"""What is public must be what the public log says: tampering with either is found and named."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.audit.models import AuditEntry
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.decisions.queries import public_content
from portal.publication import queries
from portal.publication import service as publication
from portal.publication.queries import list_newest, logged_content, verify
from portal.transparency import rules
from portal.transparency import service as transparency
from portal.transparency.models import LogAction, LogCheckpoint, LogEntry
from portal.transparency.queries import hash_of, key_folder
from tests.counting import counted_queries
from tests.factories.decisions import make_decision


def log(decision: Decision, action: LogAction = LogAction.PUBLISH) -> LogEntry:
    content = None if action in transparency.WITHOUT_CONTENT else logged_content(decision)
    return transparency.append(subject=f"decision:{decision.id}", action=action, content=content)


@pytest.fixture
def decisions(app: Flask) -> list[Decision]:
    """Three public decisions in a signed log, and one each that was withdrawn, ended, and never public."""
    public = [make_decision() for _ in range(3)]
    withdrawn, ended = make_decision(), make_decision()
    for decision in (*public, withdrawn, ended):
        log(decision)
    withdrawn.state, ended.state = DecisionState.WITHDRAWN, DecisionState.EXPIRED
    log(withdrawn, LogAction.WITHDRAW)
    log(ended, LogAction.EXPIRE)
    make_decision(state=DecisionState.DRAFT)
    transparency.make_checkpoint()
    db.session.commit()
    db.session.expire_all()
    return [*public, withdrawn, ended]


def run(app: Flask, *arguments: str) -> Result:
    db.session.commit()
    return app.test_cli_runner().invoke(args=["publication", "verify", *arguments])


def change(table: type, number: int, **values: Any) -> None:
    db.session.execute(sa.update(table).where(table.id == number).values(values))  # type: ignore[attr-defined]


def found(app: Flask) -> tuple[str, str]:
    """Return what the command names as broken, and by its number."""
    result = run(app, "--json")
    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    assert told["ok"] is False
    return told["broken"]["what"], told["broken"]["name"]


def test_what_nobody_touched_holds(app: Flask, decisions: list[Decision]) -> None:
    result = run(app, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"ok": True, "entries": 7, "checkpoints": 1, "decisions": 3, "broken": None}
    assert run(app).stdout == "ok: True\nentries: 7\ncheckpoints: 1\ndecisions: 3\nbroken: nothing\n"
    checked = app.test_cli_runner().invoke(args=["doctor"])
    assert "7 entries, 1 checkpoints and 3 decisions hold" in checked.output


def test_a_decision_that_was_changed_in_the_database_is_named(app: Flask, decisions: list[Decision]) -> None:
    number, values = decisions[1].id, {"fine": 5, "publish_until": None, "document_number": "虚〔2026〕0号"}
    for name, value in values.items():
        change(Decision, number, **{name: value})
        assert str(verify().broken).startswith(f"decision {number} is not what entry")
        db.session.rollback()
    change(Decision, number, content="罚款10元")
    assert found(app) == ("decision", str(decisions[1].id))
    assert f"decision {decisions[1].id} is not what entry" in run(app).stdout
    checked = app.test_cli_runner().invoke(args=["doctor"])
    assert f"decision {decisions[1].id} is not what entry" in checked.output
    assert checked.exit_code == 1


def test_a_change_that_is_logged_holds(app: Flask, decisions: list[Decision]) -> None:
    decisions[1].content = "罚款10元"
    log(decisions[1], LogAction.CORRECT)
    assert run(app).exit_code == 0


def test_a_name_that_many_decisions_show_is_changed_for_all_to_see(
    app: Flask, decisions: list[Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHUNK", 2)
    record = ["publication", "record-changes"]
    organ = decisions[0].organ
    organ.name = "虚构新局"
    assert found(app)[0] == "decision"
    assert app.test_cli_runner().invoke(args=record).stdout == "Corrections entered: 1\n"
    assert app.test_cli_runner().invoke(args=record).stdout == "Corrections entered: 0\n"
    assert run(app).exit_code == 0
    entry = queries.list_newest([decisions[0].id])[decisions[0].id]
    assert entry.action is LogAction.CORRECT
    assert db.session.scalars(sa.select(AuditEntry.subject)).all() == [f"decision:{decisions[0].id}"]


def test_what_was_never_entered_or_has_ended_is_not_covered_up(app: Flask, decisions: list[Decision]) -> None:
    past = make_decision()
    record = ["publication", "record-changes"]
    db.session.commit()
    assert app.test_cli_runner().invoke(args=record).stdout == "Corrections entered: 0\n"
    assert found(app) == ("decision", str(past.id))
    log(past)
    change(Decision, decisions[3].id, state=DecisionState.PUBLISHED)
    db.session.commit()
    assert app.test_cli_runner().invoke(args=record).stdout == "Corrections entered: 0\n"
    assert found(app) == ("decision", str(decisions[3].id))
    db.session.execute(sa.delete(LogEntry).where(LogEntry.subject == f"decision:{decisions[0].id}"))
    db.session.commit()
    refused = app.test_cli_runner().invoke(args=record)
    assert refused.exit_code == 1
    assert "entry" in refused.output


@pytest.mark.parametrize("state", [DecisionState.WITHDRAWN, DecisionState.EXPIRED, DecisionState.DRAFT])
def test_what_was_taken_down_in_silence_is_named(app: Flask, decisions: list[Decision], state: DecisionState) -> None:
    change(Decision, decisions[0].id, state=state)
    assert found(app) == ("decision", str(decisions[0].id))


def test_a_decision_that_is_gone_is_named(app: Flask, decisions: list[Decision]) -> None:
    public, ended = decisions[2].id, decisions[4].id
    db.session.execute(sa.delete(Decision).where(Decision.id == ended))
    assert run(app).exit_code == 0  # Its entries say that it ended.
    db.session.execute(sa.delete(Decision).where(Decision.id == public))
    assert found(app) == ("decision", str(public))


def test_another_reason_than_the_one_that_was_logged_is_named(
    app: Flask, client: FlaskClient, decisions: list[Decision]
) -> None:
    number = decisions[3].id
    page = client.get(f"/transparency/decisions/{number}?lang=en").text
    assert "still says exactly what entry" in page
    hashed = client.get(f"/transparency/decisions/{number}/hashed.txt").data
    assert hashlib.sha256(hashed).hexdigest() == list_newest([number])[number].content_hash
    change(Decision, number, withdrawal_reason="别的理由")
    assert found(app) == ("decision", str(number))
    assert "does not say what the log recorded" in client.get(f"/transparency/decisions/{number}?lang=en").text


def test_a_withdrawal_that_an_older_portal_logged_without_its_reason_holds(app: Flask) -> None:
    decision = make_decision(state=DecisionState.WITHDRAWN)
    entry = log(decision, LogAction.WITHDRAW)
    entry.salt = entry.content_hash = ""
    entry.hash = hash_of(entry)
    db.session.commit()
    assert run(app).exit_code == 0


@pytest.mark.parametrize("which", [3, 4])
def test_what_came_back_in_silence_is_named(app: Flask, decisions: list[Decision], which: int) -> None:
    change(Decision, decisions[which].id, state=DecisionState.PUBLISHED)
    assert found(app) == ("decision", str(decisions[which].id))


def test_what_was_published_past_the_log_is_named(app: Flask, decisions: list[Decision]) -> None:
    past = make_decision()
    assert found(app) == ("decision", str(past.id))


def test_a_period_that_is_over_but_not_yet_ended_is_no_fault(app: Flask, decisions: list[Decision]) -> None:
    late = make_decision(publish_until=clock.today() - timedelta(days=1))
    log(late)
    assert run(app).exit_code == 0


def test_swapped_salts_are_found(app: Flask, decisions: list[Decision]) -> None:
    entries = db.session.scalars(sa.select(LogEntry).order_by(LogEntry.id).limit(2)).all()
    salts = [entry.salt for entry in entries]
    change(LogEntry, entries[0].id, salt=salts[1])
    change(LogEntry, entries[1].id, salt=salts[0])
    assert found(app) == ("decision", str(decisions[0].id))


def test_an_entry_made_to_fit_a_changed_decision_is_found(app: Flask, decisions: list[Decision]) -> None:
    """Whoever changes decision and entry breaks the chain; whoever mends the chain breaks the checkpoint."""
    change(Decision, decisions[0].id, content="罚款10元")
    db.session.expire_all()
    first = db.session.scalars(sa.select(LogEntry).order_by(LogEntry.id)).first()
    assert first is not None
    first.content_hash = rules.content_hash(first.salt, rules.canonical(public_content(decisions[0])))
    assert found(app) == ("entry", str(first.id))
    previous = rules.GENESIS
    for entry in db.session.scalars(sa.select(LogEntry).order_by(LogEntry.id)):
        entry.previous_hash = previous
        entry.hash = previous = hash_of(entry)
    newest = db.session.scalar(sa.select(sa.func.max(LogEntry.id)))
    assert found(app) == ("entry", str(newest))
    assert "rewritten" in run(app).stdout


def test_an_entry_that_was_taken_out_is_found(app: Flask, decisions: list[Decision]) -> None:
    numbers = db.session.scalars(sa.select(LogEntry.id).order_by(LogEntry.id)).all()
    db.session.execute(sa.delete(LogEntry).where(LogEntry.id == numbers[2]))
    assert found(app) == ("entry", str(numbers[3]))


def test_many_decisions_are_compared_with_few_queries(app: Flask) -> None:
    for _ in range(30):
        log(make_decision())
    db.session.commit()
    db.session.expire_all()
    with counted_queries() as asked:
        assert verify().decisions == 30
    assert len(asked) < 12


def test_what_was_public_before_the_log_is_entered_once(app: Flask) -> None:
    old = [make_decision() for _ in range(2)]
    make_decision(state=DecisionState.DRAFT)
    make_decision(state=DecisionState.WITHDRAWN)
    assert publication.load_facts() == 2
    assert set(db.session.scalars(sa.select(LogEntry.subject))) == {f"decision:{item.id}" for item in old}
    assert verify().broken is None
    slipped = make_decision()
    assert publication.load_facts() == 0
    assert found(app) == ("decision", str(slipped.id))


def test_a_log_that_was_emptied_is_not_begun_anew(app: Flask, decisions: list[Decision]) -> None:
    db.session.execute(sa.delete(LogEntry))
    db.session.execute(sa.delete(LogCheckpoint))
    assert publication.load_facts() == 0
    assert found(app)[0] == "entry"


def test_the_key_can_be_changed_from_the_shell(app: Flask, decisions: list[Decision]) -> None:
    runner = app.test_cli_runner()
    before = (key_folder() / "transparency.pem").read_text()
    assert runner.invoke(args=["publication", "rotate-key"]).exit_code == 0
    assert (key_folder() / "transparency.pem").read_text() != before
    assert runner.invoke(args=["publication", "checkpoint"]).output == "Nothing new to sign.\n"
    decisions[0].content = "罚款10元"
    log(decisions[0], LogAction.CORRECT)
    db.session.commit()
    assert "is signed with key" in runner.invoke(args=["publication", "checkpoint"]).output
    assert run(app).exit_code == 0
    (key_folder() / "transparency.pem").unlink()
    refused = runner.invoke(args=["publication", "rotate-key"])
    assert refused.exit_code == 1
    assert "rotate-key --lost" in refused.output
    assert runner.invoke(args=["publication", "rotate-key", "--lost"]).exit_code == 0
