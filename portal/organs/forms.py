"""The forms of organs and their yearly recognition, and the words for kinds and states."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, ValidationError

from portal.fields import AtMost, DayField, RecordForm, one_line, tidy
from portal.organs import rules
from portal.organs.models import OrganKind

KIND_LABELS = {
    OrganKind.STATUTORY: _l("Enforces in its own name by law"),
    OrganKind.AUTHORISED: _l("Authorised by a law or regulation"),
    OrganKind.ENTRUSTED: _l("Entrusted by an enforcement organ"),
}
YEARS = (2000, 2100)


class OrganForm(RecordForm):
    """What the public reads of an organ."""

    name = StringField(
        _l("Full name"), filters=[one_line], validators=[DataRequired(_l("Enter a name")), AtMost(rules.MAX_NAME)]
    )
    name_en = StringField(_l("Name in English"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_NAME)])
    short_name = StringField(_l("Short name"), filters=[one_line], validators=[Optional(), AtMost(30)])
    slug = StringField(_l("Address of its page"), filters=[one_line], validators=[DataRequired(_l("Enter an address"))])
    kind = SelectField(
        _l("Ground of enforcement"),
        choices=[SelectChoice(kind.value, label) for kind, label in KIND_LABELS.items()],
        validators=[InputRequired()],
    )
    legal_ground = StringField(_l("Legal ground"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_TEXT)])
    credit_code = StringField(_l("Credit code"), filters=[one_line], validators=[Optional()])
    address = StringField(_l("Address"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_NAME)])
    phone = StringField(_l("Phone"), filters=[one_line], validators=[Optional(), AtMost(50)])
    valid_from = DayField(_l("Since"), validators=[Optional()])

    def validate_slug(self, field: Any) -> None:
        """Refuse what cannot be an address."""
        if not rules.is_slug(field.data):
            raise ValidationError(_("Use small letters, digits and hyphens, at most 60, such as market-regulation"))

    def validate_credit_code(self, field: Any) -> None:
        """Refuse a credit code whose check character does not fit."""
        if not rules.is_credit_code(field.data):
            raise ValidationError(_("The unified social credit code is wrong: its check character does not fit."))


class RenameForm(OrganForm):
    """The organ under its new name; the old one ends on the day before."""

    valid_from = DayField(_l("First day under the new name"), validators=[InputRequired(_l("Enter a day"))])


class EndForm(FlaskForm):
    """That an organ ends, and who follows it."""

    last_day = DayField(_l("Last day"), validators=[InputRequired(_l("Enter a day"))])
    successor = SelectField(_l("Followed by"), coerce=int, validators=[InputRequired()])


class RecognitionForm(FlaskForm):
    """A yearly announcement, and the organs that it names."""

    year = IntegerField(
        _l("Year of recognition"),
        validators=[
            InputRequired(_l("Enter a year such as 2026")),
            NumberRange(*YEARS, _l("Enter a year such as 2026")),
        ],
    )
    title = StringField(
        _l("Title"), filters=[one_line], validators=[DataRequired(_l("Enter a title")), AtMost(rules.MAX_NAME)]
    )
    document_number = StringField(_l("Document number"), filters=[one_line], validators=[Optional(), AtMost(128)])
    issuer = StringField(_l("Announced by"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_NAME)])
    announced_on = DayField(_l("Announced on"), validators=[InputRequired(_l("Enter a day"))])
    body = TextAreaField(_l("Text of the announcement"), filters=[tidy], validators=[AtMost(rules.MAX_BODY)])
    organs = SelectMultipleField(
        _l("Organs recognised"), coerce=int, validators=[DataRequired(_l("Choose at least one organ"))]
    )
