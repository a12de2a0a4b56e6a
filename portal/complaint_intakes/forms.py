"""The one page on which staff write down what came by telephone, on paper or at the window."""

from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectField, StringField
from wtforms import Field as AnyField
from wtforms.validators import DataRequired, ValidationError

from portal.case_types.models import CaseType
from portal.complaint_filing.forms import UNKNOWN_ORGAN, ContactForm, HappenedForm, WhatForm, WhoForm
from portal.complaints.forms import KINDS
from portal.complaints.models import Channel, ComplaintKind
from portal.complaints.rules import MAX_NAME
from portal.complaints.service import Filing
from portal.fields import AtMost, OneOf, one_line
from portal.uploads import Staged

CHANNELS = {"phone": _l("By telephone"), "paper": _l("On paper"), "window": _l("At the window")}
EARLIEST = timedelta(days=366)


class IntakeForm(WhatForm, WhoForm, HappenedForm, ContactForm):
    """What senders fill in themselves, and how and when it came; the choices are filled in by the view."""

    key = HiddenField()
    channel = RadioField(
        _l("How did it come?"),
        choices=list(CHANNELS.items()),
        validators=[OneOf(tuple(CHANNELS), _l("Choose how it came"))],
        validate_choice=False,
    )
    received_on = DateField(_l("Day on which it came"), validators=[DataRequired(_l("Enter the day on which it came"))])
    kind = SelectField(
        _l("What does the sender want?"),
        choices=[("", _l("Please choose")), *KINDS.items()],
        validators=[OneOf(tuple(KINDS), _l("Choose what the sender wants"))],
        validate_choice=False,
    )
    case_type = SelectField(_l("Kind of case"), choices=[("", _l("The usual one"))], validate_choice=False)
    how = RadioField(
        _l("Does the sender give a name?"),
        choices=[("named", _l("Yes, with name")), ("anonymous", _l("No, stays anonymous"))],
        validators=[OneOf(("named", "anonymous"), _l("Choose whether the sender gives a name"))],
        validate_choice=False,
    )
    name = StringField(_l("Sender's name"), filters=[one_line], validators=[AtMost(MAX_NAME, needed=True)])
    sms_wanted = BooleanField(_l("The sender wants texts"))
    publish_consent = BooleanField(_l("The sender agrees that the answer may be published, without the name"))
    consent = BooleanField(_l("I have told the sender what their name and number are kept for, and they agree"))
    code_told = BooleanField(_l("The sender wants the query code"), default=True)

    case_types: dict[str, CaseType] = {}  # noqa: RUF012 - set anew by the view for each form.

    def validate_received_on(self, checked: AnyField) -> None:
        """It came on a day that is not ahead and not long over."""
        latest: date = self.latest or date.max
        if checked.data > latest or checked.data < latest - EARLIEST:
            raise ValidationError(_("The day cannot be in the future or more than a year ago"))

    def validate_case_type(self, checked: AnyField) -> None:
        """The kind of case goes with what the sender wants, and may be anonymous if the sender is."""
        chosen = self.case_types.get(checked.data or self.kind.data)
        if self.kind.data not in KINDS:
            return
        if chosen is None or chosen.kind != self.kind.data:
            raise ValidationError(_("This kind of case does not go with what the sender wants"))
        self.may_be_anonymous = chosen.anonymous

    def validate_consent(self, checked: AnyField) -> None:
        """Nobody's name is kept whom nobody told what for."""
        if self.how.data == "named" and not checked.data:
            raise ValidationError(
                _("Tell the sender what their name and number are kept for, and note that they agree")
            )


def read_intake(form: IntakeForm, *, files: list[Staged], staff_id: int, locale: str) -> Filing:
    """Return what was typed into a valid form."""
    values: dict[str, Any] = {name: getattr(form, name).data or "" for name in ("facts", "wants", "place", "street")}
    return Filing(
        key=form.key.data or "",
        kind=ComplaintKind(form.kind.data),
        category=form.category.data or "other",
        case_type=form.case_type.data or "",
        organ_id=None if form.organ.data == UNKNOWN_ORGAN else int(form.organ.data),
        officer=form.officer.data or "",
        happened_on=form.happened_on,
        anonymous=form.anonymous,
        sender_name=form.name.data or "",
        sender_address=form.address.data or "",
        phone=form.phone_number,
        sms_wanted=form.sms_wanted.data,
        publish_consent=form.publish_consent.data,
        locale=locale,
        files=tuple(files),
        channel=Channel(form.channel.data),
        registered_by_id=staff_id,
        received_on=form.received_on.data,
        **values,
    )
