"""The form of a decision, and the words for kinds and states."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import pgettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError

from portal import clock
from portal.contacts.rules import BadPhone, normalise_phone
from portal.decisions import rules
from portal.decisions.models import DecisionKind, DecisionState
from portal.fields import AtMost, one_line, tidy
from portal.masking.forms import FINDING_LABELS
from portal.masking.rules import POINTED_OUT, Context, find_marks
from portal.parties.models import PartyKind
from portal.parties.rules import normalise_credit_code
from portal.personal_data.rules import Finding

KIND_LABELS = {
    DecisionKind.PENALTY: _l("Penalty"),
    DecisionKind.PERMIT: _l("Permit decision"),
    DecisionKind.INSPECTION: _l("Inspection"),
    DecisionKind.COERCION: _l("Coercive measure"),
}
STATE_LABELS = {
    DecisionState.DRAFT: _l("Draft"),
    DecisionState.REVIEW: _l("Waiting for review"),
    DecisionState.SENT_BACK: _l("Sent back"),
    DecisionState.PUBLISHED: _l("Published"),
    DecisionState.WITHDRAWN: _l("Withdrawn"),
    DecisionState.EXPIRED: _l("Period ended"),
}
PARTY_LABELS = {
    PartyKind.ORGANISATION: _l("Company or organisation"),
    PartyKind.SOLE_TRADER: _l("Sole trader (shop)"),
    PartyKind.PERSON: _l("Natural person"),
}
MAX_FINE = 99_999_999_999


def no_personal_numbers(_form: FlaskForm, field: Any) -> None:
    """Refuse a text that holds a number or address of a person, naming what was found; names are masked instead."""
    marks = find_marks(field.data or "", Context(party_name="", party_is_person=True))
    found = {mark.kind: FINDING_LABELS[mark.kind] for mark in marks if mark.kind not in (Finding.NAME, *POINTED_OUT)}
    if found:
        what = pgettext("list", ", ").join(map(str, found.values()))
        raise ValidationError(_("The text holds %(what)s. Take it out: everybody can read this.", what=what))


def a_sum(_form: FlaskForm, field: Any) -> None:
    """Refuse what is no sum of money."""
    if field.data is not None and not (field.data.is_finite() and 0 <= field.data <= MAX_FINE):
        raise ValidationError(_("Enter a sum in yuan as a number, such as 1000"))


def not_tomorrow(_form: FlaskForm, field: Any) -> None:
    """Refuse a day that is yet to come."""
    if field.data and field.data > clock.today():
        raise ValidationError(_("This day is yet to come."))


def of_our_time(_form: FlaskForm, field: Any) -> None:
    """Refuse a day of a year that was typed wrong, such as 0026."""
    if field.data and field.data < rules.EARLIEST:
        raise ValidationError(_("Check the year."))


class YuanField(DecimalField):
    """A sum in yuan; separators of thousands are welcome."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        try:
            super().process_formdata([value.replace(",", "").replace("，", "") for value in valuelist])
        except ValueError as problem:
            raise ValueError(_("Enter a sum in yuan as a number, such as 1000")) from problem


# What is asked only of some kinds; everything else is asked of all.
ASKED = {
    DecisionKind.PENALTY: (
        "violation",
        "facts",
        "measures",
        "fine",
        "confiscated",
        "certificate",
        "valid_to",
        "on_the_spot",
    ),
    DecisionKind.PERMIT: ("document_name", "permit_category", "certificate", "permit_number", "valid_from", "valid_to"),
    DecisionKind.INSPECTION: ("violation", "facts"),
    DecisionKind.COERCION: ("violation", "facts", "valid_from", "valid_to"),
}
SOME = frozenset(name for names in ASKED.values() for name in names)
# Where a field means something else for a kind than its name says.
OTHER_LABELS = {
    (DecisionKind.PENALTY, "certificate"): _l("Name and number of the permit suspended or revoked"),
    (DecisionKind.PENALTY, "valid_to"): _l("Last day of a suspension, restriction or ban"),
    (DecisionKind.COERCION, "valid_from"): _l("Measure begins on"),
    (DecisionKind.COERCION, "valid_to"): _l("Measure ends on"),
}


def text_field(label: Any, limit: int, *, required: Any = None) -> StringField:
    """Return a field of one line."""
    checks = [DataRequired(required) if required else Optional(), AtMost(limit)]
    return StringField(label, filters=[one_line], validators=checks)


