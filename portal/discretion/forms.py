"""The forms of discretion standards, and the words for their tiers."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError

from portal.discretion import rules
from portal.discretion.models import Tier
from portal.fields import AtMost, DayField, one_line, tidy

TIER_LABELS = {
    Tier.NONE: _l("No penalty"),
    Tier.WAIVED: _l("Penalty waived"),
    Tier.REDUCED: _l("Below the range"),
    Tier.LIGHT: _l("Light"),
    Tier.NORMAL: _l("Ordinary"),
    Tier.HEAVY: _l("Heavy"),
}


def amount(_form: FlaskForm, field: Any) -> None:
    """Refuse what is no amount in yuan."""
    if rules.read_amount(field.data) is None:
        raise ValidationError(_("Enter an amount in yuan such as 2000"))


class StandardForm(FlaskForm):
    """One standard; its tiers have forms of their own."""

    code = StringField(_l("Code"), filters=[one_line], validators=[DataRequired(_l("Enter a code"))])
    violation = StringField(
        _l("Violation"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter the violation")), AtMost(rules.MAX_VIOLATION)],
    )
    trade = StringField(_l("Trade"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_SHORT)])
    organ = SelectField(_l("Organ"), coerce=int, validators=[InputRequired()])
    basis_text = TextAreaField(
        _l("Legal basis in words"), filters=[tidy], validators=[Optional(), AtMost(rules.MAX_TEXT)]
    )
    document_number = StringField(
        _l("Document number"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_SHORT)]
    )
    valid_from = DayField(_l("Valid from"), validators=[Optional()])
    valid_to = DayField(_l("Last day"), validators=[Optional()])

    def validate_code(self, field: Any) -> None:
        """Refuse codes with spaces, and endless ones."""
        if not rules.CODE.fullmatch(field.data):
            raise ValidationError(_("A code holds no spaces and at most 64 characters"))


class TierForm(FlaskForm):
    """One tier of a standard."""

    tier = SelectField(
        _l("Tier"),
        choices=[SelectChoice(tier.value, label) for tier, label in TIER_LABELS.items()],
        validators=[InputRequired()],
    )
    condition = TextAreaField(_l("When it applies"), filters=[tidy], validators=[Optional(), AtMost(rules.MAX_TEXT)])
    consequence = TextAreaField(
        _l("What follows"),
        filters=[tidy],
        validators=[DataRequired(_l("Say what follows")), AtMost(rules.MAX_TEXT)],
    )
    fine_from = StringField(_l("Lowest fine in yuan"), filters=[one_line], validators=[Optional(), amount])
    fine_to = StringField(_l("Highest fine in yuan"), filters=[one_line], validators=[Optional(), amount])


class UploadForm(FlaskForm):
    """A spreadsheet with discretion standards."""

    file = FileField(_l("Spreadsheet"), validators=[FileRequired(_l("Choose a file"))])
