"""Spreadsheets of permits on their way into the register: kept, then written in one go or piece by piece.

A worker writes large files in pieces, each with how far it came in one short transaction, so that others get their turn
and a crash goes on from where it was. All that depends on other rows is decided before the first is written: in pieces
it comes out as it would in one go.
"""

import csv
import logging
import threading
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import sqlalchemy as sa
from flask_babel import gettext as _

from portal.audit import service as audit
from portal.cli import current_settings
from portal.db import db, reading
from portal.errors import Refusal
from portal.i18n import speaking
from portal.permit_imports import queries, service
from portal.permit_imports.models import PermitImport
from portal.permit_imports.rules import PIECE, Step, fits, pack, unpack
from portal.permits.importer import Draft, read_file
from portal.permits.queries import Known, load_known

log = logging.getLogger(__name__)


def folder() -> Path:
    """Return where uploads wait until they are written."""
    place = current_settings().data_dir / "imports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def path_of(opened: PermitImport) -> Path:
    """Return where the upload of an import lies."""
    return folder() / f"{opened.sha256}-{opened.id}"


def report_of(opened: PermitImport) -> Path:
    """Return where the list of rejected rows of an import lies, once it is committed."""
    return folder() / f"{opened.id}.csv"


def write_report(draft: Draft) -> bytes:
    """Return rejected rows as CSV in UTF-8 with a mark in front, which spreadsheet programs need."""
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow([_("Row"), _("Column"), _("Reason")])
    writer.writerows([*rejection.as_dict().values()] for rejection in draft.rejected)
    return lines.getvalue().encode("utf-8-sig")


def commit_draft(draft: Draft, known: Known, *, staff_id: int | None = None, subject: str = "") -> dict[str, int]:
    """Write what a file brings, in the caller's transaction; return the four figures."""
    steps = queries.make_plan(draft.rows)
    done = service.write_rows(draft.rows, steps, known, range(len(steps)))
    counts = done.counts(len(draft.rejected))
    _record(counts, staff_id, subject)
    return counts


def _record(counts: Mapping[str, int], staff_id: int | None, subject: str) -> None:
    if counts["imported"] or counts["changed"]:
        audit.record("permits.import", subject or "permits", staff_id=staff_id, **counts)


def finish(opened: PermitImport, draft: Draft, counts: Mapping[str, int]) -> None:
    """Close an import whose rows are all written, and leave the list of those left out; commits."""
    service.close_import(opened.id, counts)
    if draft.rejected:
        report_of(opened).write_bytes(write_report(draft))
    db.session.commit()
    path_of(opened).unlink(missing_ok=True)


def run_waiting(run_id: str, stopping: threading.Event) -> None:
    """Write what was handed over and nobody else is writing, until all is done or the run is to stop.

    `run_id` names the run among those that show that they live.
    """
    with reading():
        waiting = [opened.id for opened in queries.list_under_way()]
        db.session.rollback()
    for import_id in waiting:
        if stopping.is_set():
            return
        claimed = service.claim(import_id, run_id)
        db.session.commit()
        if claimed:
            run_import(import_id, run_id, stopping)


def run_import(import_id: int, run_id: str, stopping: threading.Event) -> None:
    """Go on with an import from where the last run left it; commits piece by piece."""
    with reading():
        opened = queries.load_import(import_id)
        known = load_known(opened.organ_id)
        db.session.rollback()
    try:
        draft = read_file(path_of(opened), known)
    except Refusal:
        # It could be read before: perhaps the reader was only told to end together with us.
        if not stopping.wait(1.0):
            service.give_up(import_id, "unreadable" if path_of(opened).exists() else "gone")
            db.session.commit()
            log.warning("import %d cannot go on: its file cannot be read", import_id)
        return
    steps = _find_steps(import_id, run_id, draft)
    while not stopping.is_set():
        try:
            more = steps is not None and _write_next(import_id, run_id, draft, known, steps)
        except sa.exc.IntegrityError:
            # Somebody has entered the same meanwhile: what is left is decided on anew. A second time is a failure.
            db.session.rollback()
            steps = _decide(import_id, run_id, draft)
            more = steps is not None and _write_next(import_id, run_id, draft, known, steps)
        if not more:
            return
    service.release(import_id, run_id)
    db.session.commit()


def _write_next(import_id: int, run_id: str, draft: Draft, known: Known, steps: Sequence[Step]) -> bool:
    """Write the next piece; False when nothing is left, or somebody else has taken over."""
    with reading():
        opened = queries.load_import(import_id)
        db.session.rollback()
    span = range(opened.rows_done, min(opened.rows_done + PIECE, len(steps)))
    if not service.advance(import_id, run_id, done=span.start, to=span.stop):
        db.session.rollback()
        return False
    written = service.write_rows(draft.rows, steps, known, span).counts(0)
    counts = {name: number + opened.counts.get(name, 0) for name, number in written.items()}
    if span.stop < len(steps):
        service.count_on(import_id, counts)
        db.session.commit()
        db.session.expunge_all()
        return True
    _record(counts, opened.staff_id, f"import:{import_id}")
    with speaking(opened.locale):
        finish(opened, draft, counts)
    log.info("import %d is done: %s", import_id, counts)
    return False


def _find_steps(import_id: int, run_id: str, draft: Draft) -> list[Step] | None:
    """Return what is decided on the rows, by an earlier run or now; None when somebody else has taken over."""
    with reading():
        kept = queries.load_import(import_id, plan=True).plan
        db.session.rollback()
    steps = unpack(kept) if kept else []
    if fits(steps, [row.number for row in draft.rows]):
        return steps
    # The first run; or what is known of organs or types has changed, and other rows are good ones now. Then it begins
    # again: what is written already is unchanged.
    return _decide(import_id, run_id, draft, rows_done=0, counts={"rejected": len(draft.rejected)})


def _decide(import_id: int, run_id: str, draft: Draft, **values: object) -> list[Step] | None:
    """Decide on all rows as the register stands now; None when somebody else has taken over."""
    with reading():
        steps = queries.make_plan(draft.rows)
        db.session.rollback()
    kept = service.keep_plan(import_id, run_id, pack(steps), rows_total=len(steps), **values)
    db.session.commit()
    return steps if kept else None
