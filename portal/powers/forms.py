"""The forms of the power list, and the words for its ten categories."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError

from portal.bases.rules import parse_article_key
from portal.fields import AtMost, DayField, RecordForm, one_line, tidy
from portal.powers import rules
from portal.powers.models import PowerCategory

CATEGORY_LABELS = {
    PowerCategory.PERMIT: _l("Administrative permit"),
    PowerCategory.PENALTY: _l("Penalty"),
    PowerCategory.COERCION: _l("Coercive measure"),
    PowerCategory.LEVY: _l("Administrative levy"),
    PowerCategory.PAYMENT: _l("Administrative payment"),
    PowerCategory.INSPECTION: _l("Inspection"),
    PowerCategory.CONFIRMATION: _l("Administrative confirmation"),
    PowerCategory.REWARD: _l("Administrative reward"),
    PowerCategory.ADJUDICATION: _l("Administrative adjudication"),
    PowerCategory.OTHER: _l("Other power"),
}


class ItemForm(RecordForm):
    """One power of one organ."""

    code = StringField(_l("Code"), filters=[one_line, str.upper], validators=[DataRequired(_l("Enter a code"))])
    name = StringField(
        _l("Name of the item"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter a name")), AtMost(rules.MAX_NAME)],
    )
    category = SelectField(
        _l("Category"),
        choices=[SelectChoice(category.value, label) for category, label in CATEGORY_LABELS.items()],
        validators=[InputRequired()],
    )
    organ = SelectField(_l("Organ"), coerce=int, validators=[InputRequired()])
    post = StringField(_l("Post that answers for it"), filters=[one_line], validators=[Optional(), AtMost(100)])
    basis_text = TextAreaField(
        _l("Legal basis in words"), filters=[tidy], validators=[Optional(), AtMost(rules.MAX_TEXT)]
    )
    valid_from = DayField(_l("Valid from"), validators=[Optional()])
    valid_to = DayField(_l("Last day"), validators=[Optional()])

    def validate_code(self, field: Any) -> None:
        """Refuse what cannot stand in an address."""
        if not rules.CODE.fullmatch(field.data):
            raise ValidationError(_("Use Latin letters, digits, dots and hyphens, at most 64"))


class GroundForm(FlaskForm):
    """An article that a power rests on."""

    basis = SelectField(_l("Law"), coerce=int, validators=[InputRequired()])
    article = StringField(
        _l("Article number"), filters=[one_line], validators=[DataRequired(_l("Enter a number such as 37 or 37-1"))]
    )

    def validate_article(self, field: Any) -> None:
        """Refuse what is no number of an article."""
        if parse_article_key(field.data) is None:
            raise ValidationError(_("Enter a number such as 37 or 37-1"))


class TransferForm(RecordForm):
    """That another organ holds a power for some time."""

    organ = SelectField(_l("Passes to"), coerce=int, validators=[InputRequired()])
    since = DayField(_l("First day"), validators=[InputRequired(_l("Enter a day"))])
    until = DayField(_l("Last day"), validators=[Optional()])
    document_number = StringField(
        _l("Number of the document that decides it"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter the document number")), AtMost(128)],
    )
    note = StringField(_l("Note for the public"), filters=[one_line], validators=[Optional(), AtMost(500)])


class UploadForm(FlaskForm):
    """A spreadsheet with a power list."""

    file = FileField(_l("Spreadsheet"), validators=[FileRequired(_l("Choose a file"))])
