"""The forms by which staff say which power a case is about, and pass it on."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired

from portal.complaints.forms import StepForm
from portal.complaints.rules import MAX_PLACE
from portal.fields import AtMost, one_line

MAX_REASON = 300


class PowerForm(StepForm):
    """The power that a case is about, by its code, and the street; no code means that none is known."""

    code = StringField(_l("Code of the power"), filters=[one_line])
    street = StringField(_l("Street or town"), filters=[one_line], validators=[AtMost(MAX_PLACE)])


class SearchForm(FlaskForm):
    """A word of a power's name."""

    class Meta:
        csrf = False

    q = StringField(_l("Word of the power, or its code"), filters=[one_line])


class PassForm(StepForm):
    """Why the case is passed on to the organ that it belongs to."""

    reason = StringField(
        _l("Why?"), filters=[one_line], validators=[DataRequired(_l("Give a reason")), AtMost(MAX_REASON)]
    )
