"""The forms around deadlines that are worked out anew."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired

from portal.complaints.forms import StepForm
from portal.fields import AtMost, OneOf, one_line

MAX_REASON = 300


class RecomputeForm(FlaskForm):
    """Nothing but the wish."""


class KindForm(StepForm):
    """Of which other kind a case is, and why."""

    kind = SelectField(_l("Kind of case"), validate_choice=False)
    reason = StringField(
        _l("Why?"), filters=[one_line], validators=[DataRequired(_l("Give a reason")), AtMost(MAX_REASON)]
    )

    def offer(self, choices: list[tuple[str, str]]) -> None:
        """Say which kinds may be chosen."""
        self.kind.choices = [("", _l("Please choose")), *choices]
        self.kind.validators = [OneOf(tuple(key for key, _name in choices), _l("Choose another kind of case."))]
