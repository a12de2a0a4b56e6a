"""`flask complaints`: what has been kept for long enough, and its end; the notifier does so by itself."""

import click
from flask.cli import AppGroup

from portal import clock
from portal.cli import refusals_exit, tell
from portal.complaint_retention import queries, service
from portal.db import db, reading

group = AppGroup("complaints", help="Complaints as records.")


@group.command("retain")
@click.option("--dry-run", is_flag=True, help="Only count what would be made anonymous or deleted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusals_exit
def retain(dry_run: bool, as_json: bool) -> None:
    """Make closed cases anonymous, or delete them, that have been kept as long as their kind says."""
    with reading():
        counted = queries.count_over(clock.today())
        db.session.rollback()
    found: dict[str, int | str] = {f"{key} ({at_end.value})": number for key, at_end, number in counted if number}
    if dry_run:
        tell({"would end": sum(number for *_kind, number in counted), **found}, as_json=as_json)
        return
    ended = 0
    while some := service.retain_some(clock.today()):
        db.session.commit()
        ended += some
    db.session.rollback()
    tell({"ended": ended}, as_json=as_json)
