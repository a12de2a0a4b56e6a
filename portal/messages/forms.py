"""The forms with which staff say what they did about a reply, and why a message goes out once more."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from portal.fields import tidy

MAX_NOTE = 500


class AgainForm(FlaskForm):
    """Why a message shall be sent once more."""

    reason = TextAreaField(
        _l("Why it shall be sent again"),
        filters=[tidy],
        validators=[DataRequired(_l("Say why")), Length(max=MAX_NOTE, message=_l("At most 500 characters"))],
    )


class HandleForm(FlaskForm):
    """What was done."""

    note = TextAreaField(
        _l("What was done"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write what was done")),
            Length(max=MAX_NOTE, message=_l("At most 500 characters")),
        ],
    )
