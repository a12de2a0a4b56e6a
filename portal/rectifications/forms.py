"""What staff write while they put right what was graded badly."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired

from portal.complaints.rules import MAX_NOTE, MAX_REASON
from portal.fields import AtMost, OneOf, tidy
from portal.rectifications.models import Outcome

OUTCOMES = {
    Outcome.ANSWERED: _l("Answered"),
    Outcome.MISTAKE: _l("Graded by mistake"),
    Outcome.REOPENED: _l("Opened again by the sender"),
}


class ContactForm(FlaskForm):
    """What was said when the sender was called, or what is written to one who wanted no call."""

    contact = TextAreaField(
        _l("What was said"), filters=[tidy], validators=[DataRequired(_l("Write what was said")), AtMost(MAX_NOTE)]
    )


class AnswerForm(FlaskForm):
    """What was put right, in words for the sender."""

    answer = TextAreaField(
        _l("What was put right?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what was put right; the sender will read it")), AtMost(MAX_NOTE)],
    )


class MistakeForm(FlaskForm):
    """Why a grade is said to be a mistake."""

    reason = TextAreaField(
        _l("Why was it a mistake?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write how you know that it was a mistake")), AtMost(MAX_REASON)],
    )


class DecideForm(FlaskForm):
    """What the second person says to that."""

    words = TextAreaField(
        _l("Your words"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write why; if you set the grade aside, the sender will read it")),
            AtMost(MAX_REASON),
        ],
    )
    verdict = StringField(validators=[OneOf(("grant", "decline"), _l("Set the grade aside or let it stand"))])
