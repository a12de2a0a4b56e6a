"""What happens to an import: it is opened, handed over, claimed and advanced by a run, and closed."""

from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.db import db
from portal.errors import Conflict, Message
from portal.imports.models import SpreadsheetImport
from portal.messages.models import Dispatcher
from portal.messages.queries import SEEN_WITHIN

# A run that fails is not begun again at once: whatever it stumbled over is still there.
TRIED_AGAIN_AFTER = timedelta(seconds=30)
# One that shows no progress for so long is taken over, also while whoever runs it seems to live.
GIVEN_UP_AFTER = timedelta(minutes=5)


def open_import(*, kind: str, file_name: str, sha256: str, staff_id: int, rows: int) -> SpreadsheetImport:
    """Note an uploaded file with so many good rows, that waits for its preview to be agreed to."""
    opened = SpreadsheetImport(kind=kind, file_name=file_name[:200], sha256=sha256, staff_id=staff_id, rows_total=rows)
    db.session.add(opened)
    db.session.flush()
    return opened


def hand_over(import_id: int, *, organ_id: int | None, locale: str) -> None:
    """Leave an import to the worker, within an organ's rows if one is given; raises Conflict when it was before."""
    _change(
        import_id,
        SpreadsheetImport.handed_over_at.is_(None),
        refusal=_l("This file is being imported already."),
        handed_over_at=clock.now(),
        organ_id=organ_id,
        locale=locale,
    )


def close_import(import_id: int, counts: Mapping[str, int]) -> None:
    """Note that an upload was written into the register; raises Conflict when it was before."""
    _change(
        import_id,
        refusal=_l("This file was imported already."),
        committed_at=clock.now(),
        counts=dict(counts),
        plan=None,
    )


def give_up(import_id: int, problem: str) -> None:
    """Note in a word why an import will not go on; what is written stays."""
    _change(import_id, refusal=_l("This file was imported already."), problem=problem, plan=None)


def _change(import_id: int, *conditions: sa.ColumnElement[bool], refusal: Message, **values: object) -> None:
    if not _try(import_id, *conditions, **values):
        raise Conflict(refusal)


def _try(import_id: int, *conditions: sa.ColumnElement[bool], **values: object) -> bool:
    """Change an import that is not done, if these conditions hold at this very moment; False when they do not."""
    changed = db.session.execute(
        sa.update(SpreadsheetImport)
        .where(SpreadsheetImport.id == import_id, SpreadsheetImport.committed_at.is_(None), *conditions)
        .values(**values)
        .returning(SpreadsheetImport.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def claim(import_id: int, run_id: str) -> bool:
    """Take an import that nobody works at, or whose worker vanished; False when it is somebody else's."""
    now = clock.now()
    living = sa.select(Dispatcher.id).where(Dispatcher.seen_at >= now - SEEN_WITHIN)
    idle = sa.or_(
        SpreadsheetImport.claimed_by.not_in(living) & (SpreadsheetImport.claimed_by != run_id),
        (SpreadsheetImport.claimed_by == run_id) & (SpreadsheetImport.claimed_at <= now - TRIED_AGAIN_AFTER),
        SpreadsheetImport.claimed_at <= now - GIVEN_UP_AFTER,
    )
    return _try(import_id, idle, claimed_by=run_id, claimed_at=now)


def release(import_id: int, run_id: str) -> None:
    """Let whoever comes first go on with an import."""
    _try(import_id, SpreadsheetImport.claimed_by == run_id, claimed_by="", claimed_at=None)


def keep_plan(import_id: int, run_id: str, plan: bytes, **values: object) -> bool:
    """Keep what was decided on the rows, and other columns; False when somebody else has taken over."""
    mine = SpreadsheetImport.claimed_by == run_id
    return _try(import_id, mine, plan=plan, claimed_at=clock.now(), **values)


def advance(import_id: int, run_id: str, *, done: int, to: int) -> bool:
    """Move on from one row to another; False when somebody else has. The row stays locked until the commit."""
    mine = (SpreadsheetImport.claimed_by == run_id) & (SpreadsheetImport.rows_done == done)
    return _try(import_id, mine, rows_done=to, claimed_at=clock.now())


def count_on(import_id: int, counts: Mapping[str, int]) -> None:
    """Keep what became of the rows so far."""
    _try(import_id, counts=dict(counts))
