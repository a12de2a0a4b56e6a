"""What the sender of a complaint types after it was filed."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired

from portal.complaints import rules
from portal.complaints.forms import GRADES
from portal.fields import AtMost, OneOf, tidy


class TrackForm(FlaskForm):
    """Number and query code."""

    number = StringField(_l("Number"), validators=[DataRequired(_l("Enter the number, such as TS202611220001"))])
    code = StringField(_l("Query code"), validators=[DataRequired(_l("Enter the query code, 12 characters"))])


class RateForm(FlaskForm):
    """Five grades, whether it is solved, and a word."""

    grade = RadioField(
        _l("How satisfied are you with the answer?"),
        choices=list(GRADES.items()),
        validators=[OneOf(tuple(GRADES), _l("Choose one of the five grades"))],
        validate_choice=False,
    )
    solved = RadioField(
        _l("Is the matter solved?"),
        choices=[("yes", _l("Yes")), ("no", _l("No"))],
        validators=[OneOf(("yes", "no"), _l("Choose whether the matter is solved"))],
        validate_choice=False,
    )
    comment = TextAreaField(
        _l("What else do you want to tell us?"), filters=[tidy], validators=[AtMost(rules.MAX_COMMENT)]
    )


class SupplementForm(FlaskForm):
    """Something the sender adds."""

    text = TextAreaField(
        _l("What do you want to add?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what you want to add")), AtMost(rules.MAX_FACTS)],
    )


class WithdrawForm(FlaskForm):
    """Nothing but the wish to withdraw."""
