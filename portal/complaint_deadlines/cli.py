"""Bringing holidays in from the shell; every deadline that rests on them is worked out anew."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from portal.calendar import service as calendar
from portal.cli import refusals_exit, tell
from portal.complaint_deadlines.service import recompute_some
from portal.db import db
from portal.permits.service import recompute_last_days

FILE = click.argument("file", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command("holidays")
@FILE
@JSON
@with_appcontext
@refusals_exit
def import_holidays(file: Path, as_json: bool) -> None:
    """Replace the years that a file names (columns day, kind, name), and work out what rests on them anew.

    These are the last days of open permits and the deadlines of open cases; importing the same file again goes on
    where it was broken off.
    """
    result = calendar.import_holidays(file)
    permits = recompute_last_days()
    db.session.commit()
    click.echo(f"{permits} permits have another last day to apply now", err=True)
    last, moved = recompute_some()
    while last:
        db.session.commit()
        last, more = recompute_some(after=last)
        moved += more
    db.session.rollback()
    click.echo(f"{moved} open cases have another deadline now", err=True)
    tell(result, as_json=as_json)
