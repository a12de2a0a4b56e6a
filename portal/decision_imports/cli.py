"""Bringing decisions in from the shell: piece by piece, so that a long import can be stopped and run again."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from portal.cli import refusals_exit, tell
from portal.db import db, reading
from portal.decision_imports.importer import DECISIONS
from portal.imports.importer import commit_in_pieces


@click.command("decisions")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
@refusals_exit
def import_decisions(file: Path, as_json: bool) -> None:
    """Import penalties or permits in the columns of dual publication, as drafts.

    What is there already is left as it is; a decision that is published and differs is named, not changed. What should
    be looked at is said on the error channel.
    """
    with reading():
        known = DECISIONS.load_known(None)
        db.session.rollback()
    draft = DECISIONS.read_file(file, known, row_by_row=True)
    click.echo(f"{len(draft.rows)} rows read, {len(draft.rejected)} rejected", err=True)
    for item in draft.remarks:
        click.echo("row {row}, {field}: {reason}".format(**item.as_dict()), err=True)
    counts, refused = commit_in_pieces(DECISIONS, draft, known, show_progress)
    rejected = sorted([*draft.rejected, *refused], key=lambda item: item.row)
    tell({**counts, "rejected": [item.as_dict() for item in rejected]}, as_json=as_json)


def show_progress(done: int, total: int) -> None:
    """Say on the error channel how far it is."""
    click.echo(f"{done:,} of {total:,} rows", err=True)
