"""What of a case may be published, and what must never stand in it. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from portal.masking.rules import same_passage
from portal.masking_sheets.rules import is_passage, stands_in

MAX_TITLE = 100
MAX_QUESTION = 3000
MAX_ANSWER = 4000
COLUMNS = ("title", "question", "answer")

# Only what has its answer; one that is dealt with again has none at present.
PUBLISHABLE_STATES = frozenset({"answered", "closed"})
# A number of ours, however it is spaced: whoever knows one could ask staff about the case.
CASE_NUMBER = re.compile(r"[T\uff34]\s?[S\uff33][\s\-]?\d[\d\s\-]{10,16}\d", re.IGNORECASE)


def may_publish(*, consent: bool, publishable: bool, state: str, answered: bool) -> bool:
    """Whether a case may be published: its sender agrees, its kind allows it, and it has an answer.

    Consent: personal information protection law, article 13 (1) 1 and article 25.
    """
    return consent and publishable and answered and state in PUBLISHABLE_STATES


def find_forbidden(texts: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """Return the columns in which a secret stands, or a case number: nobody can decide that it stays."""
    known = [secret for secret in secrets if is_passage(secret)]
    return [
        name
        for name, text in texts.items()
        if CASE_NUMBER.search(same_passage(text)) or any(stands_in(secret, [text]) for secret in known)
    ]


def find_numbers(texts: Iterable[str]) -> list[str]:
    """Return the case numbers in some texts as they stand there."""
    return list(dict.fromkeys(hit[0] for text in texts for hit in CASE_NUMBER.finditer(text)))


def first_of_month(day: date) -> date:
    """Return the first day of a day's month: a published case tells no more of when it was."""
    return day.replace(day=1)


def shorten(text: str, length: int) -> str:
    """Return the beginning of a text, for a field that holds no more."""
    return text if len(text) <= length else text[: length - 1] + "…"


def join_question(facts: str, wants: str, limit: int = MAX_QUESTION) -> str:
    """Return what a sender told and asked for as one text."""
    parts: Sequence[str] = [part for part in (facts.strip(), wants.strip()) if part]
    return shorten("\n\n".join(parts), limit)
