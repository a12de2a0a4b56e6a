"""The five pages on which a complaint is filed."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, MultipleFileField, RadioField, SelectField, StringField, TextAreaField
from wtforms import Field as AnyField
from wtforms.validators import DataRequired, ValidationError

from portal.complaints import rules
from portal.complaints.forms import CATEGORIES, KINDS
from portal.complaints.models import ComplaintKind
from portal.complaints.service import Filing
from portal.contacts.rules import BadPhone, PhoneProblem, normalise_phone
from portal.drafts import Draft
from portal.fields import AtMost, OneOf, PlainForm, one_line, tidy
from portal.i18n import current, day

UNKNOWN_ORGAN = "0"
# Words under which the law and its procedures say something about each category.
SUBJECTS: Mapping[str, str] = json.loads((Path(__file__).parent / "data" / "subjects.json").read_text(encoding="utf-8"))
PHONE_PROBLEMS = {
    PhoneProblem.LANDLINE: _l("This is a landline. Enter an 11-digit mobile number."),
    PhoneProblem.FOREIGN: _l("Texts only reach mainland numbers. Enter an 11-digit mobile number."),
}


class WhatForm(PlainForm):
    """Page 1: what it is."""

    kind = RadioField(
        _l("What do you want to do?"),
        choices=list(KINDS.items()),
        validators=[OneOf(tuple(KINDS), _l("Choose what you want to do"))],
        validate_choice=False,
    )
    category = SelectField(
        _l("What is it about?"),
        choices=[("", _l("Please choose")), *CATEGORIES.items()],
        validators=[OneOf(("", *CATEGORIES), _l("Choose what it is about"))],
        validate_choice=False,
    )

    def validate_category(self, checked: AnyField) -> None:
        """A complaint needs a category; the other kinds may leave it."""
        if self.kind.data == "conduct" and not checked.data:
            raise ValidationError(_("Choose what it is about"))


class WhoForm(PlainForm):
    """Page 2: about whom; the choices are filled in by the view."""

    look = StringField(
        _l("Look for an organ or an officer"), filters=[one_line], validators=[AtMost(rules.MAX_OFFICER)]
    )
    organ = SelectField(_l("Organ"), validators=[DataRequired(_l("Choose an organ, or “I do not know”"))])
    officer = StringField(
        _l("Officer's name or card number"), filters=[one_line], validators=[AtMost(rules.MAX_OFFICER)]
    )

    def validate_organ(self, checked: AnyField) -> None:
        """The choice must still be there."""
        if checked.data not in {value for value, _label in checked.choices}:
            raise ValidationError(_("Choose an organ, or “I do not know”"))


class HappenedForm(PlainForm):
    """Page 3: what happened; a day is three numbers, or nothing."""

    facts = TextAreaField(
        _l("What happened?"),
        filters=[tidy],
        validators=[DataRequired(_l("Write what happened")), AtMost(rules.MAX_FACTS)],
    )
    year = StringField(_l("Year"), filters=[one_line])
    month = StringField(_l("Month"), filters=[one_line])
    day = StringField(_l("Day"), filters=[one_line])
    street = SelectField(_l("In which street or township?"), validate_choice=False)
    place = StringField(_l("Where was it?"), filters=[one_line], validators=[AtMost(rules.MAX_PLACE)])
    wants = TextAreaField(_l("What do you ask for?"), filters=[tidy], validators=[AtMost(rules.MAX_WANTS)])
    files = MultipleFileField(_l("Photos or documents"))

    latest: date | None = None
    happened_on: date | None = None

    def validate_street(self, checked: AnyField) -> None:
        """A street that is no longer in the list must be chosen anew."""
        if checked.data and checked.data not in {value for value, _label in checked.choices}:
            raise ValidationError(_("Choose a street or township from the list, or none"))

    def validate_year(self, _checked: AnyField) -> None:
        """The three numbers make a day that is not in the future."""
        parts = [unicodedata.normalize("NFKC", part.data or "") for part in (self.year, self.month, self.day)]
        if not any(parts):
            return
        try:
            self.happened_on = date(*(int(part) for part in parts if len(part) <= 4 and part.isdigit()))
        except (ValueError, TypeError) as problem:
            raise ValidationError(_("Enter a day as year, month and day, such as 2026 11 20")) from problem
        if self.happened_on.year < 1990 or (self.latest and self.happened_on > self.latest):
            raise ValidationError(_("The day cannot be in the future or before 1990"))


class ContactForm(PlainForm):
    """Page 4: how to reach the sender, or not at all."""

    how = RadioField(
        _l("Do you want to give your name?"),
        choices=[("named", _l("Yes, with name")), ("anonymous", _l("No, stay anonymous"))],
        validators=[OneOf(("named", "anonymous"), _l("Choose whether to give your name"))],
        validate_choice=False,
    )
    name = StringField(_l("Name"), filters=[one_line], validators=[AtMost(rules.MAX_NAME, needed=True)])
    phone = StringField(_l("Mobile number"), filters=[one_line])
    address = StringField(_l("Address"), filters=[one_line], validators=[AtMost(rules.MAX_PLACE)])
    sms_wanted = BooleanField(_l("Text me when something happens"))
    publish_consent = BooleanField(_l("The answer may be published, without my name"))

    phone_number: str = ""
    may_be_anonymous = True

    @property
    def anonymous(self) -> bool:
        return bool(self.how.data == "anonymous")

    def validate_how(self, checked: AnyField) -> None:
        """Some kinds of cases need somebody to answer to."""
        if checked.data == "anonymous" and not self.may_be_anonymous:
            raise ValidationError(_("This kind of case cannot be anonymous"))

    def validate_name(self, checked: AnyField) -> None:
        """Whoever does not stay anonymous has a name."""
        if self.how.data == "named" and not checked.data:
            raise ValidationError(_("Enter your name, or stay anonymous"))

    def validate_phone(self, checked: AnyField) -> None:
        """A number must be able to get texts; none is fine."""
        if self.how.data != "named" or not checked.data:
            return
        try:
            self.phone_number = normalise_phone(checked.data)
        except BadPhone as problem:
            words = PHONE_PROBLEMS.get(problem.problem, _l("Enter an 11-digit mobile number"))
            raise ValidationError(words) from problem


class CheckForm(PlainForm):
    """Page 5: nothing but a field that only machines fill in."""

    website = StringField(_l("Leave this empty"))

    def validate_website(self, checked: AnyField) -> None:
        """People do not see the field."""
        if checked.data:
            raise ValidationError(_("This looked like it was filled in by a machine. Please send it again."))


PAGES: tuple[type[PlainForm], ...] = (WhatForm, WhoForm, HappenedForm, ContactForm, CheckForm)
FIELDS: tuple[tuple[str, ...], ...] = (
    ("kind", "category"),
    ("look", "organ", "officer"),
    ("facts", "year", "month", "day", "street", "place", "wants"),
    ("how", "name", "phone", "address", "sms_wanted", "publish_consent"),
    ("website",),
)
TICKS = ("sms_wanted", "publish_consent")


@dataclass(frozen=True)
class Choices:
    """What the pages offer: organs by id, streets, the last day that may be named, and whether to stay anonymous."""

    organs: Sequence[tuple[str, str]]
    streets: Sequence[str]
    latest: date
    anonymous: bool


def fill_page(draft: Draft, page: int, choices: Choices) -> Any:
    """Return the form of a page, filled with what was answered."""
    answers = {name: draft.answers[name] for name in FIELDS[page - 1] if name in draft.answers}
    if page == 4 and not answers:
        # A number is given to be told; whoever does not want that unticks it and gives none.
        answers["sms_wanted"] = "y"
    form = PAGES[page - 1](MultiDict({name: text for name, text in answers.items() if text or name not in TICKS}))
    if isinstance(form, WhoForm):
        form.organ.choices = [("", _("Please choose")), (UNKNOWN_ORGAN, _("I do not know")), *choices.organs]
    if isinstance(form, HappenedForm):
        form.latest = choices.latest
        form.street.choices = [("", _("Please choose")), *((street, street) for street in choices.streets)]
    if isinstance(form, ContactForm):
        form.may_be_anonymous = choices.anonymous
        if not choices.anonymous:
            form.how.choices = [choice for choice in form.how.choices if choice[0] != "anonymous"]
    return form


def read_filing(draft: Draft, pages: Sequence[Any]) -> Filing:
    """Return what was answered on the four valid pages."""
    what, who, happened, contact = pages
    return Filing(
        key=draft.key,
        kind=ComplaintKind(what.kind.data),
        category=what.category.data or "other",
        organ_id=None if who.organ.data == UNKNOWN_ORGAN else int(who.organ.data),
        officer=name_officer(draft, who),
        facts=happened.facts.data,
        wants=happened.wants.data,
        happened_on=happened.happened_on,
        place=happened.place.data,
        street=happened.street.data or "",
        anonymous=contact.anonymous,
        sender_name=contact.name.data,
        sender_address=contact.address.data,
        phone=contact.phone_number,
        sms_wanted=contact.sms_wanted.data,
        publish_consent=contact.publish_consent.data,
        locale=current(),
        files=tuple(draft.files),
    )


def name_officer(draft: Draft, who: Any) -> str:
    """Return whom a complaint names: the officer who was found, with the card, and what was typed besides."""
    return " ".join(filter(None, [draft.answers.get("named", ""), draft.answers.get("card", ""), who.officer.data]))


def review_pages(draft: Draft, pages: Sequence[Any]) -> list[tuple[int, list[tuple[str, str]]]]:
    """Return what was answered, page by page, in words."""
    what, who, happened, contact = pages
    happened.validate()
    yes, no = _("Yes"), _("No")
    reach = [(_("Name"), _("Anonymous"))]
    if not contact.anonymous:
        told = yes if contact.phone.data and contact.sms_wanted.data else no
        reach = [(_("Name"), contact.name.data), (_("Mobile number"), contact.phone.data)]
        reach.append((_("Address"), contact.address.data))
        reach.append((_("Text me when something happens"), told))
    reach.append((_("The answer may be published, without my name"), yes if contact.publish_consent.data else no))
    facts = [
        (_("What happened?"), happened.facts.data),
        (_("On which day?"), day(happened.happened_on)),
        (_("Where was it?"), " ".join(filter(None, [happened.street.data, happened.place.data]))),
        (_("What do you ask for?"), happened.wants.data),
        (_("Photos or documents"), "\n".join(file.name for file in draft.files)),
    ]
    kind, category = KINDS.get(what.kind.data, ""), CATEGORIES.get(what.category.data, "")
    organ = dict(who.organ.choices).get(who.organ.data, "")
    return [
        (1, [(_("What do you want to do?"), str(kind)), (_("What is it about?"), str(category))]),
        (2, [(_("Organ"), str(organ)), (_("Officer's name or card number"), name_officer(draft, who))]),
        (3, facts),
        (4, reach),
    ]
