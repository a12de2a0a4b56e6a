"""Bringing permits in from the shell, in one go."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from portal.cli import refusals_exit, tell
from portal.db import db, reading
from portal.permit_imports.importer import commit_draft
from portal.permits.importer import read_file
from portal.permits.queries import load_known


@click.command("permits")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
@refusals_exit
def import_permits(file: Path, as_json: bool) -> None:
    """Import the permits of a spreadsheet; what is there already is left as it is."""
    with reading():
        known = load_known()
        db.session.rollback()
    draft = read_file(file, known, row_by_row=True)
    click.echo(f"{len(draft.rows)} rows read, {len(draft.rejected)} rejected", err=True)
    counts = commit_draft(draft, known)
    rejected = [rejection.as_dict() for rejection in draft.rejected]
    db.session.commit()
    tell({**counts, "rejected": rejected}, as_json=as_json)
