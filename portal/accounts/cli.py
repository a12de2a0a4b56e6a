"""`flask staff`: accounts from the shell, the first one included."""

import secrets
import sys

import click
from flask.cli import AppGroup

from portal.accounts import queries, rules, service
from portal.accounts.models import Role, Staff
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


def get_staff(email: str) -> Staff:
    """Return the account with an address; Refusal when there is none."""
    staff = queries.find_by_email(email)
    if staff is None:
        raise Refusal(f"No account has the address {email}.")
    return staff


@group.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password up and print it once.")
@refusals_exit
def password(email: str, password_stdin: bool, generate: bool) -> None:
    """Give EMAIL another password, which ends all sessions."""
    staff = get_staff(email)
    chosen = choose_password(password_stdin=password_stdin, generate=generate)
    service.change_password(staff=staff, password=chosen)
    db.session.commit()
    click.echo(f"{email} has another password and is signed out everywhere.")
    if generate:
        click.echo(f"Password, shown this once: {chosen}")


@group.command("role")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--organ", help="The organ they act for, by its short name in addresses.")
@refusals_exit
def change_role(email: str, role: str, organ: str | None) -> None:
    """Give EMAIL another role or organ, which ends all sessions."""
    service.change_role(staff=get_staff(email), role=Role(role), organ_id=find_organ(organ, Role(role)))
    db.session.commit()
    click.echo(f"{email} is {role} now and signed out everywhere.")


@group.command("switch")
@click.argument("email")
@click.argument("state", type=click.Choice(["on", "off"]))
@refusals_exit
def switch(email: str, state: str) -> None:
    """Switch the account EMAIL off, which ends all sessions, or on again."""
    service.switch(staff=get_staff(email), active=state == "on")
    db.session.commit()
    click.echo(f"{email} is switched {state}.")


@group.command("end-sessions")
@click.argument("email")
@refusals_exit
def end_sessions(email: str) -> None:
    """Sign EMAIL out everywhere."""
    service.end_sessions(staff=get_staff(email))
    db.session.commit()
    click.echo(f"{email} is signed out everywhere.")


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
