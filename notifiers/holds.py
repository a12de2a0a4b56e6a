"""When a text may go out: quiet hours, days on which the city does not text, and how many a number gets in a day."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property

from notifiers.claims import Waiting, count_texts
from portal import clock
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.messages.outbox import PRIORITY_ANSWER
from portal.messages.rules import is_hold_day, is_quiet, seconds_until
from portal.settings import Settings

DAY = timedelta(days=1)
# Twilio's longest validity; and no text is given less time than a busy carrier needs.
VALID_AT_MOST, VALID_AT_LEAST = 36_000, 900
# No calendar holds texts for longer than that on end.
LONGEST_HOLD = 60


class Holds:
    """The city's rules for one run; the calendar is read once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def apply(self, now: datetime) -> bool:
        """Whether everything but the urgent waits."""
        local = clock.local(now)
        return is_quiet(local.time(), self.settings.sms_quiet_hours) or self._is_hold_day(local.date())

    def valid_for(self, message: Waiting, now: datetime) -> int | None:
        """Return for how many seconds a carrier may keep trying: no text shall ring at night, or after its day."""
        shortest = VALID_AT_MOST
        if self.settings.sms_quiet_hours is not None:
            shortest = min(shortest, seconds_until(clock.local(now).time(), self.settings.sms_quiet_hours[0]))
        if message.expires_at is not None:
            shortest = min(shortest, int((message.expires_at - now).total_seconds()))
        return None if shortest == VALID_AT_MOST else max(shortest, VALID_AT_LEAST)

    def keep_to_cap(self, messages: Sequence[Waiting], now: datetime) -> tuple[list[Waiting], list[Waiting]]:
        """Part messages into those that may go out today and those whose number has had enough for today.

        Answers and urgent ones count, but are never held, nor is what would be too late the next time.
        """
        cap = self.settings.sms_daily_cap
        if not cap:
            return list(messages), []
        numbers = {message.contact_id for message in messages if message.contact_id is not None}
        counts = count_texts(numbers, since=clock.start_of(clock.local(now).date()))
        later = self.next_sending(now)
        go: list[Waiting] = []
        held: list[Waiting] = []
        for message in messages:
            had = counts.get(message.contact_id or 0, 0)
            if had >= cap and _can_wait(message, later):
                held.append(message)
                continue
            counts[message.contact_id or 0] = had + 1
            go.append(message)
        return go, held

    def next_sending(self, now: datetime) -> datetime:
        """Return the first moment after today at which an ordinary text may go out."""
        day = clock.local(now).date() + DAY
        for _ in range(LONGEST_HOLD):
            if not self._is_hold_day(day):
                break
            day += DAY
        quiet = self.settings.sms_quiet_hours
        wait = seconds_until(time(), quiet[1]) if quiet and is_quiet(time(), quiet) else 0
        return clock.start_of(day) + timedelta(seconds=wait)

    def _is_hold_day(self, day: date) -> bool:
        return is_hold_day(self.settings.sms_hold_days, self._calendar, day)

    @cached_property
    def _calendar(self) -> WorkingCalendar:
        return get_calendar()


def _can_wait(message: Waiting, later: datetime) -> bool:
    too_late = message.expires_at is not None and message.expires_at <= later
    return not (message.urgent or message.priority <= PRIORITY_ANSWER or too_late)
