"""What the sender of a complaint types after it was filed."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, MultipleFileField, RadioField, StringField, TextAreaField
from wtforms import Field as AnyField
from wtforms.validators import DataRequired, ValidationError

from portal.complaint_tracking.rules import MAX_REASON
from portal.complaints import rules
from portal.complaints.forms import GRADES
from portal.fields import AtMost, OneOf, tidy


class TrackForm(FlaskForm):
    """Number and query code."""

    number = StringField(_l("Number"), validators=[DataRequired(_l("Enter the number, such as TS202611220001"))])
    code = StringField(_l("Query code"), validators=[DataRequired(_l("Enter the query code, 12 characters"))])


class RateForm(FlaskForm):
    """Five grades and why, whether it is solved, and whether a call is welcome."""

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
    comment = TextAreaField(_l("Why?"), filters=[tidy], validators=[AtMost(rules.MAX_COMMENT)])
    call_wanted = BooleanField(_l("If I am dissatisfied, call me about it"))


class SupplementForm(FlaskForm):
    """Something the sender adds: words, files or both; `with_files` says that files came before."""

    text = TextAreaField(_l("What do you want to add?"), filters=[tidy], validators=[AtMost(rules.MAX_FACTS)])
    files = MultipleFileField(_l("Photos or documents"))

    with_files = False

    def validate_text(self, checked: AnyField) -> None:
        """Nothing at all is nothing to send."""
        if not checked.data and not self.with_files:
            raise ValidationError(_("Write what you want to add, or add a file"))


class ReopenForm(FlaskForm):
    """Why a case shall be dealt with again."""

    reason = TextAreaField(
        _l("Why is the answer not enough?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write why the answer is not enough")), AtMost(MAX_REASON)],
    )


class WithdrawForm(FlaskForm):
    """Nothing but the wish to withdraw."""
