"""The forms of procedures and their steps: each text in the city's language and in English."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError

from portal.fields import AtMost, one_line, tidy
from portal.procedures import rules

PROCEDURE_TEXTS = tuple(
    f"{name}{ending}" for name in ("title", "summary", "fee", "documents", "remedies") for ending in ("", "_en")
)
STEP_TEXTS = (
    *(f"{name}{ending}" for name in ("title", "text", "actor", "limit", "law", "branch") for ending in ("", "_en")),
    "article",
)


def line(label: Any, *, needed: Any = None, limit: int = rules.MAX_SHORT) -> StringField:
    """Return a field of one line."""
    return StringField(
        label, filters=[one_line], validators=[DataRequired(needed) if needed else Optional(), AtMost(limit)]
    )


def paragraphs(label: Any) -> TextAreaField:
    """Return a field of several lines."""
    return TextAreaField(label, filters=[tidy], validators=[Optional(), AtMost(rules.MAX_TEXT)])


class ProcedureForm(FlaskForm):
    """What is said of a procedure as a whole; `seen` is the stamp of what was on the screen."""

    seen = HiddenField()
    title = line(_l("Title"), needed=_l("Enter a title"), limit=rules.MAX_TITLE)
    title_en = line(_l("Title in English"), limit=rules.MAX_TITLE)
    summary = paragraphs(_l("Summary"))
    summary_en = paragraphs(_l("Summary in English"))
    fee = line(_l("Fee"))
    fee_en = line(_l("Fee in English"))
    documents = paragraphs(_l("Documents"))
    documents_en = paragraphs(_l("Documents in English"))
    remedies = paragraphs(_l("Remedies"))
    remedies_en = paragraphs(_l("Remedies in English"))
    organ = SelectField(_l("Whom to ask"), coerce=int, validators=[InputRequired()])


class NewForm(ProcedureForm):
    """A procedure of the city's own, with its address."""

    slug = line(_l("Last part of the address"), needed=_l("Enter an address"), limit=rules.MAX_SLUG)

    def validate_slug(self, field: Any) -> None:
        """Refuse what does not read well in an address."""
        if not rules.SLUG.fullmatch(field.data):
            raise ValidationError(_("Use small Latin letters, digits and hyphens"))


class StepForm(FlaskForm):
    """One step."""

    title = line(_l("Name of the step"), needed=_l("Enter what happens"), limit=rules.MAX_TITLE)
    title_en = line(_l("Name of the step in English"), limit=rules.MAX_TITLE)
    text = paragraphs(_l("In more words"))
    text_en = paragraphs(_l("In more words, in English"))
    actor = line(_l("Who acts"))
    actor_en = line(_l("Who acts, in English"))
    limit = line(_l("Time limit"))
    limit_en = line(_l("Time limit in English"))
    law = line(_l("Law"))
    law_en = line(_l("Law in English"))
    article = line(_l("Article numbers"), limit=60)
    branch = line(_l("Only under this condition"))
    branch_en = line(_l("The condition in English"))
    ends = BooleanField(_l("The procedure ends with this step"))
