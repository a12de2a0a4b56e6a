"""What kinds of complaints, their categories and their grades are called, and the forms of staff."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired

from portal.complaints import rules
from portal.fields import AtMost, one_line, tidy

KINDS = {
    "conduct": _l("Complain about how officials acted"),
    "report": _l("Report a breach of the law"),
    "question": _l("Ask a question"),
    "suggestion": _l("Make a suggestion"),
}
CATEGORIES = {
    "fine": _l("A fine without ground, or far too high"),
    "inspection": _l("Inspections without ground, repeated or by outsiders"),
    "fee": _l("Fees without ground"),
    "seizure": _l("Sealing or seizing without ground"),
    "elsewhere": _l("Enforcement by officials from elsewhere"),
    "profit": _l("Enforcement to make money"),
    "overdue": _l("No decision within the time limit"),
    "card": _l("No card shown, no body camera, or no uniform"),
    "receipt": _l("Fine paid to a person, or no receipt"),
    "permit": _l("Permit application not dealt with"),
    "manner": _l("Rude or unfair treatment"),
    "other": _l("Something else"),
}
GRADES = {
    "5": _l("Very satisfied"),
    "4": _l("Satisfied"),
    "3": _l("Fairly satisfied"),
    "2": _l("Dissatisfied"),
    "1": _l("Very dissatisfied"),
}


class StepForm(FlaskForm):
    """What every step of staff carries: the last event they had seen."""

    seen = StringField(filters=[one_line])


class AssignForm(StepForm):
    """Who shall handle a complaint; the choices are filled in by the view."""

    handler = SelectField(
        _l("Handled by"), validators=[DataRequired(_l("Choose who handles this"))], coerce=int, validate_choice=False
    )


class AnswerForm(StepForm):
    """The answer to the sender."""

    answer = TextAreaField(
        _l("Answer to the sender"),
        filters=[tidy],
        validators=[DataRequired(_l("Write the answer")), AtMost(rules.MAX_ANSWER)],
    )


class RefuseForm(StepForm):
    """Why a complaint is not accepted; the sender reads it."""

    reason = TextAreaField(
        _l("Reason, with the article and where to go instead"),
        filters=[tidy],
        validators=[DataRequired(_l("Write the reason; the sender will read it")), AtMost(rules.MAX_REASON)],
    )


class NoteForm(StepForm):
    """A note for colleagues."""

    note = TextAreaField(
        _l("Note"), filters=[tidy], validators=[DataRequired(_l("Write the note")), AtMost(rules.MAX_NOTE)]
    )


class IdentityForm(StepForm):
    """Why somebody needs to know who sent a complaint."""

    why = StringField(
        _l("Why do you need to know who sent this?"),
        filters=[one_line],
        validators=[DataRequired(_l("Say why; it is recorded")), AtMost(200)],
    )
