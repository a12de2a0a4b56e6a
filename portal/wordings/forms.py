"""The forms for a city's own words and for what providers have on file, and the words for all of it."""

import re
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import Optional

from portal import clock
from portal.fields import AtMost, one_line, tidy
from portal.wordings.models import Approval
from portal.wordings.rules import Fault, Text, find_faults, find_template_faults

GROUP_LABELS = {
    "permits": _l("Permit reminders"),
    "risk": _l("High-risk periods"),
    "complaints": _l("Complaints"),
    "revisits": _l("Revisits"),
    "confirmations": _l("Stopping and starting"),
}
TEXT_LABELS = {
    "permit_opens": _l("The window to renew opens today"),
    "permit_renewal": _l("Renewal, more than three days before the last one"),
    "permit_soon": _l("Renewal, three days or fewer before the last one"),
    "permit_last_day": _l("Renewal, on the last day"),
    "permit_digest": _l("Several permits of one phone"),
    "risk_notice": _l("Notice of a high-risk period"),
    "revisit": _l("Question after an inspection or penalty"),
    "low_grade": _l("Call announced after a bad grade"),
    "complaint_received": _l("Complaint received"),
    "complaint_accepted": _l("Complaint accepted"),
    "complaint_refused": _l("Complaint not accepted"),
    "complaint_material": _l("Complaint waits for its sender"),
    "complaint_message": _l("Message about a complaint"),
    "complaint_extended": _l("Complaint extended"),
    "complaint_transferred": _l("Complaint passed on"),
    "complaint_reopened": _l("Complaint opened again"),
    "complaint_answered": _l("Complaint answered"),
    "stopped": _l("Stop confirmed"),
    "started": _l("Start confirmed"),
}
# What a variable stands for; in some groups the same name means another day.
VARIABLE_LABELS = {
    "permit": _l("short name of the permit"),
    "days": _l("days left to apply"),
    "number": _l("how many permits"),
    "name": _l("name of the period"),
    "advice": _l("advice that was approved with the batch"),
    "due": _l("day by which the next answer is due"),
    "until": _l("last day on which the link works"),
    "link": _l("one-time link"),
    "hotline": _l("telephone number of the office"),
    "permits.day": _l("last day to apply"),
    "risk.day": _l("first day of the period"),
    "complaints.day": _l("day of the complaint"),
    "revisits.day": _l("day of the visit, or of the announced call"),
}
STATUS_LABELS = {
    Approval.DRAFT: _l("Draft"),
    Approval.SUBMITTED: _l("Handed in"),
    Approval.APPROVED: _l("Approved"),
    Approval.REFUSED: lazy_pgettext("template", "Refused"),
}
STATUS_TONES = {Approval.APPROVED: "good", Approval.REFUSED: "bad", Approval.SUBMITTED: "warn"}
PROVIDER_LABELS = {"tencent": _l("Tencent Cloud"), "aliyun": _l("Alibaba Cloud")}
FAULT_WORDS = {
    Fault.EMPTY: _l("Write the text"),
    Fault.LONG: _l("At most %(what)s characters"),
    Fault.UNKNOWN: _l("“%(what)s” is no variable of this text; those that are stand in the table"),
    Fault.MISSING: _l("Keep the variable {%(what)s}, in a line that does not begin with a question mark"),
    Fault.WORD: _l("Tell what the reply “%(what)s” does, in a line that does not begin with a question mark"),
    Fault.FORBIDDEN: _l("Carriers refuse the character “%(what)s”"),
    Fault.LINK: _l("Leave {%(what)s} out: the provider refuses links in variables"),
    Fault.PHONE: _l("Write the number itself instead of {%(what)s}: it is longer than a variable may be"),
}
TEMPLATE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def fault_words(faults: list[tuple[Fault, str]]) -> list[str]:
    """Return what is wrong with a body, for its writer."""
    return [str(FAULT_WORDS[fault]) % {"what": what} for fault, what in faults]


def variable_word(text: Text, name: str) -> object:
    """Return what a variable of a text stands for."""
    return VARIABLE_LABELS.get(f"{text.group}.{name}") or VARIABLE_LABELS[name]


class BodyForm(FlaskForm):
    """A city's own body; `seen` tells which state of it the writer had before them."""

    body = TextAreaField(_l("Text"), filters=[tidy])
    seen = HiddenField()

    def __init__(self, text: Text, locale: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wanted, self.locale = text, locale
        self.body.flags.required = True

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the body as a whole, so that everything wrong is told at once."""
        valid = bool(super().validate(extra_validators))
        self.body.errors = [
            *self.body.errors,
            *fault_words(find_faults(self.wanted, self.body.data or "", self.locale)),
        ]
        return valid and not self.body.errors


class TemplateForm(FlaskForm):
    """What a provider has on file."""

    body = TextAreaField(_l("Text as handed in"), filters=[one_line])
    template_id = StringField(_l("Template number"), filters=[one_line])
    status = RadioField(
        _l("Status"),
        choices=[(status.value, label) for status, label in STATUS_LABELS.items()],
        default=Approval.DRAFT.value,
    )
    decided_on = DateField(_l("Day of the decision"), validators=[Optional()])
    note = StringField(_l("The provider's reason"), filters=[one_line], validators=[AtMost(500)])
    seen = HiddenField()

    def __init__(self, text: Text, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wanted = text
        self.body.flags.required = True

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the body, and whether the status says all that goes with it."""
        valid = bool(super().validate(extra_validators))
        self.body.errors = [*self.body.errors, *fault_words(find_template_faults(self.wanted, self.body.data or ""))]
        if valid:
            self._check_status(Approval(self.status.data))
        return valid and not self.errors

    def _check_status(self, status: Approval) -> None:
        if status in (Approval.SUBMITTED, Approval.APPROVED) and not self.template_id.data:
            self.template_id.errors = [_l("Enter the number that the provider gave the template")]
        elif self.template_id.data and not TEMPLATE_ID.fullmatch(self.template_id.data):
            self.template_id.errors = [_l("A template number holds letters, digits and hyphens only")]
        if status in (Approval.APPROVED, Approval.REFUSED) and self.decided_on.data is None:
            self.decided_on.errors = [_l("Enter the day on which the provider decided")]
        elif self.decided_on.data is not None and self.decided_on.data > clock.today():
            self.decided_on.errors = [_l("This day has not come yet")]
        if status is Approval.REFUSED and not self.note.data:
            self.note.errors = [_l("Write down the reason that the provider gave")]
