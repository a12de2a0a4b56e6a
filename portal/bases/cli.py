"""`flask import bases`: the texts of laws from Markdown files."""

import sys
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import with_appcontext

from portal.bases import importer
from portal.cli import refusals_exit, tell
from portal.db import db


@click.command("bases")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
@refusals_exit
def import_bases(path: Path, as_json: bool) -> None:
    """Bring in PATH, a Markdown file or a folder of them; each article gets an address of its own."""
    outcome = importer.Outcome()
    # Reading is slow and needs no database; nobody else has to wait for it.
    sources = importer.read_files(path, outcome)
    importer.import_sources(sources, outcome)
    tell(asdict(outcome), as_json=as_json)
    db.session.commit()
    if not sources:
        sys.exit(1)
