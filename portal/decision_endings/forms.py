"""What is asked before a publication ends: who ordered it, why, and what proves credit repair."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from portal.decisions.forms import no_personal_numbers, not_tomorrow
from portal.fields import AtMost, tidy


class OrderForm(FlaskForm):
    """Who ordered a withdrawal, and when."""

    ordered_on = DateField(_l("Ordered on"), validators=[InputRequired(_l("Enter the day of the order")), not_tomorrow])
    order = TextAreaField(
        _l("Who ordered it, in which document"),
        filters=[tidy],
        validators=[DataRequired(_l("Write who ordered it")), AtMost(500)],
    )


class WithdrawForm(FlaskForm):
    """Why a decision is taken down, in words for the public; `seen` are those words as somebody was shown them."""

    reason = TextAreaField(
        _l("Reason, in words for the public, with the article it rests on"),
        filters=[tidy],
        validators=[DataRequired(_l("Write the reason for the public")), AtMost(1000), no_personal_numbers],
    )
    seen = HiddenField()


class RepairForm(FlaskForm):
    """A party's application for credit repair (order 36: the conditions all have to hold)."""

    applied_on = DateField(
        _l("Applied for on"), validators=[InputRequired(_l("Enter the day of the application")), not_tomorrow]
    )
    corrected = BooleanField(
        _l("The act was corrected and every duty of the decision is done"),
        validators=[InputRequired(_l("Confirm that act and duties are done"))],
    )
    promised = BooleanField(
        _l("The party has published its credit commitment"),
        validators=[InputRequired(_l("Confirm the published commitment"))],
    )
    reason = TextAreaField(
        _l("What proves it, for staff"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what proves it")), AtMost(1000)],
    )
