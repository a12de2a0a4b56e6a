"""The question on the one-time page, and what staff note about an answer."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, DataRequired, Length

from portal.fields import tidy
from portal.revisits.rules import MAX_COMMENT

GRADE_WORDS = {
    5: _l("Very satisfied"),
    4: _l("Satisfied"),
    3: _l("Fairly satisfied"),
    2: _l("Dissatisfied"),
    1: _l("Very dissatisfied"),
}
CHOICES = [SelectChoice(str(grade), words) for grade, words in GRADE_WORDS.items()]
TOO_LONG = _l("At most 500 characters")


class AnswerForm(FlaskForm):
    """Five grades, none chosen beforehand, and whatever the reader wants to add."""

    grade = RadioField(
        _l("Your answer"),
        choices=CHOICES,
        validate_choice=False,
        validators=[AnyOf([choice.value for choice in CHOICES], message=_l("Choose one of the five answers"))],
    )
    comment = TextAreaField(
        _l("What was good, what was not?"), filters=[tidy], validators=[Length(max=MAX_COMMENT, message=TOO_LONG)]
    )
    call_back = BooleanField(_l("Please call me back"))


class PhoneAnswerForm(FlaskForm):
    """An answer that somebody gave on the telephone."""

    grade = RadioField(
        _l("Answer given on the telephone"),
        choices=CHOICES,
        validate_choice=False,
        validators=[AnyOf([choice.value for choice in CHOICES], message=_l("Choose one of the five answers"))],
    )
    comment = TextAreaField(_l("What was said"), filters=[tidy], validators=[Length(max=MAX_COMMENT, message=TOO_LONG)])


class CloseForm(FlaskForm):
    """With what a follow-up is closed."""

    answer = TextAreaField(
        _l("What was done, and what the party was told"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write what was done")),
            Length(max=2000, message=_l("At most 2000 characters")),
        ],
    )
