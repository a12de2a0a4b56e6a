"""Finding what tells who somebody is: numbers, addresses, accounts, days of birth, illness, age.

Texts come in half-width forms. Where it is unclear whose a number is, it counts as a person's; what the authority says
of itself stays: the account fines are paid to, its phones, its officers' cards, credit codes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from portal.person_names.rules import everywhere

_WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "patterns.json").read_text(encoding="utf-8"))
ADULT = 18


class Finding(StrEnum):
    """What a mark hides, or (minor, minor_party, health) points out without hiding it."""

    IDENTITY_NUMBER = "identity_number"
    CERTIFICATE = "certificate"
    BANK_CARD = "bank_card"
    PHONE = "phone"
    PLATE = "plate"
    ONLINE = "online"
    BIRTHDAY = "birthday"
    ADDRESS = "address"
    SCHOOL = "school"
    NAME = "name"
    DISEASE = "disease"
    HEALTH = "health"
    MINOR = "minor"
    MINOR_PARTY = "minor_party"
    OTHER = "other"


@dataclass(frozen=True)
class Found:
    """A passage of a flattened text; without a kind it stays visible whatever else it looks like."""

    start: int
    end: int
    kind: Finding | None


GAP = r"[ \t\n\u3000\-\u2010-\u2015\u2212_.\u00b7\u2022/()]"
_RUN = re.compile(rf"\d(?:{GAP}{{0,3}}\d)*")
_GROUP = re.compile(r"\d+")
_SPELLED = re.compile(f"[{_WORDS['spelled_digits']}]{{7,}}")
_SPELLED_DIGITS = str.maketrans(_WORDS["spelled_digits"], "0001123456789123456789")
_CODE = re.compile(r"(?<![0-9A-Z])[0-9A-Z]{2}\d{6}[0-9A-Z]{10}(?![0-9A-Z])", re.IGNORECASE)
_CODE_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_VEHICLE_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VEHICLE_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))


@cache
def _is(name: str) -> re.Pattern[str]:
    return re.compile(_WORDS["patterns"][name], re.IGNORECASE)


def spelled_out(text: str) -> str:
    """Return a text with long numbers that are written in Chinese figures as digits, in the same length."""
    return _SPELLED.sub(lambda hit: hit[0].translate(_SPELLED_DIGITS), text)


def find_data(flat: str, *, party_is_person: bool) -> Iterator[Found]:
    """Yield all findings in a half-width text, those that win where two overlap first."""
    yield from _codes(flat)
    yield from _hits(flat, "email", Finding.ONLINE)
    yield from _hits(flat, "online", Finding.ONLINE)
    yield from _numbers(flat)
    yield from _labelled(flat)
    yield from _hits(flat, "plate", Finding.PLATE)
    yield from _hits(flat, "plate_label", Finding.PLATE)
    yield from _vehicles(flat)
    yield from _hits(flat, "school_class", Finding.SCHOOL)
    yield from _hits(flat, "birthday", Finding.BIRTHDAY)
    yield from _addresses(flat, party_is_person)


def find_words(flat: str, *, party_name: str, party_is_person: bool) -> Iterator[Found]:
    """Yield what tells of illness and of minors; of a punished person with a kind of its own."""
    yield from _hits(flat, "disease", Finding.DISEASE)
    yield from _hits(flat, "health", Finding.HEALTH)
    yield from _minors(flat, party_name if party_is_person else None)


def _hits(flat: str, name: str, kind: Finding) -> Iterator[Found]:
    # What names a number stays; the number itself goes.
    group = "value" if "value" in _is(name).groupindex else 0
    return (Found(*hit.span(group), kind) for hit in _is(name).finditer(flat))


def _codes(flat: str) -> Iterator[Found]:
    """Yield the credit codes: they stay, also those that are all digits."""
    return (Found(*hit.span(), None) for hit in _CODE.finditer(flat) if _is_code(flat, hit.start(), hit[0]))


def _is_code(flat: str, start: int, code: str) -> bool:
    labelled = _before("credit_label", flat, start)
    identity = code[:17].isdigit() and _birthday(code[6:14]) is not None
    if is_credit_code(code):
        return labelled or not identity or code[:2] in ("91", "92", "93")
    return not identity and (labelled or not code[:17].isdigit())


def find_credit_codes(flat: str) -> list[str]:
    """Return the credit codes in a half-width text: where a sender speaks of their own firm, they say who it is."""
    return [hit[0] for hit in _CODE.finditer(flat) if _is_code(flat, hit.start(), hit[0])]


def is_credit_code(code: str) -> bool:
    """Whether eighteen letters are a unified social credit code with a right check letter (GB 32100-2015)."""
    letters = code.upper()
    if len(letters) != 18 or any(letter not in _CODE_LETTERS for letter in letters):
        return False
    total = sum(_CODE_LETTERS.index(letter) * weight for letter, weight in zip(letters, _CODE_WEIGHTS, strict=False))
    return _CODE_LETTERS[-total % 31] == letters[17]


def _birthday(digits: str) -> date | None:
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
    return day if day.year >= 1880 and day.year < 2100 else None


def _before(name: str, flat: str, start: int, width: int = 40) -> bool:
    return bool(_is(name).search(flat, max(0, start - width), start))


def _windows(flat: str) -> Iterator[tuple[int, int, str]]:
    """Yield every number that groups of digits may make together, those with the fewest gaps first."""
    windows = []
    for run in _RUN.finditer(flat):
        groups = [(hit.start(), hit.end()) for hit in _GROUP.finditer(flat, run.start(), run.end())]
        for first, (start, _end) in enumerate(groups):
            digits = ""
            for last, (begin, end) in enumerate(groups[first : first + 20]):
                digits += flat[begin:end]
                if len(digits) > 19:
                    break
                if len(digits) > 6:
                    windows.append((last, start, end, digits))
    return ((start, end, digits) for _gaps, start, end, digits in sorted(windows))


def _numbers(flat: str) -> Iterator[Found]:
    """Yield identity numbers, phones and bank cards, and the numbers of the authority's own that look like them."""
    yield from _run_together(flat)
    windows = list(_windows(flat))
    for kind_of in (_identity, _phone, _account):
        for start, end, digits in windows:
            found = kind_of(flat, start, end, digits)
            if found:
                yield found


