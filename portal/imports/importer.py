"""Spreadsheets on their way in: kept, then written in one go or piece by piece.

A worker writes large files in pieces, each with how far it came in one short transaction, so that others get their turn
and a crash goes on from where it was. All that depends on other rows is decided before the first is written: in pieces
it comes out as it would in one go.
"""

import csv
import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.audit import service as audit
from portal.cli import current_settings
from portal.db import db, reading
from portal.disk import sync_folder, write_new
from portal.errors import Conflict, Refusal
from portal.i18n import speaking
from portal.imports import queries, service
from portal.imports.models import SpreadsheetImport
from portal.imports.rules import (
    FIGURES,
    PIECE,
    Decided,
    Draft,
    Intake,
    Overtaken,
    Rejection,
    Step,
    add,
    fits,
    pack,
    unpack,
)
from portal.sealed_files import read_sealed, write_sealed
from portal.spreadsheets import Unreadable

log = logging.getLogger(__name__)


def folder() -> Path:
    """Return where uploads wait until they are written."""
    place = current_settings().data_dir / "imports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def path_of(opened: SpreadsheetImport) -> Path:
    """Return where the upload of an import lies, sealed: whoever finds the disk finds no names and numbers in it."""
    return folder() / hashlib.sha256(f"{opened.sha256}-{opened.id}".encode()).hexdigest()[:32]


def seal_upload(opened: SpreadsheetImport, written: Path) -> None:
    """Seal what was uploaded where the import will find it."""
    write_sealed(path_of(opened), written.read_bytes())
    sync_folder(folder())


def read_upload(intake: Intake, opened: SpreadsheetImport, known: Any) -> Draft:
    """Return an upload as read; it lies open beside the sealed one for the seconds that its reader takes."""
    written = folder() / f"new-{secrets.token_hex(16)}"
    before = folder() / f"{opened.sha256}-{opened.id}"
    try:
        # What was uploaded to the release before this one lies open under a longer name.
        content = before.read_bytes() if before.exists() else read_sealed(path_of(opened))
    except FileNotFoundError as problem:
        raise Unreadable(_l("Uploaded files are kept for one day. Upload the file again.")) from problem
    try:
        write_new(written, content)
        return intake.read_file(written, known)
    finally:
        written.unlink(missing_ok=True)


def report_of(opened: SpreadsheetImport) -> Path:
    """Return where the list of rows that were left out or should be looked at lies, once an import is decided."""
    return folder() / f"{opened.id}.csv"


def write_report(draft: Draft, refused: Sequence[Rejection]) -> bytes:
    """Return rows left out or to be looked at as CSV in UTF-8 with a mark in front, which spreadsheet programs need."""
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow([_("Row"), _("Column"), _("Reason"), _("Status")])
    left_out = sorted([*draft.rejected, *refused], key=lambda item: item.row)
    writer.writerows([*item.as_dict().values(), _("Left out")] for item in left_out)
    writer.writerows([*item.as_dict().values(), _("Look at it")] for item in draft.remarks)
    return lines.getvalue().encode("utf-8-sig")


def keep_report(opened: SpreadsheetImport, draft: Draft, refused: Sequence[Rejection]) -> None:
    """Leave the list of rows left out or to be looked at where it can be fetched."""
    if draft.rejected or draft.remarks or refused:
        report_of(opened).write_bytes(write_report(draft, refused))


def commit_draft(
    intake: Intake, draft: Draft, known: Any, *, staff_id: int | None = None, subject: str = ""
) -> tuple[dict[str, int], list[Rejection]]:
    """Write what a file brings, in the caller's transaction; return the four figures, and what was refused."""
    decided = intake.decide(draft, known)
    counts = add(decided.counts(draft) | dict.fromkeys(FIGURES, 0), {})
    counts = add(counts, intake.write_rows(draft, decided.steps, known, range(len(decided.steps)), staff_id))
    _record(intake, counts, staff_id, subject)
    return counts, decided.refused


def commit_in_pieces(
    intake: Intake, draft: Draft, known: Any, say: Callable[[int, int], object]
) -> tuple[dict[str, int], list[Rejection]]:
    """Write what a file brings, committing piece by piece; may be stopped at any moment and run again.

    Tells `say` after each piece how many rows of how many are done. What somebody else changes meanwhile is decided on
    anew; raises Conflict when that happens twice in a row.
    """
    decided, written, done, again = _decide_reading(intake, draft, known), add({}, {}), 0, False
    while done < len(decided.steps):
        span = range(done, min(done + PIECE, len(decided.steps)))
        try:
            piece = add(intake.write_rows(draft, decided.steps, known, span, None), {})
        except (Overtaken, sa.exc.IntegrityError) as problem:
            db.session.rollback()
            if again:
                raise Conflict(_l("Somebody has changed the same records. Run the import again.")) from problem
            decided, again = _decide_reading(intake, draft, known), True
            continue
        _record(intake, piece, None, "")
        db.session.commit()
        db.session.expunge_all()
        written, done, again = add(written, piece), span.stop, False
        say(done, len(decided.steps))
    return written | {"rejected": decided.counts(draft)["rejected"]}, decided.refused


