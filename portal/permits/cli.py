"""Bringing holidays in from the shell."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from portal.calendar import service as calendar
from portal.cli import refusals_exit, tell
from portal.db import db
from portal.permits import service

FILE = click.argument("file", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command("holidays")
@FILE
@JSON
@with_appcontext
@refusals_exit
def import_holidays(file: Path, as_json: bool) -> None:
    """Replace the years that a file names (columns day, kind, name), and compute open permits' last days anew."""
    result = calendar.import_holidays(file)
    moved = service.recompute_last_days()
    db.session.commit()
    click.echo(f"{moved} permits have another last day to apply now", err=True)
    tell(result, as_json=as_json)
