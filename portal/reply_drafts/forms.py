"""The forms for drafts of replies and for their templates."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext, pgettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms import Field as AnyField
from wtforms.validators import DataRequired, ValidationError

from portal.complaints.forms import CATEGORIES, KINDS, StepForm
from portal.complaints.rules import MAX_ANSWER, MAX_NOTE, MAX_REASON
from portal.fields import AtMost, OneOf, one_line, tidy
from portal.reply_drafts import rules
from portal.reply_drafts.models import ReplyPurpose

FINDINGS = {"founded": _l("Founded"), "partly": _l("Partly founded"), "unfounded": _l("Unfounded")}
PURPOSE_LABELS = {"answer": _l("Answer"), "refusal": _l("Refusal")}


class ReplyForm(StepForm):
    """What is written for a case; what is still missing is asked for when it is handed over."""

    template = SelectField(_l("Start from a template"), choices=[("", _l("None"))], validate_choice=False)
    reply = TextAreaField(_l("Answer to the sender"), filters=[tidy], validators=[AtMost(MAX_ANSWER)])
    finding = SelectField(
        _l("What was found"),
        choices=[("", _l("Not decided yet")), *FINDINGS.items()],
        validators=[OneOf(("", None, *FINDINGS), _l("Choose what was found"))],
        validate_choice=False,
    )
    ground = SelectField(_l("Ground"), choices=[("", _l("Please choose"))], validate_choice=False)
    elsewhere = StringField(_l("Where to go instead"), filters=[one_line], validators=[AtMost(200)])
    reviewer = SelectField(_l("Second person"), choices=[("", _l("Please choose"))], validate_choice=False)

    def validate_ground(self, checked: AnyField) -> None:
        """A ground is one of those that fit this case."""
        if checked.data and checked.data not in {choice[0] for choice in checked.choices}:
            raise ValidationError(_("Choose on what ground it is not accepted"))


class RefusalForm(ReplyForm):
    """The same, in the words of a refusal."""

    reply = TextAreaField(_l("Reason in your own words"), filters=[tidy], validators=[AtMost(MAX_REASON)])


class ReviewForm(StepForm):
    """What the second person says to a draft."""

    comment = TextAreaField(_l("What has to change"), filters=[tidy], validators=[AtMost(MAX_NOTE)])
    verdict = StringField(validators=[OneOf(("approve", "return"), _l("Approve the draft or send it back"))])


class TemplateForm(FlaskForm):
    """A template; the choices of organs are filled in by the view."""

    purpose = SelectField(
        _l("Used for"),
        choices=list(PURPOSE_LABELS.items()),
        validators=[OneOf(tuple(ReplyPurpose), _l("Choose what it is used for"))],
        validate_choice=False,
    )
    name = StringField(
        lazy_pgettext("thing", "Name"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter a name")), AtMost(rules.MAX_TEMPLATE_NAME)],
    )
    kind = SelectField(
        _l("Kind"),
        choices=[("", _l("Every kind")), *KINDS.items()],
        validators=[OneOf(("", *KINDS), _l("Choose a kind"))],
        validate_choice=False,
    )
    category = SelectField(
        _l("Category"),
        choices=[("", _l("Every category")), *CATEGORIES.items()],
        validators=[OneOf(("", *CATEGORIES), _l("Choose a category"))],
        validate_choice=False,
    )
    organ = SelectField(_l("Organ"), choices=[("", _l("Every organ"))], validate_choice=False)
    body = TextAreaField(
        _l("Text"), filters=[tidy], validators=[DataRequired(_l("Write the template")), AtMost(rules.MAX_BODY)]
    )
    active = BooleanField(_l("In use"), default=True)

    def validate_organ(self, checked: AnyField) -> None:
        """The organ must be there."""
        if checked.data not in {choice[0] for choice in checked.choices}:
            raise ValidationError(_("Choose an organ"))

    def validate_body(self, checked: AnyField) -> None:
        """Every placeholder must be one that is filled."""
        unknown = rules.find_unknown(checked.data or "")
        if unknown:
            names = pgettext("list", ", ").join(f"{{{name}}}" for name in unknown)
            raise ValidationError(_("Nothing fills %(names)s", names=names))


def read_template(form: TemplateForm) -> dict[str, Any]:
    """Return what was typed in a valid form, as the content of a template."""
    return {
        "purpose": ReplyPurpose(form.purpose.data),
        "name": form.name.data,
        "kind": form.kind.data or "",
        "category": form.category.data or "",
        "organ_id": int(form.organ.data) if form.organ.data else None,
        "body": form.body.data,
        "active": form.active.data,
    }
