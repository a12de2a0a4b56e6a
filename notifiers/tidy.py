"""Forgets what was only to be kept for a while, also when nobody visits: query codes, files never sent, counts."""

from portal import limits, uploads
from portal.complaints.service import forget_codes
from portal.db import db


def tidy() -> dict[str, int]:
    """Erase expired seals of query codes and files staged for over a day; return how many codes that were."""
    uploads.sweep()
    codes = forget_codes()
    limits.forget_ended()
    db.session.commit()
    return {"codes": codes}
