"""The form of a kind of case: its periods, the rule they rest on, and what becomes of its cases."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, NumberRange, StopValidation

from portal.case_types.models import AtEnd
from portal.case_types.rules import MAX_BASIS, MAX_NAME, MOST_DAYS, MOST_MONTHS, DayUnit
from portal.fields import AtMost, OneOf, RecordForm, one_line, tidy

UNITS = {DayUnit.WORKING.value: _l("Working days"), DayUnit.CALENDAR.value: _l("Days, days off included")}
ENDS = {AtEnd.ANONYMISE.value: _l("Take out who sent it, keep the rest"), AtEnd.DELETE.value: _l("Delete it")}


class Number(IntegerField):
    """A whole number between two others; anything else is refused in the reader's words."""

    def __init__(self, label: Any, least: int, most: int, **kwargs: Any) -> None:
        self.words = _l("Enter a whole number from %(least)d to %(most)d", least=least, most=most)
        within = NumberRange(least, most, message=self.words)
        super().__init__(label, validators=[within], **kwargs)
        self.flags.required = True

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        typed = (valuelist or [""])[0].strip()
        self.data = None
        if not (typed.isdecimal() and len(typed) < 6):
            raise ValueError(self.words)
        self.data = int(typed)

    def pre_validate(self, form: Any) -> None:
        """One fault is told once."""
        if self.process_errors:
            raise StopValidation


def choice(label: Any, words: dict[str, Any]) -> SelectField:
    """Return a field to choose one of some words."""
    return SelectField(
        label,
        choices=list(words.items()),
        validators=[OneOf(tuple(words), _l("Choose one of these"))],
        validate_choice=False,
    )


class CaseTypeForm(RecordForm):
    """What supervisors may set."""

    name = StringField(
        lazy_pgettext("thing", "Name"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter a name")), AtMost(MAX_NAME)],
    )
    name_en = StringField(_l("Name in English"), filters=[one_line], validators=[AtMost(MAX_NAME)])
    accept_within = Number(_l("Decide whether to accept it within"), 1, MOST_DAYS)
    accept_unit = choice(_l("Counted in"), UNITS)
    answer_within = Number(_l("Answer within, counted from the receipt"), 1, MOST_DAYS)
    answer_unit = choice(_l("Counted in"), UNITS)
    extend_by = Number(_l("One extension, of the same days"), 0, MOST_DAYS)
    pausable = BooleanField(_l("The period stops while the sender is asked for something"))
    basis = TextAreaField(
        _l("Rule that the periods rest on"),
        filters=[tidy],
        validators=[DataRequired(_l("Name the law and article, or the city's own setting")), AtMost(MAX_BASIS)],
    )
    basis_en = TextAreaField(_l("Rule in English"), filters=[tidy], validators=[AtMost(MAX_BASIS)])
    anonymous = BooleanField(_l("May be sent without a name"))
    publishable = BooleanField(_l("The answer may be published"))
    reopen_within = Number(_l("Days in which it may be reopened after the answer"), 0, MOST_DAYS)
    contact_within = Number(_l("Working days to contact who gave a bad grade"), 1, MOST_DAYS)
    rectify_within = Number(_l("Working days to put right what got a bad grade"), 1, MOST_DAYS)
    keep_months = Number(_l("Months that a closed case is kept"), 1, MOST_MONTHS)
    at_end = choice(_l("After that"), ENDS)
    active = BooleanField(_l("In use"))

    def settings(self) -> dict[str, Any]:
        """Return what was typed, by the names of the model."""
        said = {name: field.data for name, field in self._fields.items() if name not in ("csrf_token", "version")}
        units = {name: DayUnit(said[name]) for name in ("accept_unit", "answer_unit")}
        return said | units | {"at_end": AtEnd(said["at_end"])}