def _run_together(flat: str) -> Iterator[Found]:
    """Yield runs of digits too long for one number that hold an identity number or nothing but mobile phones."""
    for run in re.finditer(r"\d{20,}", flat):
        inside = any(_birthday(flat[at + 6 : at + 14]) for at in range(run.start(), run.end() - 16))
        if inside and not _before("registered_label", flat, run.start()):
            yield Found(*run.span(), Finding.IDENTITY_NUMBER)
        elif re.fullmatch(r"(?:1[3-9]\d{9})+", run[0]):
            yield Found(*run.span(), Finding.PHONE)


def _identity(flat: str, start: int, end: int, digits: str) -> Found | None:
    """Eighteen or seventeen digits and an X, or fifteen, with a day of birth inside; a wrong check digit is one too."""
    cross = re.compile(rf"{GAP}{{0,3}}[Xx*](?![0-9A-Za-z])").match(flat, end)
    long = len(digits) == 18 or (len(digits) == 17 and cross)
    if long and _birthday(digits[6:14]) and not _before("registered_label", flat, start):
        return Found(start, cross.end() if cross and len(digits) == 17 else end, Finding.IDENTITY_NUMBER)
    short = len(digits) == 15 and _birthday("19" + digits[6:12])
    if short and not _before("registered_label", flat, start):
        return Found(start, end, Finding.IDENTITY_NUMBER)
    return None


def _phone(flat: str, start: int, end: int, digits: str) -> Found | None:
    number = digits[4:] if digits.startswith("0086") else digits
    number = number[2:] if number.startswith("86") and len(number) > 11 else number
    if re.fullmatch(r"1[3-9]\d{9}", number):
        return Found(start, end, None if _is_card(flat, start, end) else Finding.PHONE)
    landline = re.fullmatch(r"0[1-9]\d{8,10}", number)
    local = re.fullmatch(r"[2-8]\d{6,7}|[48]00\d{7}", number) and _before("phone_label", flat, start)
    if not landline and not local:
        return None
    return Found(start, end, None if _is_of_organ(flat, start) else Finding.PHONE)


def _is_card(flat: str, start: int, end: int) -> bool:
    """Whether eleven digits are the number of an officer's card: they begin with 16 for the province."""
    officers = _before("officers", flat, start, 60) and flat[start:end].startswith("16") and end - start == 11
    return _before("card_label", flat, start) or officers


def _is_of_organ(flat: str, start: int) -> bool:
    """Whether a phone is the authority's: said so, or nothing but words such as address and phone lie between."""
    if _before("phone_of_organ", flat, start):
        return True
    before = flat[max(0, start - 80) : start]
    organs = list(_is("organ").finditer(before))
    if not organs:
        return False
    between = _is("phone_words").sub("", before[organs[-1].end() :])
    return not re.search(r"[\u3400-\u9fff0-9]", between)


def _account(flat: str, start: int, end: int, digits: str) -> Found | None:
    if not 16 <= len(digits) <= 19:
        return None
    groups = [len(hit[0]) for hit in _GROUP.finditer(flat, start, end)]
    even = (set(groups[:-1]) <= {4} and groups[-1] <= 4) or set(groups) == {1}
    if len(groups) > 1 and not even and not _before("bank_label", flat, start):
        return None
    stays = _before("registered_label", flat, start) or _before("card_label", flat, start) or _is_till(flat, start)
    return Found(start, end, None if stays else Finding.BANK_CARD)


def _is_till(flat: str, start: int) -> bool:
    """Whether an account is where fines are paid to: labelled so, and nobody else's by the last words before it."""
    if not _before("account_label", flat, start):
        return False
    before = flat[max(0, start - 150) : start]
    payments = [hit.end() for hit in _is("payment").finditer(before)]
    return bool(payments) and not _is("somebodys").search(before, payments[-1])


