"""Numbers lie sealed in the database, and everything that compares them works as if they did not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from notifiers.providers import ReplyEvent
from notifiers.providers.sandbox import PULL_AT_MOST, SandboxProvider
from notifiers.replies import record_replies
from portal import clock, vault
from portal.contacts.models import Contact
from portal.contacts.queries import find_contact
from portal.contacts.service import find_contacts, keep_contact, keep_contacts
from portal.db import Model, db
from portal.messages.models import MessageState, Reply
from portal.vault import ALIKE, BrokenSeal
from tests.conftest import make_app, make_settings
from tests.factories.messages import make_contact, make_message

PHONE, OTHER = "+8613800138000", "+8613900139000"


@pytest.fixture
def fresh(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application whose database may be taken apart."""
    app = make_app(make_settings(tmp_path, database_url))
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()


def stored(table: str) -> list[str]:
    """Return the numbers of a table as they lie in the database."""
    return [str(row[0]) for row in db.session.execute(sa.text(f"SELECT phone FROM {table} ORDER BY id"))]


def test_no_table_holds_a_number(app: Flask) -> None:
    keep_contact(PHONE)
    record_replies("sandbox", [ReplyEvent(PHONE, "T", "r1"), ReplyEvent("10690000", "?", "r2")])
    db.session.commit()
    assert db.session.scalars(sa.select(Reply.phone).order_by(Reply.id)).all() == [PHONE, "10690000"]
    rows = 0
    for table in Model.metadata.sorted_tables:
        for row in db.session.execute(sa.text(f"SELECT * FROM {table.name}")):
            rows += 1
            assert "13800138000" not in repr(tuple(row))
            assert "10690000" not in repr(tuple(row))
    assert rows > 3
    if app.config["SETTINGS"].database_url.startswith("sqlite"):
        for file in Path(db.engine.url.database or "").parent.glob("portal.db*"):
            assert b"13800138000" not in file.read_bytes(), file.name


def test_a_number_is_found_kept_once_and_compared(app: Flask) -> None:
    contact = keep_contact(PHONE)
    assert keep_contact(PHONE) is contact
    assert find_contact(PHONE) is contact
    assert find_contact(OTHER) is None
    made = keep_contacts([PHONE, OTHER])
    assert made[PHONE] == contact.id
    assert find_contacts([PHONE, OTHER, "+8613700137000"]) == made
    db.session.add(Reply(provider="sandbox", event_key="1", phone=PHONE, text="1"))
    db.session.flush()
    joined = sa.select(Contact.id).join(Reply, Reply.phone == Contact.phone)
    assert db.session.scalars(joined).all() == [contact.id]
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.add(Contact(phone=PHONE))
        db.session.flush()


def test_a_number_that_was_changed_by_hand_is_told(app: Flask) -> None:
    contact = keep_contact(PHONE)
    db.session.commit()
    for forged in (OTHER, stored("contact")[0][:-4] + "AAAA"):
        db.session.execute(sa.text("UPDATE contact SET phone = :phone"), {"phone": forged})
        with pytest.raises(BrokenSeal):
            db.session.scalar(sa.select(Contact.phone).where(Contact.id == contact.id))


def test_numbers_without_receipts_hold_nobody_up(app: Flask) -> None:
    """As many as are fetched at once: they would fill every turn if they were told by their numbers."""
    silent, heard = make_contact(ending="0405"), make_contact(ending="0001")
    for number in range(PULL_AT_MOST):
        sent(silent, f"SBmute{number:024x}")
    last = sent(heard, "SB1")
    db.session.flush()
    assert {event.reference for event in SandboxProvider().pull().receipts} == {last}


def sent(contact: Contact, reference: str) -> str:
    """Add a message that the sandbox took; return its reference."""
    values = {"provider": "sandbox", "provider_reference": reference, "accepted_at": clock.now()}
    make_message(contact=contact, state=MessageState.ACCEPTED, **values)
    return reference


def test_numbers_are_sealed_on_the_way_up_and_opened_on_the_way_down(fresh: Flask) -> None:
    phones = [f"+86138{number:08d}" for number in range(1200)]  # More than are written at once.
    ids = keep_contacts(phones)
    db.session.add(Reply(provider="sandbox", event_key="1", phone="10690000", text="?"))
    run(fresh, "db", "downgrade", "0012")
    assert sorted(stored("contact")) == phones
    assert stored("reply") == ["10690000"]
    run(fresh, "db", "upgrade")
    assert all(phone.startswith(ALIKE) for phone in (*stored("contact"), *stored("reply")))
    assert find_contacts(phones[:500]) == {phone: ids[phone] for phone in phones[:500]}
    assert db.session.scalar(sa.select(Reply.phone)) == "10690000"


def test_without_its_vault_a_database_is_not_taken_down(fresh: Flask) -> None:
    keep_contact(PHONE)
    db.session.commit()
    vault.vault_path().unlink()
    fresh.extensions.pop("vault")
    db.session.close()
    result = fresh.test_cli_runner().invoke(args=["db", "downgrade", "0012"])
    assert isinstance(result.exception, vault.VaultMissing)
    assert stored("contact")[0].startswith(ALIKE)


def run(app: Flask, *words: str) -> None:
    """Run a command as the shell would."""
    db.session.commit()
    db.session.close()
    result = app.test_cli_runner().invoke(args=list(words))
    assert result.exit_code == 0, result.output
