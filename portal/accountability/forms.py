"""On what ground a record is opened, and how it ends."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from portal.complaints.rules import MAX_NOTE
from portal.fields import AtMost, tidy


class OpenForm(FlaskForm):
    """What was found; the grounds are filled in by the view."""

    ground = SelectField(_l("Breach"), validators=[DataRequired(_l("Choose a ground"))], validate_choice=False)
    facts = TextAreaField(
        _l("What was found?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what was found")), AtMost(MAX_NOTE)],
    )


class CloseForm(FlaskForm):
    """Which measure was decided, by whom and when; the measures are filled in by the view."""

    record = IntegerField(validators=[InputRequired()])
    measure = SelectField(_l("Measure"), validators=[DataRequired(_l("Choose a measure"))], validate_choice=False)
    outcome = TextAreaField(
        _l("Who decided it, when, and what was done?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write who decided it, when, and what was done")), AtMost(MAX_NOTE)],
    )
