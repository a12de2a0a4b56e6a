"""The forms of the texts, and the words for levels, states and oddities."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from portal.bases.models import BasisStatus
from portal.bases.rules import Standing
from portal.fields import AtMost, DayField, one_line
from portal.law_texts.rules import Oddity

STANDING_LABELS = {
    Standing.IN_FORCE: _l("In force"),
    Standing.NOT_YET: _l("Not yet in force"),
    Standing.AMENDED: _l("Amended"),
    Standing.REPEALED: _l("Repealed"),
    Standing.LAPSED: _l("Validity over"),
}
STANDING_TONES = {"in_force": "good", "not_yet": "warn", "amended": "", "repealed": "bad", "lapsed": "bad"}
LEVEL_LABELS = {
    "law": _l("National law"),
    "administrative_regulation": _l("Administrative regulation"),
    "local_regulation": _l("Local regulation"),
    "department_rule": _l("Ministry rule"),
    "government_rule": _l("Local government rule"),
    "normative_document": _l("Normative document"),
}
ODDITY_LABELS = {
    Oddity.GAP: _l("Numbers are missing before these articles"),
    Oddity.INSERTED: _l("Articles inserted between others"),
    Oddity.PARTS: _l("The text has no articles; its numbered parts were taken for them"),
    Oddity.UNCOUNTED: _l("These lines begin like an article, but belong to the one above"),
    Oddity.STRAY_HEADING: _l("Headings under which no article stands were kept as text"),
    Oddity.ANNEX: _l("There is an annex; it is kept apart"),
    Oddity.NO_DAY: _l("The text does not say of which day this version is"),
    Oddity.NO_START: _l("The text does not say from when on it holds"),
    Oddity.NO_LEVEL: _l("It cannot be told who issued it; say its level after the upload"),
}


class UploadForm(FlaskForm):
    """The text of a law in a file."""

    file = FileField(_l("Text"), validators=[FileRequired(_l("Choose a file"))])


class ConfirmForm(FlaskForm):
    """What is said of an upload before it is published."""

    version_on = DayField(_l("Version of"), validators=[Optional()])
    work = SelectField(_l("Which text it is a version of"), validators=[Optional()])


class FactsForm(FlaskForm):
    """What staff say of a text; `seen` is the stamp of what was on the screen."""

    seen = HiddenField()
    level = SelectField(
        _l("Level"),
        choices=[SelectChoice("", _l("Not given")), *(SelectChoice(key, word) for key, word in LEVEL_LABELS.items())],
        validators=[Optional()],
    )
    issuer = StringField(_l("Issued by"), filters=[one_line], validators=[Optional(), AtMost(200)])
    document_number = StringField(_l("Document number"), filters=[one_line], validators=[Optional(), AtMost(128)])
    effective_on = DayField(_l("In force since"), validators=[Optional()])
    status = SelectField(
        _l("What becomes of it"),
        choices=[
            SelectChoice(BasisStatus.IN_FORCE.value, _l("It stays in force, or until its validity is over")),
            SelectChoice(BasisStatus.AMENDED.value, _l("It is amended")),
            SelectChoice(BasisStatus.REPEALED.value, _l("It is repealed")),
        ],
        validators=[InputRequired()],
    )
    ended_on = DayField(_l("Holds no longer from"), validators=[Optional()])
    replaced_by = SelectField(_l("What is in its place"), coerce=int, validators=[Optional()])


def list_oddities(found: list[tuple[Oddity, str]]) -> list[tuple[Any, list[str]]]:
    """Return the words for what was odd about a text, each with the places concerned."""
    places: dict[Oddity, list[str]] = {}
    for oddity, words in found:
        places.setdefault(oddity, []).extend([words] if words else [])
    return [(ODDITY_LABELS[oddity], words) for oddity, words in places.items()]
