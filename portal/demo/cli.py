"""`flask demo prepare`: sets a data directory up as a demonstration, once."""

import click
from flask import current_app
from flask.cli import AppGroup

from portal.cli import current_settings, run_upgrade
from portal.demo import service

group = AppGroup("demo", help="The demonstration.")


@group.command("prepare")
def prepare() -> None:
    """Bring the database up to date and load the demonstration's data unless they are there."""
    settings = current_settings()
    if not settings.demo:
        raise click.ClickException("This is not a demonstration: start one with DEMO=1 in an empty data directory.")
    run_upgrade()
    with current_app.test_request_context():
        loaded = service.load(
            password=settings.demo_password,
            signature=settings.sms_signature,
            hotline=settings.hotline,
            data_dir=settings.data_dir,
        )
        if loaded:
            click.echo("Demonstration data loaded. All people, firms and cases are invented.")
