"""Cases on their way to the public, and published ones, for tests."""

from typing import Any

from portal.accounts.models import Role
from portal.complaint_publication import service
from portal.complaint_publication.models import PublishedAnswer
from portal.complaint_publication.queries import find_edition, get_sheet
from portal.complaint_publication.service import Words
from portal.complaints.models import Complaint
from tests.factories.accounts import make_staff
from tests.factories.graded import make_answered

WORDS = Words(title="虚构夜市占道经营", question="夜市占道，何时整治？", answer="已于本周整治完毕。")


def make_consenting(**values: Any) -> Complaint:
    """Create an answered case whose sender agrees to its publication."""
    return make_answered(publish_consent=True, **values)


def make_published(case: Complaint | None = None, words: Words = WORDS, **values: Any) -> PublishedAnswer:
    """Take a case all the way: written and masked by one person, released by another."""
    case = case or make_consenting(**values)
    writer, second = make_staff(role=Role.SUPERVISOR), make_staff(role=Role.SUPERVISOR)
    edition = service.save_words(complaint=case, staff=writer, words=words)
    service.confirm(complaint=case, staff=writer, seen=get_sheet(edition).seen)
    waiting = find_edition(case)
    assert waiting is not None
    return service.release(complaint=case, staff=second, seen=get_sheet(waiting).seen)
