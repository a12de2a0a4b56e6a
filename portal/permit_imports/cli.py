"""Bringing permits in from the shell, in one go."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from portal.cli import refusals_exit, tell
from portal.db import db, reading
from portal.imports.importer import commit_draft
from portal.permit_imports.importer import PERMITS


@click.command("permits")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
@refusals_exit
def import_permits(file: Path, as_json: bool) -> None:
    """Import the permits of a spreadsheet; what is there already is left as it is."""
    with reading():
        known = PERMITS.load_known(None)
        db.session.rollback()
    draft = PERMITS.read_file(file, known, row_by_row=True)
    click.echo(f"{len(draft.rows)} rows read, {len(draft.rejected)} rejected", err=True)
    counts, refused = commit_draft(PERMITS, draft, known)
    rejected = [rejection.as_dict() for rejection in (*draft.rejected, *refused)]
    db.session.commit()
    tell({**counts, "rejected": rejected}, as_json=as_json)
