"""What is asked before a published decision is corrected."""

from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField, TextAreaField
from wtforms.validators import DataRequired, Optional

from portal.decisions.forms import ContentForm, no_personal_numbers, not_tomorrow
from portal.fields import AtMost, tidy


class CorrectionForm(ContentForm):
    """A published decision's words and figures, and why they change."""

    version = HiddenField()
    public_note = TextAreaField(
        _l("What was corrected, in words for the public"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what was corrected")), AtMost(500), no_personal_numbers],
    )
    objected_on = DateField(_l("Somebody asked for it on"), validators=[Optional(), not_tomorrow])
