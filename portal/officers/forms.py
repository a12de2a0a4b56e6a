"""The forms of officers, and the words for what a card is."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Optional

from portal.fields import AtMost, DayField, RecordForm, one_line
from portal.organs.rules import MAX_NAME, MAX_NUMBER, CardState

STATE_LABELS = {
    CardState.VALID: _l("Card valid"),
    CardState.NOT_YET: _l("Not valid yet"),
    CardState.SUSPENDED: _l("Card suspended"),
    CardState.ENDED: _l("No longer valid"),
}


class OfficerForm(RecordForm):
    """An officer and the card; its number is given once."""

    organ = SelectField(_l("Organ"), coerce=int, validators=[InputRequired()])
    name = StringField(_l("Name"), filters=[one_line], validators=[DataRequired(_l("Enter a name")), AtMost(MAX_NAME)])
    card_number = StringField(
        _l("Card number"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter the card number")), AtMost(MAX_NUMBER)],
    )
    category = StringField(_l("Kind of enforcement"), filters=[one_line], validators=[Optional(), AtMost(MAX_NAME)])
    valid_from = DayField(_l("Valid from"), validators=[InputRequired(_l("Enter a day"))])
    valid_to = DayField(_l("Valid until"), validators=[InputRequired(_l("Enter a day"))])


class SuspendForm(FlaskForm):
    """From which day a card is suspended."""

    since = DayField(_l("Suspended from"), validators=[InputRequired(_l("Enter a day"))])


class UploadForm(FlaskForm):
    """A spreadsheet of officers."""

    file = FileField(_l("Spreadsheet"), validators=[FileRequired(_l("Choose a file"))])
