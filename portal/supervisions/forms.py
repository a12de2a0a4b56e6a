"""What the office orders, what is replied, and what it says to that."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange

from portal.complaints.rules import MAX_NOTE
from portal.fields import AtMost, OneOf, tidy
from portal.supervisions.models import SupervisionState

MOST_DAYS = 60
DAYS = _l("Enter a whole number of working days from 1 to 60")
STATE_LABELS = {
    SupervisionState.ORDERED: _l("Reply asked for"),
    SupervisionState.REPLIED: _l("Replied, to be decided"),
    SupervisionState.ACCEPTED: _l("Settled"),
}


class OrderForm(FlaskForm):
    """Why a case is supervised, and by when there has to be a reply."""

    reason = TextAreaField(
        _l("Why, and what has to be reported?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write why, and what has to be reported")), AtMost(MAX_NOTE)],
    )
    within = IntegerField(
        _l("Reply within, in working days"),
        default=5,
        validators=[InputRequired(DAYS), NumberRange(1, MOST_DAYS, DAYS)],
    )


class ReplyForm(FlaskForm):
    """What is reported."""

    reply = TextAreaField(
        _l("Reply"), filters=[tidy], validators=[DataRequired(_l("Write the reply")), AtMost(MAX_NOTE)]
    )


class DecideForm(FlaskForm):
    """Whether that is enough."""

    words = TextAreaField(
        _l("Your words"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what you think of the reply")), AtMost(MAX_NOTE)],
    )
    more = IntegerField(
        _l("If asked again: reply within, in working days"),
        default=5,
        validators=[InputRequired(DAYS), NumberRange(1, MOST_DAYS, DAYS)],
    )
    verdict = StringField(validators=[OneOf(("accept", "again"), _l("Accept the reply or ask again"))])
