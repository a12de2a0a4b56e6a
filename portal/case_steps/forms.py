"""The forms of the workbench; names differ from form to form, for all stand on one page."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field as AnyField
from wtforms import MultipleFileField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, ValidationError

from portal.complaints import rules
from portal.complaints.forms import CATEGORIES, KINDS, StepForm
from portal.fields import AtMost, OneOf, one_line, tidy
from portal.reply_drafts.forms import ReviewForm


class AssignForm(StepForm):
    """Who shall handle a complaint; the choices are filled in by the view."""

    handler = SelectField(
        _l("Handled by"), validators=[DataRequired(_l("Choose who handles this"))], coerce=int, validate_choice=False
    )


class MessageForm(StepForm):
    """Words, and files, for the sender."""

    message = TextAreaField(
        _l("Message"), filters=[tidy], validators=[DataRequired(_l("Write the message")), AtMost(rules.MAX_NOTE)]
    )
    message_files = MultipleFileField(_l("Files for the sender"))


class NoteForm(StepForm):
    """A note, and files, for colleagues."""

    note = TextAreaField(
        _l("Note"), filters=[tidy], validators=[DataRequired(_l("Write the note")), AtMost(rules.MAX_NOTE)]
    )
    note_files = MultipleFileField(_l("Files for staff only"))


class IdentityForm(StepForm):
    """Why somebody needs to know who sent a complaint."""

    why = StringField(
        _l("Why do you need to know who sent this?"),
        filters=[one_line],
        validators=[DataRequired(_l("Say why; it is recorded")), AtMost(200)],
    )


class RemoveFileForm(StepForm):
    """Why a file is removed."""

    removal = StringField(
        _l("Why is this file removed?"),
        filters=[one_line],
        validators=[DataRequired(_l("Say why; it is recorded")), AtMost(200)],
    )


class AskForm(StepForm):
    """What the sender is asked for."""

    ask = TextAreaField(
        _l("What do you need from the sender?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what you need; the sender will read it")), AtMost(rules.MAX_REASON)],
    )


class ExtendForm(StepForm):
    """Why a case needs more time."""

    extend_why = TextAreaField(
        _l("Why does it take longer?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write why it takes longer")), AtMost(rules.MAX_REASON)],
    )


class DecideExtensionForm(StepForm):
    """What an approver says to an extension."""

    extend_words = TextAreaField(
        _l("Your words"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write why; if you approve it, the sender will read it")),
            AtMost(rules.MAX_REASON),
        ],
    )
    verdict = StringField(validators=[OneOf(("grant", "decline"), _l("Approve or decline the extension"))])


class TransferForm(StepForm):
    """Where a case goes, and why; the choices are filled in by the view."""

    transfer_organ = SelectField(
        _l("Pass on to"), validators=[DataRequired(_l("Choose an organ"))], coerce=int, validate_choice=False
    )
    transfer_why = StringField(
        _l("Why does it belong there?"),
        filters=[one_line],
        validators=[DataRequired(_l("Say why it belongs there")), AtMost(rules.MAX_REASON)],
    )


class GiveBackForm(StepForm):
    """Why a case came by mistake."""

    return_why = StringField(
        _l("Why does it not belong here?"),
        filters=[one_line],
        validators=[DataRequired(_l("Say why it does not belong here")), AtMost(rules.MAX_REASON)],
    )


class JointForm(StepForm):
    """Which organs join in; the choices are filled in by the view."""

    joint_organs = SelectMultipleField(_l("Organs that join in"), coerce=int, validate_choice=False)


class SplitForm(StepForm):
    """The second matter in a letter; the choices are filled in by the view."""

    part_kind = SelectField(
        _l("What is the second matter?"),
        choices=[("", _l("Please choose")), *KINDS.items()],
        validators=[OneOf(tuple(KINDS), _l("Choose what it is"))],
        validate_choice=False,
    )
    part_category = SelectField(
        _l("What is it about?"),
        choices=[("", _l("Please choose")), *CATEGORIES.items()],
        validators=[OneOf(tuple(CATEGORIES), _l("Choose what it is about"))],
        validate_choice=False,
    )
    part_organ = SelectField(_l("Which organ is it about?"), choices=[("", _l("Not named"))], validate_choice=False)
    part_officer = StringField(
        _l("Officer's name or card number, if it names one"),
        filters=[one_line],
        validators=[AtMost(rules.MAX_OFFICER)],
    )
    part_facts = TextAreaField(
        _l("The sender's words about it"),
        filters=[tidy],
        validators=[DataRequired(_l("Copy the sender's words about it")), AtMost(rules.MAX_FACTS)],
    )
    part_files = SelectMultipleField(_l("Files that go along"), coerce=int, validate_choice=False)

    def validate_part_organ(self, checked: AnyField) -> None:
        """The organ must be there."""
        if checked.data and str(checked.data) not in {str(choice[0]) for choice in checked.choices}:
            raise ValidationError(_("Choose an organ"))


class MergeForm(StepForm):
    """Which case this one is a duplicate of."""

    lead = StringField(
        _l("Number of the case it is a duplicate of"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter the number, such as TS202611220001")), AtMost(rules.LONGEST_ENTRY)],
    )


FORMS: tuple[type[Any], ...] = (
    AssignForm,
    MessageForm,
    NoteForm,
    IdentityForm,
    RemoveFileForm,
    AskForm,
    ExtendForm,
    DecideExtensionForm,
    TransferForm,
    GiveBackForm,
    JointForm,
    SplitForm,
    MergeForm,
    ReviewForm,
)
