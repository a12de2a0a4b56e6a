"""What a person says about a finding, and a passage to hide."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired

from portal.fields import AtMost, one_line
from portal.masking.forms import FINDING_LABELS
from portal.masking_sheets.rules import ADDABLE, MAX_PASSAGE
from portal.personal_data.rules import Finding

REASON_LABELS = {
    "authority": _l("The authority's own: account, phone, address, staff on duty"),
    "firm": _l("A firm's, not a person's"),
    "word": _l("An ordinary word or number, nobody's in particular"),
    "age": _l("Nobody named here is a minor"),
}
ADD_LABELS = {
    Finding.OTHER: _l("Something else"),
    Finding.NAME: FINDING_LABELS[Finding.NAME],
    Finding.ADDRESS: FINDING_LABELS[Finding.ADDRESS],
}


class SeenForm(FlaskForm):
    """What a person had on the screen."""

    seen = HiddenField()


class FindingForm(SeenForm):
    """Which finding, and why it is no personal datum."""

    number = IntegerField(validators=[InputRequired()])
    why = StringField()


class PassageForm(SeenForm):
    """A passage that must be hidden wherever it stands."""

    passage = StringField(
        _l("Passage to hide"),
        filters=[one_line],
        validators=[DataRequired(_l("Type at least two characters of what has to be hidden.")), AtMost(MAX_PASSAGE)],
    )
    kind = SelectField(
        _l("What it is"),
        choices=[SelectChoice(kind.value, ADD_LABELS[kind]) for kind in ADDABLE],
        validators=[InputRequired()],
    )