class ContentForm(FlaskForm):
    """Everything a decision says; `shape` leaves out what its kind does not have."""

    document_number = text_field(_l("Document number"), 128, required=_l("Enter the document number"))
    decided_on = DateField(
        _l("Decided on"), validators=[InputRequired(_l("Enter the day of the decision")), not_tomorrow, of_our_time]
    )
    title = text_field(_l("Title: act and result in plain words"), 200, required=_l("Enter a title"))
    legal_representative = text_field(_l("Legal representative or operator"), 50)
    document_name = text_field(_l("Name of the document"), 200)
    permit_category = SelectField(_l("Category of the permit"), validators=[Optional()])
    permit_number = text_field(_l("Permit number"), 64)
    certificate = text_field(_l("Name of the certificate"), 200)
    violation = text_field(_l("Violation"), 2000)
    facts = TextAreaField(
        _l("Facts"), filters=[tidy], validators=[DataRequired(_l("Write what was found")), AtMost(rules.MAX_TEXT)]
    )
    basis_text = TextAreaField(
        _l("Basis, as the decision cites it"), filters=[tidy], validators=[Optional(), AtMost(2000)]
    )
    basis = SelectField(_l("Law that the page links to"), coerce=int)
    article = StringField(_l("Article number"), filters=[one_line], validators=[Optional(), AtMost(10)])
    measures = SelectMultipleField(_l("Kinds of penalty"), validators=[Optional()])
    content = TextAreaField(
        _l("What was decided"), filters=[tidy], validators=[DataRequired(_l("Write what was decided")), AtMost(4000)]
    )
    fine = YuanField(_l("Fine in yuan"), places=2, validators=[Optional(), a_sum])
    confiscated = YuanField(_l("Confiscated, in yuan"), places=2, validators=[Optional(), a_sum])
    valid_from = DateField(_l("Valid from"), validators=[Optional()])
    valid_to = DateField(_l("Valid to"), validators=[Optional()])
    place = text_field(_l("Place"), 200)
    industry = text_field(_l("Industry"), 100)
    on_the_spot = BooleanField(_l("Decided on the spot (summary procedure)"))
    note = TextAreaField(_l("Note"), filters=[tidy], validators=[Optional(), AtMost(4000)])

    def shape(self, kind: DecisionKind) -> None:
        """Leave out the fields that decisions of other kinds have."""
        for name in SOME - set(ASKED[kind]):
            delattr(self, name)
        for name in ASKED[kind]:
            field = self[name]
            field.label.text = OTHER_LABELS.get((kind, name), field.label.text)

    def validate_valid_to(self, field: Any) -> None:
        """Refuse an end before the beginning."""
        begins = self._fields.get("valid_from")
        first = (begins.data if begins else None) or self.decided_on.data
        if field.data and first and field.data < first:
            raise ValidationError(_("This day is before the first one."))


class DecisionForm(ContentForm):
    """Everything a decision says, and whom it concerns; `version` tells whether somebody changed it meanwhile."""

    version = HiddenField()
    organ = SelectField(_l("Organ"), coerce=int, validators=[InputRequired()])
    kind = HiddenField()
    party_kind = SelectField(
        _l("Kind of party"),
        choices=[SelectChoice(kind.value, label) for kind, label in PARTY_LABELS.items()],
        validators=[InputRequired()],
    )
    party_name = text_field(_l("Name of the party"), 200, required=_l("Enter the name of the party"))
    credit_code = StringField(_l("Credit code"), filters=[one_line], validators=[Optional(), AtMost(30)])
    phone = StringField(_l("Mobile phone for the revisit"), filters=[one_line], validators=[Optional(), AtMost(30)])
    revisit_required = BooleanField(_l("Ask the party afterwards how it was treated"))

    def validate_credit_code(self, field: Any) -> None:
        """Refuse a code whose check character does not fit (GB 32100)."""
        code = normalise_credit_code(field.data)
        if code is None:
            raise ValidationError(_("This credit code cannot be right: its check character does not fit."))
        field.data = code

    def validate_phone(self, field: Any) -> None:
        """Refuse what cannot get a text message."""
        try:
            field.data = normalise_phone(field.data)
        except BadPhone as problem:
            raise ValidationError(_("Enter an 11-digit mobile number")) from problem


class AnswerForm(FlaskForm):
    """Why something was granted or refused."""

    answer = TextAreaField(
        _l("Reason"), filters=[tidy], validators=[DataRequired(_l("Write the reason")), AtMost(1000)]
    )
