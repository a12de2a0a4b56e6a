"""The forms of the worklist: its filters, a name to keep them under, and who gets many cases at once."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired

from portal.complaint_worklists import rules
from portal.complaint_worklists.rules import Filters
from portal.complaints.models import Channel, ComplaintKind, ComplaintState
from portal.fields import AtMost, one_line
from portal.paging import whole_number

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
        _l("Name"), filters=[one_line], validators=[DataRequired(_l("Give it a name")), AtMost(rules.MAX_NAME)]
    )
