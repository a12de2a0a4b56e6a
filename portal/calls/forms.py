"""The form with which staff record a talk."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from portal.fields import tidy


class CallForm(FlaskForm):
    """What came of a call."""

    result = TextAreaField(
        _l("What came of it"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write what came of the call")),
            Length(max=500, message=_l("At most 500 characters")),
        ],
    )
