"""`flask import discretion`: discretion standards from a spreadsheet."""

from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import with_appcontext

from portal.cli import refusals_exit, tell
from portal.db import db
from portal.discretion import importer
from portal.registers import read_register


@click.command("discretion")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
@refusals_exit
def import_discretion(file: Path, as_json: bool) -> None:
    """Import the discretion standards of a spreadsheet, a row for each tier; what is there already is left as it is."""
    outcome = importer.enter_standards(read_register(file, importer.COLUMNS, importer.REQUIRED))
    db.session.commit()
    tell(asdict(outcome), as_json=as_json)
