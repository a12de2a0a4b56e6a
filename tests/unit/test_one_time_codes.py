"""One-time codes are those that every authenticator computes, and each opens once."""

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.second_factors import rules

# RFC 6238, appendix B, the rows of SHA-1; six digits are the last of its eight.
SECRET = b"12345678901234567890"
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_known_answers(seconds: int, code: str) -> None:
    assert rules.code_at(SECRET, rules.step_at(at(seconds))) == code


@pytest.mark.parametrize(("drift", "opens"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_phone_may_be_half_a_minute_off(drift: int, opens: bool) -> None:
    code = rules.code_at(SECRET, rules.step_at(at(1234567890 + drift)))
    assert (rules.find_step(SECRET, code, at(1234567890), after=0) is not None) is opens


def test_a_used_step_and_all_before_it_open_nothing() -> None:
    now, present = at(1234567890), rules.step_at(at(1234567890))
    codes = {step: rules.code_at(SECRET, step) for step in (present - 1, present, present + 1)}
    found = {step: rules.find_step(SECRET, code, now, after=present) for step, code in codes.items()}
    assert found == {present - 1: None, present: None, present + 1: present + 1}


@pytest.mark.parametrize("typed", ["", "00592", "0059244", "005924\u00e4", "\u00b2\u00b2", "a" * 5000])
def test_nonsense_is_no_code(typed: str) -> None:
    assert rules.find_step(SECRET, typed, at(1234567890), after=0) is None


def test_codes_are_read_however_they_are_typed() -> None:
    assert rules.read_code(" 005 924 ") == rules.read_code("\uff10\uff10\uff15\uff19\uff12\uff14") == "005924"
    assert rules.read_recovery("k7mq-2xdt 9h4w") == "K7MQ2XDT9H4W"


def test_what_the_picture_holds() -> None:
    parts = urlsplit(rules.address_of(SECRET, issuer="孟州市", account="a+b@example.test"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    values = parse_qs(parts.query)
    assert base64.b32decode(values["secret"][0]) == SECRET
    assert values["issuer"] == ["孟州市"]
    assert "%" in parts.path and " " not in parts.geturl()
    assert rules.group(rules.spell(SECRET)) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
