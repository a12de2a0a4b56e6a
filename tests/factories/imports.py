"""Imports for tests: in one go, or handed to a worker and written by it."""

import threading
from pathlib import Path
from typing import Any

from notifiers import runs, worker
from portal.db import db
from portal.imports import importer, service
from portal.imports.models import SpreadsheetImport
from portal.imports.rules import Intake
from portal.permit_imports.importer import PERMITS
from tests.factories.spreadsheets import as_table, write_csv


def write(folder: Path, rows: list[dict[str, Any]], name: str = "permits.csv") -> Path:
    """Write rows as a file."""
    return write_csv(folder / name, as_table(rows))


def in_one_go(path: Path, intake: Intake = PERMITS) -> dict[str, int]:
    """Import a file in one go; return the four figures."""
    known = intake.load_known(None)
    counts, _refused = importer.commit_draft(intake, intake.read_file(path, known), known)
    db.session.commit()
    db.session.expunge_all()
    return counts


def hand_over(path: Path, intake: Intake = PERMITS, *, organ_id: int | None = None) -> int:
    """Leave a file to the worker, as the page does; return the number of its import."""
    draft = intake.read_file(path, intake.load_known(organ_id))
    opened = SpreadsheetImport(kind=intake.kind, file_name=path.name, sha256="0" * 64, rows_total=len(draft.rows))
    db.session.add(opened)
    db.session.flush()
    importer.seal_upload(opened, path)
    service.hand_over(opened.id, organ_id=organ_id, locale="en")
    db.session.commit()
    return opened.id


def load(import_id: int) -> SpreadsheetImport:
    """Return an import as it stands in the database."""
    db.session.rollback()
    return db.session.get_one(SpreadsheetImport, import_id, populate_existing=True)


def run(run_id: str = "one") -> None:
    """Do what a worker does when it is woken up."""
    runs.beat(run_id)
    db.session.commit()
    run_waiting(run_id, threading.Event())


def run_waiting(run_id: str, stopping: threading.Event) -> None:
    """Write what waits, as that run of a worker."""
    importer.run_waiting(run_id, stopping, worker.INTAKES)


def vanish(run_id: str) -> None:
    """Let a run be gone, as after a SIGKILL and twenty seconds."""
    runs.close_run(run_id)
    db.session.commit()
