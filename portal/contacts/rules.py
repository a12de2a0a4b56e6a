"""What a mobile number is, and how one is shown."""

import re
import unicodedata
from enum import StrEnum

MOBILE = re.compile(r"1[3-9]\d{9}")


class PhoneProblem(StrEnum):
    """Why a number cannot get a text."""

    MISSING = "missing"
    MANGLED = "mangled"
    LANDLINE = "landline"
    FOREIGN = "foreign"
    NOT_MOBILE = "not_mobile"


class BadPhone(ValueError):
    """A number that cannot get a text; `problem` says why."""

    def __init__(self, problem: PhoneProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def normalise_phone(raw: str) -> str:
    """Return a mainland mobile number in E.164 (+8613800138000).

    Accepts full-width digits, spaces, hyphens, brackets, +86/0086/86 in front, and the `.0` that spreadsheets add.
    Raises BadPhone with the reason otherwise. Numbering: mainland mobile numbers are 11 digits from 13 to 19.
    """
    text = unicodedata.normalize("NFKC", raw or "").strip().lstrip("'")
    if not text:
        raise BadPhone(PhoneProblem.MISSING)
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text):
        raise BadPhone(PhoneProblem.MANGLED)
    text = re.sub(r"\.0+$", "", text)
    text = re.sub(r"[\s\-‐-―()]", "", text)
    foreign = re.match(r"(?:\+|00)(?!86)\d", text)
    digits = re.sub(r"^(?:\+|00)?86(?=1\d{10}$)", "", text)
    if MOBILE.fullmatch(digits):
        return f"+86{digits}"
    if foreign:
        raise BadPhone(PhoneProblem.FOREIGN)
    if re.fullmatch(r"0\d{9,11}|\d{7,8}", digits):
        raise BadPhone(PhoneProblem.LANDLINE)
    raise BadPhone(PhoneProblem.NOT_MOBILE)


def mask_phone(phone: str) -> str:
    """Return a number as lists show it: 138****0001."""
    digits = phone.removeprefix("+86")
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 7 else "****"
