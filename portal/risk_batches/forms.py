"""What is said when a batch is approved, sent back or withdrawn, and the words for what ended it by itself."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import DataRequired, Optional

from portal.fields import AtMost, tidy

# Reasons that no person wrote.
NOTE_LABELS = {
    "not_approved": _l("Nobody had approved it when the period began."),
    "too_late": _l("It was approved, but the period was over before anything could be sent."),
    "switched_off": _l("The period was switched off."),
    "days_changed": _l("The days of the period were changed."),
}
MAX_NOTE = 500


class NoteForm(FlaskForm):
    """Why a batch is sent back or withdrawn."""

    note = TextAreaField(_l("Reason"), filters=[tidy], validators=[DataRequired(_l("Say why")), AtMost(MAX_NOTE)])


class ApproveForm(FlaskForm):
    """Approval; `seen` is the stamp of what was on the screen."""

    seen = HiddenField()
    urgent = BooleanField(_l("Urgent: send at night and on days off, too"))
    urgent_reason = TextAreaField(
        _l("Why these texts may not wait"), filters=[tidy], validators=[Optional(), AtMost(MAX_NOTE)]
    )
