"""Forgets what was only to be kept for a while, also when nobody visits, and enters words that complaints lack."""

from portal import limits, uploads
from portal.complaint_words.service import enter_some
from portal.complaints.service import forget_codes
from portal.db import db


def tidy() -> dict[str, int]:
    """Erase expired seals of query codes, old files and counts, and enter the words of new complaints.

    Returns how many codes and complaints that were.
    """
    uploads.sweep()
    codes = forget_codes()
    limits.forget_ended()
    db.session.commit()
    entered = 0
    while some := enter_some():
        db.session.commit()
        entered += some
    db.session.rollback()
    return {"codes": codes, "entered": entered}
