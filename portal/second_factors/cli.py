"""`flask staff reset-second-factor`: for whoever has lost phone and codes."""

import click

from portal.accounts.cli import get_staff, group
from portal.cli import refusals_exit
from portal.db import db
from portal.second_factors import service


@group.command("reset-second-factor")
@click.argument("email")
@refusals_exit
def reset_second_factor(email: str) -> None:
    """Take the second factor of EMAIL away, which ends all sessions; the next sign-in may have to set one up."""
    service.take_away(staff=get_staff(email))
    db.session.commit()
    click.echo(f"{email} has no second factor any more and is signed out everywhere.")
