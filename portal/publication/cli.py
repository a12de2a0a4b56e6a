"""`flask publication`: checks what is public against the public log, and changes the key that signs it."""

import sys
from dataclasses import asdict

import click
from flask.cli import AppGroup

from portal.cli import refusals_exit, tell
from portal.db import db, reading
from portal.publication import queries, service
from portal.transparency import service as transparency

group = AppGroup("publication", help="The public log of what was published.")


@group.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusals_exit
def verify(as_json: bool) -> None:
    """Check the log, its checkpoints and every decision; exit 1 and name the first that does not hold."""
    with reading():
        verdict = queries.verify()
        db.session.rollback()
    result = {"ok": verdict.broken is None, **asdict(verdict)}
    if not as_json:
        result["broken"] = str(verdict.broken or "nothing")
    tell(result, as_json=as_json)
    if verdict.broken:
        sys.exit(1)


@group.command("record-changes")
@refusals_exit
def record_changes() -> None:
    """Enter into the log what changed on purpose without it, such as the name of an organ; everybody sees that."""
    total = 0
    for changed in service.record_changes():
        db.session.commit()
        total += changed
    click.echo(f"Corrections entered: {total}")


@group.command("checkpoint")
@refusals_exit
def checkpoint() -> None:
    """Sign the log as it stands now; the notifier does so by itself."""
    made = transparency.make_checkpoint()
    db.session.commit()
    click.echo(f"Entry {made.entry_id} is signed with key {made.key_id}." if made else "Nothing new to sign.")


@group.command("rotate-key")
@click.option("--lost", is_flag=True, help="The present key is lost: it cannot sign the new one.")
@refusals_exit
def rotate_key(lost: bool) -> None:
    """Sign with a new key from now on; what was signed before stays verifiable."""
    key = transparency.rotate_key(lost=lost)
    db.session.commit()
    click.echo(f"The key is {key.key_id} from now on. Take a backup: without it nothing can be signed.")
