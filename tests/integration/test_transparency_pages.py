"""The public log as everybody reads it, checks it with their own means, and takes it home."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.transparency import queries, rules
from portal.transparency import service as transparency
from portal.transparency.models import LogAction, LogEntry
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.integration.test_publication_verify import log


def published(**values: Any) -> Decision:
    decision = make_decision(**values)
    log(decision)
    return decision


def lines(client: FlaskClient, query: str = "") -> dict[str, list[dict[str, Any]]]:
    """Return the downloaded log, by the kind of its lines."""
    answer = client.get(f"/transparency/log.jsonl{query}", buffered=True)
    assert answer.status_code == 200
    found: dict[str, list[dict[str, Any]]] = {"key": [], "entry": [], "checkpoint": []}
    for line in answer.text.splitlines():
        item = json.loads(line)
        found[item["type"]].append(item)
    return found


def test_an_empty_log_says_so(client: FlaskClient) -> None:
    page = client.get("/transparency?lang=en").text
    assert "Nothing has been signed yet." in page
    assert "Nothing here yet" in page
    assert lines(client) == {"key": [], "entry": [], "checkpoint": []}
    assert client.get("/transparency?page=x").status_code == 200


def test_the_newest_entries_checkpoints_and_keys_are_shown(client: FlaskClient) -> None:
    decisions = [published() for _ in range(15)]
    checkpoint = transparency.make_checkpoint()
    assert checkpoint is not None
    page = client.get("/transparency?lang=en").text
    assert f"Decision {decisions[-1].id}</a>" in page
    assert f'href="/transparency/decisions/{decisions[0].id}"' not in page
    assert f'href="/transparency/decisions/{decisions[0].id}"' in client.get("/transparency?page=2").text
    assert checkpoint.hash in page
    (key,) = queries.list_keys()
    assert key.key_id in page
    assert key.pem.splitlines()[1] in page


def test_a_reader_verifies_the_whole_log_with_nothing_of_ours(client: FlaskClient, tmp_path: Path) -> None:
    for _ in range(3):
        published()
    transparency.make_checkpoint()
    withdrawn = published(title="不再公开的标题")
    withdrawn.state = DecisionState.WITHDRAWN
    log(withdrawn, LogAction.WITHDRAW)
    transparency.rotate_key()
    transparency.make_checkpoint()
    found = lines(client)
    previous = "0" * 64
    hashes = {}
    for entry in found["entry"]:
        words = "\n".join([previous, entry["at"], entry["subject"], entry["action"], entry["content_hash"]])
        assert entry["previous_hash"] == previous
        hashes[entry["id"]] = previous = hashlib.sha256(words.encode()).hexdigest()
        assert entry["hash"] == previous
    assert len(hashes) == 5
    assert len(found["checkpoint"]) == len(found["key"]) == 2
    pems = {key["key_id"]: key["pem"] for key in found["key"]}
    for row in found["checkpoint"]:
        assert row["hash"] == hashes[row["entry_id"]]
        text = ["law-enforcement-portal checkpoint v1", str(row["entry_id"]), row["hash"], row["at"], row["key_id"]]
        assert openssl_accepts(tmp_path, "\n".join(text), row["signature"], pems[row["key_id"]])
        assert not openssl_accepts(tmp_path, "\n".join(text) + "0", row["signature"], pems[row["key_id"]])
    # Neither what a decision said, nor what would let somebody guess it.
    whole = client.get("/transparency/log.jsonl", buffered=True).text
    salts = db.session.scalars(sa.select(LogEntry.salt).where(LogEntry.salt != "")).all()
    assert len(salts) == 5
    assert not any(salt in whole for salt in salts)
    assert "不再公开的标题" not in whole


def openssl_accepts(folder: Path, text: str, signature: str, pem: str) -> bool:
    """Whether a program that has nothing to do with ours finds a signature right."""
    for name, data in (("text", text.encode()), ("signature", bytes.fromhex(signature)), ("key", pem.encode())):
        (folder / name).write_bytes(data)
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key",
        "-rawin",
        "-in",
        "text",
        "-sigfile",
        "signature",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


def test_only_the_new_part_can_be_fetched(client: FlaskClient) -> None:
    first, second = published(), published()
    numbers = [item["id"] for item in lines(client)["entry"]]
    assert [item["subject"] for item in lines(client, f"?after={numbers[0]}")["entry"]] == [f"decision:{second.id}"]
    assert len(lines(client, "?after=-1")["entry"]) == len(lines(client, "?after=x")["entry"]) == 2
    assert first.id != second.id


def test_a_long_log_is_sent_in_pieces(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "CHUNK", 2)
    decision = published()
    for _ in range(6):
        log(decision, LogAction.CORRECT)
    db.session.commit()
    answer = FlaskClient(app, app.response_class).get("/transparency/log.jsonl")
    pieces = [piece for piece in answer.response if piece]
    assert len(pieces) == 4
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_a_citizen_takes_the_fingerprint_of_a_decision(client: FlaskClient) -> None:
    decision = published(title="虚构的处罚“一”")
    page = client.get(f"/transparency/decisions/{decision.id}?lang=en").text
    assert "still says exactly what entry" in page
    answer = client.get(f"/transparency/decisions/{decision.id}/hashed.txt")
    (entry,) = db.session.scalars(sa.select(LogEntry)).all()
    assert hashlib.sha256(answer.data).hexdigest() == entry.content_hash
    assert entry.content_hash in page
    assert entry.salt in page
    assert decision.title in json.loads(answer.text[32:])["title"]
    assert f"/transparency/decisions/{decision.id}" in client.get(f"/decisions/{decision.id}").text


def test_a_decision_that_was_changed_in_silence_is_shown_as_such(client: FlaskClient) -> None:
    decision = published()
    db.session.execute(sa.update(Decision).values(content="罚款10元"))
    page = client.get(f"/transparency/decisions/{decision.id}?lang=en").text
    assert "does not say what the log recorded" in page
    assert "still says exactly what entry" not in page
    hashed = client.get(f"/transparency/decisions/{decision.id}/hashed.txt").data
    entry = db.session.scalars(sa.select(LogEntry)).one()
    assert hashlib.sha256(hashed).hexdigest() != entry.content_hash


@pytest.mark.parametrize(
    ("state", "action", "words", "status"),
    [
        (DecisionState.WITHDRAWN, LogAction.WITHDRAW, "This decision was withdrawn", 200),
        (DecisionState.EXPIRED, LogAction.EXPIRE, "not public any more", 410),
    ],
)
def test_of_what_is_not_public_any_more_entries_and_notice_alone_remain(
    client: FlaskClient, state: DecisionState, action: LogAction, words: str, status: int
) -> None:
    decision = published(title="不再公开的标题")
    number, document, name = decision.id, decision.document_number, decision.party.name
    content = client.get(f"/transparency/decisions/{number}/hashed.txt").text
    decision.state = state
    log(decision, action)
    page = client.get(f"/transparency/decisions/{number}?lang=en").text
    first, last = db.session.scalars(sa.select(LogEntry).order_by(LogEntry.id))
    assert first.hash in page
    assert last.hash in page
    assert words in page
    for gone in ("不再公开的标题", document, name, first.salt, content[32:60]):
        assert gone not in page
    hashed = client.get(f"/transparency/decisions/{number}/hashed.txt")
    assert hashed.status_code == status
    for gone in ("不再公开的标题", document, name, first.salt):
        assert gone not in hashed.text


def test_what_was_corrected_is_not_told_any_more(client: FlaskClient) -> None:
    decision = published(facts="第一版的事实")
    decision.facts = "第二版的事实"
    log(decision, LogAction.CORRECT)
    page = client.get(f"/transparency/decisions/{decision.id}?lang=en").text
    first, second = db.session.scalars(sa.select(LogEntry).order_by(LogEntry.id))
    assert "第二版的事实" in page
    assert "第一版的事实" not in page
    assert second.salt in page
    assert first.salt not in page
    assert "corrected" in page


def test_a_period_that_is_over_hides_the_content_before_any_job_has_run(client: FlaskClient) -> None:
    decision = published()
    db.session.execute(sa.update(Decision).values(publish_until=decision.decided_on))
    assert "not public any more" in client.get(f"/transparency/decisions/{decision.id}?lang=en").text
    assert client.get(f"/transparency/decisions/{decision.id}/hashed.txt").status_code == 410


@pytest.mark.parametrize("path", ["/transparency/decisions/999999", "/transparency/decisions/999999/hashed.txt"])
def test_what_has_no_entry_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
    draft = make_decision(state=DecisionState.DRAFT)
    assert client.get(path.replace("999999", str(draft.id))).status_code == 404
    assert client.get(path.replace("999999", "99999999999999999999")).status_code == 404


def test_a_page_asks_few_questions(app: Flask, client: FlaskClient) -> None:
    decision = published()
    for _ in range(10):
        log(decision, LogAction.CORRECT)
    db.session.commit()
    for path, most in (("/transparency", 8), (f"/transparency/decisions/{decision.id}", 8)):
        with counted_queries() as asked:
            client.get(path)
        assert len(asked) <= most, asked


def test_the_written_description_is_what_the_code_does() -> None:
    """The known answers of docs/transparency.md, read out of it."""
    written = Path(__file__).parents[2].joinpath("docs", "transparency.md").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(\w+) = (.*)$", written, re.M))
    content = json.loads(values["content"])
    assert rules.canonical(content) == values["canonical"]
    assert rules.content_hash(values["salt"], values["canonical"]) == values["content_hash"]
    lines = [values[name] for name in ("previous_hash", "at", "subject", "action", "content_hash")]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == values["hash"]
    assert rules.key_id_of(pem := f"-----BEGIN PUBLIC KEY-----\n{values['key']}\n-----END PUBLIC KEY-----\n")
    assert rules.key_id_of(pem) == values["key_id"]
    text = "\n".join((rules.CHECKPOINT, values["entry_id"], values["hash"], values["at"], values["key_id"]))
    assert rules.is_signed(text, values["signature"], pem)
