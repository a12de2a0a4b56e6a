"""Preparing a case for the public, releasing it, and taking it back. Callers hold the case's row locked, and commit."""

import json
import unicodedata
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.complaint_publication import queries, rules
from portal.complaint_publication.models import AnswerEdition, EditionState, PublishedAnswer
from portal.complaints.models import Complaint
from portal.complaints.service import add_event, lock_for_sender
from portal.db import db
from portal.errors import Conflict, Forbidden, Refusal, TransitionError
from portal.masking.rules import Choices
from portal.masking_sheets import rules as sheets
from portal.masking_sheets.rules import ADDABLE, REASONS, Group, Sheet
from portal.personal_data.rules import Finding, find_credit_codes
from portal.search import service as search
from portal.search.models import EntryKind

CHANGED = _l("Somebody changed the text or its masking meanwhile. Nothing was saved; this is how it stands now.")


@dataclass(frozen=True)
class Words:
    """What shall be published, before it is masked."""

    title: str
    question: str
    answer: str


def save_words(*, complaint: Complaint, staff: Staff, words: Words) -> AnswerEdition:
    """Keep the words of a case for the public; what was decided about them before is decided anew.

    Raises TransitionError when it may not be published, or is published already.
    """
    if not queries.may_publish(complaint):
        raise TransitionError(_l("This case may not be published: its sender does not agree, or it has no answer."))
    edition = queries.find_edition(complaint)
    if edition is None or edition.state is EditionState.WITHDRAWN:
        edition = _begin(complaint, edition, staff)
    elif edition.state is EditionState.RELEASED:
        raise TransitionError(_l("It is published already. Withdraw it first."))
    edition.title, edition.question, edition.answer = words.title, words.question, words.answer
    edition.comment = ""
    _propose(edition, _first_choices(complaint, words), EditionState.WRITING, staff)
    add_event(complaint, "publication-text", public=False, staff=staff)
    audit.record("complaint.publication-text", f"complaint:{complaint.id}", staff_id=staff.id)
    return edition


def _begin(complaint: Complaint, edition: AnswerEdition | None, staff: Staff) -> AnswerEdition:
    if edition is None:
        edition = AnswerEdition(complaint_id=complaint.id, complaint=complaint, writer_id=staff.id)
        db.session.add(edition)
    edition.created_at, edition.published_id, edition.released_by_id = clock.now(), None, None
    return edition


def _first_choices(complaint: Complaint, words: Words) -> Choices:
    """Return what is masked from the start: who sent it, whom and where it is about, and its numbers."""
    texts, choices = tuple(vars(words).values()), Choices()
    wanted = [(Finding.OTHER, text) for text in (*queries.list_secrets(complaint), *rules.find_numbers(texts))]
    codes = find_credit_codes(unicodedata.normalize("NFKC", "\n".join(texts)))
    wanted += [(Finding.ADDRESS, complaint.place), *((Finding.OTHER, code) for code in codes)]
    wanted += [(Finding.NAME, name) for name in queries.list_officer_names(complaint)]
    for kind, passage in dict.fromkeys(wanted):
        if sheets.is_passage(passage) and sheets.stands_in(passage, texts):
            choices = sheets.add(choices, kind, passage)
    return choices


def leave_visible(*, complaint: Complaint, staff: Staff, number: int, why: str, seen: str) -> None:
    """Take the mark of something found away, with the reason why it is no personal datum.

    Raises Conflict when the sheet is not the one that was `seen`, Refusal without a reason.
    """
    edition, sheet = _seen_sheet(complaint, seen)
    if why not in REASONS:
        raise Refusal(_l("Choose why this is no personal datum."))
    _decide(edition, sheets.leave(queries.read_choices(edition), _get_group(sheet, number), why), staff)


def hide_again(*, complaint: Complaint, staff: Staff, number: int, seen: str) -> None:
    """Mask again what was left visible; refusals as in `leave_visible`."""
    edition, sheet = _seen_sheet(complaint, seen)
    _decide(edition, sheets.hide_again(queries.read_choices(edition), _get_group(sheet, number)), staff)


def add_passage(*, complaint: Complaint, staff: Staff, passage: str, kind: Finding, seen: str) -> None:
    """Mask a passage wherever it stands; refusals as in `leave_visible`, and Refusal when it stands nowhere."""
    edition, _sheet = _seen_sheet(complaint, seen)
    if not sheets.is_passage(passage) or kind not in ADDABLE:
        raise Refusal(_l("Type at least two characters of what has to be hidden."), field="passage")
    if not sheets.stands_in(passage, queries.read_texts(edition).values()):
        raise Refusal(_l("This passage does not stand in the original. Copy it from there."), field="passage")
    _decide(edition, sheets.add(queries.read_choices(edition), kind, passage), staff)


def confirm(*, complaint: Complaint, staff: Staff, seen: str) -> None:
    """Confirm the masking and hand the words over to a second person.

    Raises Conflict when the sheet is not the one that was `seen`, Refusal when the sender or a number is still there.
    """
    edition, sheet = _seen_sheet(complaint, seen)
    _refuse_secrets(complaint, sheet)
    edition.state, edition.changed_at = EditionState.WAITING, clock.now()
    add_event(complaint, "publication-mask", public=False, staff=staff)
    found = len(sheet.found)
    audit.record("complaint.publication-mask", f"complaint:{complaint.id}", staff_id=staff.id, found=found)


def send_back(*, complaint: Complaint, staff: Staff, comment: str) -> None:
    """Send what waits for release back, with what has to change; refusals as in `release`."""
    edition = _get_waiting(complaint, staff)
    edition.state, edition.changed_at, edition.comment = EditionState.WRITING, clock.now(), comment
    add_event(complaint, "publication-back", public=False, text=comment, staff=staff)
    audit.record("complaint.publication-back", f"complaint:{complaint.id}", staff_id=staff.id)


