"""Accounts from the shell."""

import sqlalchemy as sa
from flask import Flask

from portal.accounts.models import Role, Staff
from portal.db import db
from portal.security import check_password
from tests.factories.organs import make_organ


def run(app: Flask, *words: str, typed: str = "") -> tuple[int, str]:
    """Run `flask staff create` and return its exit status and everything it printed."""
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["staff", "create", *words], input=typed)
    db.session.expire_all()
    return result.exit_code, result.output


def find(email: str) -> Staff | None:
    return db.session.scalar(sa.select(Staff).where(Staff.email == email))


def test_password_is_asked_for(app: Flask) -> None:
    password = "a long enough password"
    status, output = run(app, "a@example.test", "--role", "admin", typed=f"{password}\n{password}\n")
    assert status == 0
    assert password not in output
    staff = find("a@example.test")
    assert staff is not None and staff.role is Role.ADMIN
    assert check_password(staff.password_hash, password)


def test_generated_password_is_printed_once_and_opens(app: Flask) -> None:
    _status, output = run(app, "b@example.test", "--role", "supervisor", "--generate")
    staff = find("b@example.test")
    assert staff is not None
    assert check_password(staff.password_hash, output.strip().splitlines()[-1].rsplit(" ", 1)[1])


def test_clerk_needs_an_organ_that_exists(app: Flask) -> None:
    organ = make_organ()
    assert run(app, "c@example.test", "--role", "clerk", "--generate")[0] == 1
    assert run(app, "c@example.test", "--role", "clerk", "--organ", "nowhere", "--generate")[0] == 1
    assert find("c@example.test") is None
    assert run(app, "c@example.test", "--role", "clerk", "--organ", organ.slug, "--generate")[0] == 0
    staff = find("c@example.test")
    assert staff is not None and staff.organ_id == organ.id


def test_short_password_and_taken_address_are_refused_in_one_sentence(app: Flask) -> None:
    status, output = run(app, "d@example.test", "--role", "admin", "--password-stdin", typed="short\n")
    assert (status, output.strip()) == (1, "A password needs at least 12 characters.")
    run(app, "d@example.test", "--role", "admin", "--generate")
    status, output = run(app, "D@example.test", "--role", "admin", "--generate")
    assert (status, output.strip()) == (1, "There is already an account with this address.")


def test_database_without_schema_says_what_to_run(app: Flask) -> None:
    app.test_cli_runner().invoke(args=["db", "downgrade", "base"])
    status, output = run(app, "e@example.test", "--role", "admin", "--generate")
    assert status == 1
    assert "flask db upgrade" in output
    assert "Traceback" not in output
