"""`flask staff`: accounts from the shell, the first one included."""

import secrets
import sys

import click
from flask.cli import AppGroup

from portal.accounts import queries, rules, service
from portal.accounts.models import Role
from portal.cli import refusals_exit
from portal.db import db
from portal.errors import Refusal

group = AppGroup("staff", help="Accounts of staff.")


@group.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="How colleagues see them; the address when left out.")
@click.option("--organ", help="The organ they act for, by its short name in addresses.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password up and print it once.")
@refusals_exit
def create(email: str, role: str, name: str, organ: str | None, password_stdin: bool, generate: bool) -> None:
    """Create an account for EMAIL."""
    organ_id = find_organ(organ, Role(role))
    password = choose_password(password_stdin=password_stdin, generate=generate)
    service.create_staff(email=email, name=name or email, role=Role(role), password=password, organ_id=organ_id)
    db.session.commit()
    click.echo(f"Created {email} ({role}).")
    if generate:
        click.echo(f"Password, shown this once: {password}")


def find_organ(slug: str | None, role: Role) -> int | None:
    """Return the id of the organ named; Refusal when it is unknown, or missing for a role that sees only its own."""
    organ_id = queries.find_organ_id(slug) if slug else None
    if slug and organ_id is None:
        raise Refusal(f"No organ has the short name {slug}.")
    if not slug and not rules.sees_all(role):
        raise Refusal(f"A {role.value} acts for one organ: add --organ.")
    return organ_id


def choose_password(*, password_stdin: bool, generate: bool) -> str:
    """Return the new account's password, never from the command line, where others could read it."""
    if generate:
        return secrets.token_urlsafe(15)
    if password_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