def _decide_reading(intake: Intake, draft: Draft, known: Any) -> Decided:
    with reading():
        decided = intake.decide(draft, known)
        db.session.rollback()
    return decided


def _record(intake: Intake, counts: Mapping[str, int], staff_id: int | None, subject: str) -> None:
    if counts["imported"] or counts["changed"]:
        audit.record(f"{intake.kind}.import", subject or intake.kind, staff_id=staff_id, **counts)


def finish(opened: SpreadsheetImport, counts: Mapping[str, int]) -> None:
    """Close an import whose rows are all written; commits."""
    service.close_import(opened.id, counts)
    db.session.commit()
    path_of(opened).unlink(missing_ok=True)


def run_waiting(run_id: str, stopping: threading.Event, intakes: Sequence[Intake]) -> None:
    """Write what was handed over and nobody else is writing, until all is done or the run is to stop.

    `run_id` names the run among those that show that they live.
    """
    by_kind = {intake.kind: intake for intake in intakes}
    with reading():
        waiting = [(opened.id, opened.kind) for opened in queries.list_under_way()]
        db.session.rollback()
    for import_id, kind in waiting:
        if stopping.is_set():
            return
        claimed = service.claim(import_id, run_id)
        db.session.commit()
        if claimed:
            run_import(import_id, run_id, stopping, by_kind[kind])


def run_import(import_id: int, run_id: str, stopping: threading.Event, intake: Intake) -> None:
    """Go on with an import from where the last run left it; commits piece by piece."""
    with reading():
        opened = queries.load_import(import_id)
        known = intake.load_known(opened.organ_id)
        db.session.rollback()
    try:
        draft = read_upload(intake, opened, known)
    except Refusal:
        # It could be read before: perhaps the reader was only told to end together with us.
        if not stopping.wait(1.0):
            service.give_up(import_id, "unreadable" if path_of(opened).exists() else "gone")
            db.session.commit()
            log.warning("import %d cannot go on: its file cannot be read", import_id)
        return
    steps = _find_steps(intake, import_id, run_id, draft, known)
    while not stopping.is_set():
        try:
            more = steps is not None and _write_next(intake, import_id, run_id, draft, known, steps)
        except (Overtaken, sa.exc.IntegrityError):
            # Somebody has entered the same meanwhile: what is left is decided on anew. A second time is a failure.
            db.session.rollback()
            steps = _decide(intake, import_id, run_id, draft, known)
            more = steps is not None and _write_next(intake, import_id, run_id, draft, known, steps)
        if not more:
            return
    service.release(import_id, run_id)
    db.session.commit()


def _write_next(intake: Intake, import_id: int, run_id: str, draft: Draft, known: Any, steps: Sequence[Step]) -> bool:
    """Write the next piece; False when nothing is left, or somebody else has taken over."""
    with reading():
        opened = queries.load_import(import_id)
        db.session.rollback()
    span = range(opened.rows_done, min(opened.rows_done + PIECE, len(steps)))
    if not service.advance(import_id, run_id, done=span.start, to=span.stop):
        db.session.rollback()
        return False
    counts = add(opened.counts, intake.write_rows(draft, steps, known, span, opened.staff_id))
    if span.stop < len(steps):
        service.count_on(import_id, counts)
        db.session.commit()
        db.session.expunge_all()
        return True
    _record(intake, counts, opened.staff_id, f"import:{import_id}")
    finish(opened, counts)
    log.info("import %d is done: %s", import_id, counts)
    return False


def _find_steps(intake: Intake, import_id: int, run_id: str, draft: Draft, known: Any) -> list[Step] | None:
    """Return what is decided on the rows, by an earlier run or now; None when somebody else has taken over."""
    with reading():
        kept = queries.load_import(import_id, plan=True).plan
        db.session.rollback()
    steps = unpack(kept) if kept else []
    if fits(steps, draft.numbers):
        return steps
    # The first run; or what is known of organs or types has changed, and other rows are good ones now. Then it begins
    # again: what is written already is unchanged.
    return _decide(intake, import_id, run_id, draft, known, rows_done=0, counts={})


def _decide(intake: Intake, import_id: int, run_id: str, draft: Draft, known: Any, **values: Any) -> list[Step] | None:
    """Decide on all rows as the records stand now; None when somebody else has taken over."""
    with reading():
        opened = queries.load_import(import_id)
        db.session.rollback()
    decided = _decide_reading(intake, draft, known)
    figures = {name: values.get("counts", opened.counts).get(name, 0) for name in FIGURES}
    values["counts"] = figures | {"rejected": len(draft.rejected) + len(decided.refused)}
    kept = service.keep_plan(import_id, run_id, pack(decided.steps), rows_total=len(decided.steps), **values)
    db.session.commit()
    if not kept:
        return None
    with speaking(opened.locale):
        keep_report(opened, draft, decided.refused)
    return decided.steps