def _labelled(flat: str) -> Iterator[Found]:
    """Yield the numbers that are called a certificate's, and passports by their form."""
    for hit in _is("certificate").finditer(flat):
        number = re.compile(r"(?=[A-Z-]*\d)[A-Z0-9](?:[ -]?[A-Z0-9*]){4,300}", re.IGNORECASE).match(flat, hit.end())
        if number:
            yield Found(*number.span(), Finding.CERTIFICATE)
    yield from _hits(flat, "passport", Finding.CERTIFICATE)
    yield from _hits(flat, "archive", Finding.CERTIFICATE)


def _vehicles(flat: str) -> Iterator[Found]:
    """Yield the numbers that are called a vehicle's, and those of 17 letters whose check letter is right."""
    yield from _hits(flat, "vehicle_label", Finding.PLATE)
    for hit in _is("vehicle").finditer(flat):
        if is_vehicle_number(hit[0]):
            yield Found(*hit.span(), Finding.PLATE)


def is_vehicle_number(number: str) -> bool:
    """Whether 17 letters are a vehicle identification number with a right check letter, the ninth (GB 16735)."""
    values = [int(letter, 36) if letter.isdigit() else _VEHICLE_VALUES.get(letter, 0) for letter in number.upper()]
    check = sum(value * weight for value, weight in zip(values, _VEHICLE_WEIGHTS, strict=True)) % 11
    return "0123456789X"[check] == number[8].upper()


def _addresses(flat: str, party_is_person: bool) -> Iterator[Found]:
    """Yield what lies below the village or community in addresses of people; a firm's seat stays."""
    for label in _is("home_label").finditer(flat):
        value = _is("home_value").match(flat, label.end())
        if not value or _is("nothing").match(value[0]) or not (label["says"] or _is("unit").search(value[0])):
            continue
        business = _is("business_label").fullmatch(label["label"])
        home = bool(_is("home_word").fullmatch(label["label"]) or _is("dwelling").search(value[0]))
        seat = _is("organ_inside").search(value[0]) or _is_seat(flat, label.start(), party_is_person, home=home)
        if business and seat:
            yield Found(*value.span(), None)
        else:
            yield from _below(flat, *value.span())
    for hit in _is("dwelling").finditer(flat):
        if not _before("premises", flat, hit.start()):
            yield _below_unit(flat, *hit.span())
    for hit in _is("street").finditer(flat):
        if not _is_seat(flat, hit.start(), party_is_person):
            yield _below_unit(flat, *hit.span())


def _below(flat: str, start: int, end: int) -> Iterator[Found]:
    region = _is("region").match(flat, start, end)
    first = region.end() if region else start
    if re.search(r"[\u3400-\u9fff0-9A-Za-z]", flat[first:end]):
        yield Found(first, end, Finding.ADDRESS)


def _below_unit(flat: str, start: int, end: int) -> Found:
    first = max((hit.end() for hit in _is("unit").finditer(flat, start, end)), default=start)
    return Found(first if first < end else start, end, Finding.ADDRESS)


def _is_seat(flat: str, start: int, party_is_person: bool, *, home: bool = False) -> bool:
    """Whether an address is an organ's or a firm's, by who is spoken of last; `home`: it looks like one."""
    clause = _is("clause_end").split(flat[max(0, start - 80) : start])[-1]
    if _is("organ_end").search(clause) or _is("premises").search(clause):
        return True
    if party_is_person:
        return False
    firm, person = _last(clause, "organisation_word"), _last(clause, "person_word")
    if firm == person:  # Nobody in this sentence: it goes on about whom the one before was about.
        before = flat[max(0, start - 80) : start]
        firm, person = _last(before, "organisation_word"), _last(before, "person_word")
    return firm > person or (firm == person and not home)


def _last(text: str, name: str) -> int:
    return max((hit.start() for hit in _is(name).finditer(text)), default=-1)


def _minors(flat: str, punished: str | None) -> Iterator[Found]:
    """Yield words that tell of minors; `punished` is the name of the punished one where it is a person."""

    def kind(start: int) -> Finding:
        party = punished is not None and _speaks_of_party(flat, start, punished)
        return Finding.MINOR_PARTY if party else Finding.MINOR

    for hit in _is("age").finditer(flat):
        years = _years(hit["years"])
        if years is not None and years < ADULT and not hit["negated"]:
            yield Found(*hit.span("years"), kind(hit.start()))
    for hit in _is("minor").finditer(flat):
        yield Found(*hit.span(), kind(hit.start()))


def _speaks_of_party(flat: str, start: int, name: str) -> bool:
    clause = _is("clause_end").split(flat[max(0, start - 80) : start])[-1]
    named = [span.end for span in everywhere(clause, [name])]
    named += [hit.end() for hit in _is("punished").finditer(clause)]
    return bool(named) and not _is("somebody_else").search(clause, max(named))


def _years(words: str) -> int | None:
    """Return an age of at most two figures, written as a number or spelled."""
    if words.isdigit():
        return int(words)
    tens, ten, ones = words.partition(_WORDS["ten"])
    figures = (tens or "1" if ten else "") + (ones or "0" if ten else tens)
    plain = figures.translate(_SPELLED_DIGITS)
    return int(plain) if plain.isdigit() and len(plain) < 3 else None
