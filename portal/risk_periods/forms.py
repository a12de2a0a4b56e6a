"""The form of a period, and the words for the states of its batches."""

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, StopValidation, ValidationError

from portal.fields import AtMost, one_line, tidy
from portal.risk_periods import rules
from portal.risk_periods.models import BatchState
from portal.risk_periods.rules import Span

STATE_LABELS = {
    BatchState.PREPARED: _l("Prepared"),
    BatchState.SUBMITTED: _l("Waiting for approval"),
    BatchState.APPROVED: _l("Approved"),
    BatchState.PLANNED: _l("Handed to the outbox"),
    BatchState.REFUSED: _l("Sent back"),
    BatchState.EXPIRED: _l("Not sent"),
}
# What the year's page can show, and nobody means a day outside of it.
YEARS = (2000, 2100)
MAX_TABLE = 2000


def both_ends(form: Any, field: Any) -> None:
    """Refuse one end without the other; stands first, because `Optional` forgives what is empty."""
    if not field.data and (form.first_day.data or form.last_day.data):
        raise StopValidation(_("Enter both the first and the last day"))


def month_day(_form: FlaskForm, field: Any) -> None:
    """Refuse what is no day of any year."""
    if rules.read_month_day(field.data) is None:
        raise ValidationError(_("Write month and day like 05-15"))


def read_table(text: str) -> list[Span]:
    """Return the days of each year as they were typed, a line for each.

    Raises ValueError with the first line that is not two days of this century, the first before the second.
    """
    found: list[Span] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            first, last = map(date.fromisoformat, line.split())
        except ValueError:
            raise ValueError(line) from None
        span = Span(first, last)
        outside = not YEARS[0] <= first.year <= last.year <= YEARS[1]
        if (
            outside
            or last < first
            or (last - first).days > 365
            or any(span.starts_on == other.starts_on for other in found)
        ):
            raise ValueError(line)
        found.append(span)
    return sorted(found)


def write_table(spans: Any) -> str:
    """Return the days of each year as they are typed."""
    return "\n".join(f"{span.starts_on.isoformat()} {span.ends_on.isoformat()}" for span in spans)


class PeriodForm(FlaskForm):
    """What staff say of a period."""

    name = StringField(
        _l("Name of the period"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter a name")), AtMost(rules.MAX_NAME)],
    )
    name_en = StringField(_l("Name in English"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_NAME_EN)])
    basis = StringField(_l("Law and article"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_BASIS)])
    first_day = StringField(
        _l("First day of each year"), filters=[one_line], validators=[both_ends, Optional(), month_day]
    )
    last_day = StringField(
        _l("Last day of each year"), filters=[one_line], validators=[both_ends, Optional(), month_day]
    )
    table = TextAreaField(_l("Or the days of single years"), filters=[tidy], validators=[Optional(), AtMost(MAX_TABLE)])
    days_ahead = IntegerField(
        _l("Days ahead"),
        validators=[
            InputRequired(_l("Enter a number of days")),
            NumberRange(0, rules.MAX_DAYS_AHEAD, _l("Enter 0 to 60 days")),
        ],
    )
    trades = SelectMultipleField(_l("Trades"), validators=[Optional()])
    streets = SelectMultipleField(_l("Streets and towns"), validators=[Optional()])
    advice = StringField(_l("Advice"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_ADVICE)])
    advice_en = StringField(
        _l("Advice in English"), filters=[one_line], validators=[Optional(), AtMost(rules.MAX_ADVICE_EN)]
    )
    organ = SelectField(_l("Organ"), coerce=int, validators=[InputRequired()])

    def validate_table(self, field: Any) -> None:
        """Refuse lines that are no days, and days of every year beside days of single years."""
        try:
            read_table(field.data or "")
        except ValueError as problem:
            words = _("“%(line)s” is not a first and a last day, such as 2027-02-06 2027-02-20", line=problem)
            raise ValidationError(words) from problem
        if field.data and (self.first_day.data or self.last_day.data):
            raise ValidationError(_("Enter days of every year or of single years, not both"))
