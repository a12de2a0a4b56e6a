"""The forms of the worklist: its filters, a name to keep them under, and its cases as rows of a spreadsheet."""

import unicodedata
from collections.abc import Iterable, Mapping

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired

from portal import clock
from portal.cells import cell
from portal.complaint_worklists import rules
from portal.complaint_worklists.rules import Filters
from portal.complaints.forms import CATEGORIES
from portal.complaints.models import Channel, Complaint, ComplaintKind, ComplaintState, Finding
from portal.fields import AtMost, one_line
from portal.i18n import pick
from portal.masking.rules import Choices, Context, find_marks, masked
from portal.paging import whole_number
from portal.personal_data.rules import Finding as Personal
from portal.personal_data.rules import find_credit_codes

KINDS = {
    ComplaintKind.CONDUCT: _l("Complaint about conduct"),
    ComplaintKind.REPORT: _l("Report of a violation"),
    ComplaintKind.QUESTION: _l("Question"),
    ComplaintKind.SUGGESTION: _l("Suggestion"),
}
CHANNELS = {
    Channel.WEB: _l("Online"),
    Channel.PHONE: _l("By telephone"),
    Channel.PAPER: _l("On paper"),
    Channel.WINDOW: _l("At the window"),
    Channel.HOTLINE: _l("Hotline 12345"),
}


def read_filters(typed: Mapping[str, str]) -> Filters:
    """Return the filters of an address; what makes no sense is left out."""

    def among(name: str, known: object) -> str:
        value = typed.get(name, "")
        return value if value in list(known) else ""  # type: ignore[call-overload]

    handler = typed.get("handler", "")
    return Filters(
        view=among("view", rules.VIEWS) or "all",
        words=one_line(typed.get("q"))[: rules.MAX_WORDS],
        organ_id=whole_number(typed.get("organ")) or None,
        kind=among("kind", ComplaintKind),
        state=among("state", ComplaintState),
        due=among("due", rules.DUES),
        channel=among("channel", Channel),
        handler=handler if handler in (rules.ME, rules.NOBODY) else str(whole_number(handler) or ""),
    )


def read_ids(typed: list[str]) -> list[int]:
    """Return the ids that were ticked, at most a page of them, each once."""
    found = [number for text in typed if (number := whole_number(text))]
    return list(dict.fromkeys(found))[: rules.SIZE]


class NameForm(FlaskForm):
    """What a filter is called that somebody keeps."""

    name = StringField(
        lazy_pgettext("thing", "Name"),
        filters=[one_line],
        validators=[DataRequired(_l("Give it a name")), AtMost(rules.MAX_NAME)],
    )


EXPORTED = (
    _l("Number"),
    _l("Received on"),
    _l("Kind"),
    _l("What it is about"),
    _l("Received"),
    _l("Organ"),
    _l("State"),
    _l("Deadline"),
    _l("Answered on"),
    _l("Finding"),
    _l("Grade"),
    _l("What happened"),
)
STATES = {
    ComplaintState.SUBMITTED: _l("Submitted"),
    ComplaintState.ACCEPTED: _l("Accepted"),
    ComplaintState.REFUSED: _l("Not accepted"),
    ComplaintState.ANSWERED: _l("Answered"),
    ComplaintState.WITHDRAWN: _l("Withdrawn by the sender"),
    ComplaintState.MERGED: _l("Joined with another case"),
    ComplaintState.CLOSED: _l("Closed"),
}
FINDINGS = {
    Finding.FOUNDED: _l("founded"),
    Finding.PARTLY: _l("partly founded"),
    Finding.UNFOUNDED: _l("not founded"),
}


def write_cells(case: Complaint, names: Iterable[str]) -> list[str]:
    """Return a case as cells that no spreadsheet program runs: no names, numbers or addresses of people.

    What was written is masked as for publication; who sent it, with their firm, and `names` of whom it names are
    looked for as well.
    """
    context = Context(party_name=case.sender_name, party_is_person=True)
    hidden = [(Personal.NAME, name) for name in (*names, *case.officer.split(), case.officer) if len(name) > 1]
    codes = find_credit_codes(unicodedata.normalize("NFKC", case.facts))
    hidden += [(Personal.OTHER, text) for text in (*codes, case.sender_address) if text]
    facts = masked(case.facts, find_marks(case.facts, context, Choices(added=tuple(hidden))))
    answered_on = clock.local(case.answered_at).date().isoformat() if case.answered_at else ""
    values = (
        case.number,
        clock.local(case.received_at).date().isoformat(),
        KINDS[case.kind],
        CATEGORIES.get(case.category, ""),
        CHANNELS[case.channel],
        pick(case.organ, "name") if case.organ else "",
        STATES[case.state],
        case.next_due_on.isoformat() if case.next_due_on else "",
        answered_on,
        FINDINGS[case.finding] if case.finding else "",
        case.grade or "",
        facts,
    )
    return [cell(str(value)) for value in values]