def release(*, complaint: Complaint, staff: Staff, seen: str) -> PublishedAnswer:
    """Publish a case as it was masked; it is found from now on.

    Raises Forbidden for whoever wrote or masked any of it, Conflict when the sheet is not the one that was `seen`,
    TransitionError when nothing waits or the sender no longer agrees.
    """
    edition = _get_waiting(complaint, staff)
    sheet = queries.get_sheet(edition)
    if sheet.seen != seen:
        raise Conflict(CHANGED)
    if not queries.may_publish(complaint):
        raise TransitionError(_l("This case may not be published: its sender does not agree, or it has no answer."))
    _refuse_secrets(complaint, sheet)
    published = PublishedAnswer(
        kind=complaint.kind,
        organ_id=complaint.organ_id or complaint.handler_organ_id,
        month=queries.month_of(complaint),
        finding=complaint.finding,
        **{name: sheet.public(name) for name in rules.COLUMNS},
    )
    db.session.add(published)
    db.session.flush()
    edition.published_id, edition.state = published.id, EditionState.RELEASED
    edition.released_by_id, edition.changed_at = staff.id, clock.now()
    _index(published)
    add_event(complaint, "publication-release", public=True, staff=staff)
    audit.record("complaint.publication-release", f"complaint:{complaint.id}", staff_id=staff.id)
    return published


def withdraw(*, complaint: Complaint, staff: Staff, reason: str) -> None:
    """Take a published case back, with a reason for staff; raises TransitionError when it is not published."""
    edition = queries.find_edition(complaint)
    if edition is None or edition.state is not EditionState.RELEASED:
        raise TransitionError(_l("This step is not possible any more; below is how it stands now."))
    _take_down(edition)
    add_event(complaint, "publication-withdraw", public=False, text=reason, staff=staff)
    audit.record("complaint.publication-withdraw", f"complaint:{complaint.id}", staff_id=staff.id)


def set_consent(*, complaint_id: int, agrees: bool) -> None:
    """Keep whether the sender of a case agrees to its publication; without it nothing of it is public any more.

    Withdrawing is as easy as giving (personal information protection law, article 15).
    """
    complaint = lock_for_sender(complaint_id)
    if complaint.publish_consent is agrees:
        return
    complaint.publish_consent = agrees
    if not agrees:
        end_publication(complaint=complaint)
    add_event(complaint, "consent" if agrees else "consent-withdraw", public=True)
    audit.record("complaint.consent", f"complaint:{complaint.id}", agrees=agrees)


def end_publication(*, complaint: Complaint) -> None:
    """Take everything back that is, or is about to be, public of a case: it is dealt with again, or not to be shown."""
    edition = queries.find_edition(complaint)
    if edition is not None and edition.state is not EditionState.WITHDRAWN:
        _take_down(edition)


def _take_down(edition: AnswerEdition) -> None:
    published = edition.published
    if published is not None and published.withdrawn_at is None:
        published.withdrawn_at = clock.now()
        published.title = published.question = published.answer = ""
        published.finding = published.organ_id = None
        search.remove(EntryKind.ANSWER, published.id)
    edition.state, edition.changed_at, edition.texts_sealed = EditionState.WITHDRAWN, clock.now(), None
    db.session.flush()


def _index(published: PublishedAnswer) -> None:
    entry = search.Entry(
        record_id=published.id,
        url=f"/answers/{published.id}",
        title=published.title,
        passage=f"{published.question}\n{published.answer}",
        # No more of when it was than the page says.
        published_on=rules.first_of_month(clock.today()),
        organ_id=published.organ_id,
    )
    search.index(EntryKind.ANSWER, entry)


def _decide(edition: AnswerEdition, choices: Choices, staff: Staff) -> None:
    _propose(edition, choices, EditionState.WRITING, staff)
    audit.record("complaint.publication-choose", f"complaint:{edition.complaint_id}", staff_id=staff.id)


def _propose(edition: AnswerEdition, choices: Choices, state: EditionState, staff: Staff) -> None:
    edition.marks = json.dumps(choices.written(), ensure_ascii=False)
    edition.state, edition.changed_at, edition.writer_id = state, clock.now(), staff.id
    db.session.flush()


def _seen_sheet(complaint: Complaint, seen: str) -> tuple[AnswerEdition, Sheet]:
    edition = queries.find_edition(complaint)
    if edition is None or edition.state is not EditionState.WRITING:
        raise TransitionError(_l("This step is not possible any more; below is how it stands now."))
    sheet = queries.get_sheet(edition)
    if sheet.seen != seen:
        raise Conflict(CHANGED)
    return edition, sheet


def _get_waiting(complaint: Complaint, staff: Staff) -> AnswerEdition:
    edition = queries.find_edition(complaint)
    if edition is None or edition.state is not EditionState.WAITING:
        raise TransitionError(_l("This step is not possible any more; below is how it stands now."))
    if staff.id in queries.list_writers(edition):
        raise Forbidden(_l("Whoever wrote or masked any of it cannot release it."))
    return edition


def _get_group(sheet: Sheet, number: int) -> Group:
    if not 0 < number <= len(sheet.groups):
        raise Refusal(_l("Choose one of the findings."))
    return sheet.groups[number - 1]


def _refuse_secrets(complaint: Complaint, sheet: Sheet) -> None:
    texts = {name: sheet.public(name) for name in rules.COLUMNS}
    if rules.find_forbidden(texts, queries.list_secrets(complaint)):
        raise Refusal(_l("The sender, or a number of the case, can still be read in public. Hide it first."))
