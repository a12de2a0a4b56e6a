"""What kinds of complaints, their categories and their grades are called, and what every form of staff carries."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField

from portal.fields import one_line

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
