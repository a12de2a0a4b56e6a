"""The forms of the staff side, and the words for kinds and states."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import pgettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, DecimalField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError

from portal.contacts.rules import BadPhone, normalise_phone
from portal.decisions import rules
from portal.decisions.models import DecisionKind, DecisionState
from portal.fields import AtMost, one_line, tidy
from portal.parties.models import PartyKind
from portal.parties.rules import normalise_credit_code

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
PERSONAL_LABELS = {
    rules.Personal.IDENTITY_NUMBER: _l("an identity number"),
    rules.Personal.MOBILE_PHONE: _l("a mobile phone number"),
}


def no_personal_numbers(_form: FlaskForm, field: Any) -> None:
    """Refuse a text that holds an identity number or a mobile phone number, naming what was found."""
    found = rules.find_personal(field.data or "")
    if found:
        what = pgettext("list", ", ").join(str(PERSONAL_LABELS[kind]) for kind in found)
        raise ValidationError(_("The text holds %(what)s. Take it out: everybody can read this.", what=what))


def a_sum(_form: FlaskForm, field: Any) -> None:
    """Refuse a fine that is no sum of money."""
    if field.data is not None and not (field.data.is_finite() and 0 <= field.data <= MAX_FINE):
        raise ValidationError(_("Enter the fine as a number, such as 1000"))


class YuanField(DecimalField):
    """A sum in yuan; separators of thousands are welcome."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        try:
            super().process_formdata([value.replace(",", "").replace("，", "") for value in valuelist])
        except ValueError as problem:
            raise ValueError(_("Enter the fine as a number, such as 1000")) from problem


class DecisionForm(FlaskForm):
    """Everything a decision says, and whom it concerns."""

    organ = SelectField(_l("Organ"), coerce=int, validators=[InputRequired()])
    kind = SelectField(
        _l("Kind"),
        choices=[SelectChoice(kind.value, label) for kind, label in KIND_LABELS.items()],
        validators=[InputRequired()],
    )
    document_number = StringField(
        _l("Document number"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter the document number")), AtMost(128)],
    )
    decided_on = DateField(_l("Decided on"), validators=[InputRequired(_l("Enter the day of the decision"))])
    title = StringField(
        _l("Title: act and result in plain words"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter a title")), AtMost(200), no_personal_numbers],
    )
    party_kind = SelectField(
        _l("Kind of party"),
        choices=[SelectChoice(kind.value, label) for kind, label in PARTY_LABELS.items()],
        validators=[InputRequired()],
    )
    party_name = StringField(
        _l("Name of the party"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter the name of the party")), AtMost(200)],
    )
    credit_code = StringField(_l("Credit code"), filters=[one_line], validators=[Optional(), AtMost(30)])
    phone = StringField(_l("Mobile phone for the revisit"), filters=[one_line], validators=[Optional(), AtMost(30)])
    violation = StringField(
        _l("Violation"), filters=[one_line], validators=[Optional(), AtMost(500), no_personal_numbers]
    )
    facts = TextAreaField(
        _l("Facts"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what was found")), AtMost(rules.MAX_TEXT), no_personal_numbers],
    )
    basis_text = TextAreaField(_l("Basis, as the decision cites it"), filters=[tidy], validators=[AtMost(2000)])
    basis = SelectField(_l("Law that the page links to"), coerce=int)
    article = StringField(_l("Article number"), filters=[one_line], validators=[Optional(), AtMost(10)])
    measures = SelectMultipleField(_l("Kinds of penalty"), validators=[Optional()])
    content = TextAreaField(
        _l("What was decided"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what was decided")), AtMost(4000), no_personal_numbers],
    )
    fine = YuanField(_l("Fine in yuan"), places=2, validators=[Optional(), a_sum])
    on_the_spot = BooleanField(_l("Decided on the spot (summary procedure)"))
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


class ReviewForm(FlaskForm):
    """What the second person confirms before everybody can read a decision."""

    no_personal_data = BooleanField(
        _l("I have read the public page: it holds no personal data of others"),
        validators=[InputRequired(_l("Confirm that the page holds no personal data of others"))],
    )


class SendBackForm(FlaskForm):
    """Why a decision goes back to its editors."""

    note = TextAreaField(
        _l("What has to be changed"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what has to be changed")), AtMost(1000)],
    )


class WithdrawForm(FlaskForm):
    """Why a decision is taken down, in words for the public."""

    reason = TextAreaField(
        _l("Reason, in words for the public, with the article it rests on"),
        filters=[tidy],
        validators=[DataRequired(_l("Write the reason for the public")), AtMost(1000), no_personal_numbers],
    )
