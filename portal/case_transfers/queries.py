"""Reading where a case came from and where it may go."""

from datetime import date

import sqlalchemy as sa

from portal.case_transfers.models import CaseTransfer
from portal.complaints.models import Complaint, OrganPart
from portal.complaints.queries import get_remit, list_organs
from portal.db import db


def list_targets(complaint: Complaint, on: date) -> list[sa.Row[int, str, str]]:
    """Return the organs that may lead a case besides the one that does: id, name, name_en."""
    kept_from = get_remit(complaint).subjects if complaint.delicate else frozenset()
    left_out = kept_from | {complaint.handler_organ_id}
    return [row for row in list_organs(on) if row.id not in left_out]


def list_joint(complaint: Complaint) -> list[int]:
    """Return the ids of the organs that join in handling a case."""
    return [part.organ_id for part in complaint.organs if part.part is OrganPart.JOINT]


def find_last_transfer(complaint: Complaint) -> CaseTransfer | None:
    """Return the transfer by which a case came to the organ that has it, unless it went back since."""
    last = db.session.scalar(
        sa.select(CaseTransfer)
        .where(CaseTransfer.complaint_id == complaint.id, CaseTransfer.returned_at.is_(None))
        .order_by(CaseTransfer.id.desc())
        .limit(1)
    )
    return last if last is not None and last.to_organ_id == complaint.handler_organ_id else None
