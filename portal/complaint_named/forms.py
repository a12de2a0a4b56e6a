"""The forms about whom a complaint names."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired

from portal.complaint_named.rules import MAX_REASON
from portal.fields import AtMost, one_line
from portal.organs.rules import MAX_NUMBER


def as_number(value: Any) -> int | None:
    """Return the account that was chosen, None for the line that says to choose."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class AddForm(FlaskForm):
    """Who else is meant, and how that is known."""

    account = SelectField(_l("Account"), coerce=as_number, validate_choice=False)
    card = StringField(_l("Card number"), filters=[one_line], validators=[AtMost(MAX_NUMBER)])
    reason = StringField(
        _l("How do you know?"), filters=[one_line], validators=[DataRequired(_l("Give a reason")), AtMost(MAX_REASON)]
    )


class ClearForm(FlaskForm):
    """Why somebody is not meant."""

    why = StringField(
        _l("Why are they not meant?"),
        filters=[one_line],
        validators=[DataRequired(_l("Give a reason")), AtMost(MAX_REASON)],
    )
