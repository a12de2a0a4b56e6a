"""What staff write for the public, and what a second person says to it."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired

from portal.complaint_publication import rules
from portal.complaint_publication.models import EditionState
from portal.complaints.models import ComplaintKind
from portal.complaints.rules import MAX_REASON
from portal.fields import AtMost, one_line, tidy
from portal.masking.forms import FINDING_LABELS
from portal.personal_data.rules import Finding

KIND_LABELS = {
    ComplaintKind.CONDUCT: _l("Complaint about enforcement"),
    ComplaintKind.REPORT: _l("Report of a breach of the law"),
    ComplaintKind.QUESTION: _l("Question"),
    ComplaintKind.SUGGESTION: _l("Suggestion"),
}
STATE_LABELS = {
    EditionState.WRITING: _l("Being masked"),
    EditionState.WAITING: _l("Waits for a second person"),
    EditionState.RELEASED: _l("Published"),
    EditionState.WITHDRAWN: _l("Withdrawn"),
}
COLUMN_LABELS = {"title": _l("Title"), "question": _l("What was asked or told"), "answer": _l("Answer")}
MARK_LABELS = FINDING_LABELS | {Finding.OTHER: _l("the sender, a number of the case, or added by hand")}


class WordsForm(FlaskForm):
    """What shall be published, before it is masked."""

    title = StringField(
        _l("Title"),
        filters=[one_line],
        validators=[DataRequired(_l("Write a title that says what it is about")), AtMost(rules.MAX_TITLE)],
    )
    question = TextAreaField(
        _l("What was asked or told"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what was asked or told")), AtMost(rules.MAX_QUESTION)],
    )
    answer = TextAreaField(
        _l("Answer"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what was answered")), AtMost(rules.MAX_ANSWER)],
    )


class BackForm(FlaskForm):
    """What has to change before it is released."""

    comment = TextAreaField(
        _l("What has to change"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what has to change")), AtMost(MAX_REASON)],
    )


class WithdrawForm(FlaskForm):
    """Why something published is taken back."""

    reason = TextAreaField(
        _l("Why is it withdrawn?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write why it is withdrawn; only staff read it")), AtMost(MAX_REASON)],
    )


class ConsentForm(FlaskForm):
    """Whether the sender agrees."""

    agrees = HiddenField()
