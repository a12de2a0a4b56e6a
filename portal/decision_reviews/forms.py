"""What the second person confirms, why a decision goes back, and a check on record."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Optional

from portal.decision_reviews.service import CHECK_LABELS
from portal.decisions.forms import not_tomorrow, text_field
from portal.fields import AtMost, tidy


class ReviewForm(FlaskForm):
    """What the second person confirms before everybody can read a decision."""

    version = HiddenField()
    no_personal_data = BooleanField(
        _l("I have read the public page: it holds no personal data of others"),
        validators=[InputRequired(_l("Confirm that the page holds no personal data of others"))],
    )


class SendBackForm(FlaskForm):
    """Why a decision goes back to its editors."""

    version = HiddenField()
    note = TextAreaField(
        _l("What has to be changed"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what has to be changed")), AtMost(1000)],
    )


class BatchForm(FlaskForm):
    """What whoever publishes several decisions confirms."""

    no_personal_data = BooleanField(
        _l("I have read each public page: none holds personal data of others"),
        validators=[InputRequired(_l("Confirm that no page holds personal data of others"))],
    )


class CheckForm(FlaskForm):
    """A legal review or risk assessment, as its own document records it."""

    kind = RadioField(
        _l("Kind of check"),
        choices=[SelectChoice(kind.value, label) for kind, label in CHECK_LABELS.items()],
        validators=[InputRequired(_l("Choose the kind of check"))],
    )
    document_number = text_field(_l("Document number"), 128, required=_l("Enter the document number"))
    concluded_on = DateField(
        _l("Concluded on"), validators=[InputRequired(_l("Enter the day of the conclusion")), not_tomorrow]
    )
    result = RadioField(
        _l("Result"),
        choices=[SelectChoice("passed", _l("Passed")), SelectChoice("failed", _l("Not passed"))],
        validators=[InputRequired(_l("Choose the result"))],
    )
    note = TextAreaField(_l("Note for staff"), filters=[tidy], validators=[Optional(), AtMost(1000)])
