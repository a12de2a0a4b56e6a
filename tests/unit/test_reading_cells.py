"""What people type into cells: days, headings, credit codes."""

from datetime import date

import pytest

from portal import cells
from portal.parties import rules
from tests.factories.spreadsheets import make_code


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05",
        "2026/1/5",
        "2026.1.5",
        "20260105",
        "2026年1月5日",
        "２０２６－１－５",
        " 2026-1-5 ",
        "46027",
        "46027.0",
    ],
)
def test_days(text: str) -> None:
    assert cells.read_day(text) == date(2026, 1, 5)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13-01", "2026-02-30", "05/01/2026", "123", "99999", "长期", "2026-1-5-1"]
)
def test_no_days(text: str) -> None:
    assert cells.read_day(text) is None


@pytest.mark.parametrize(
    "heading",
    [
        "统一社会信用代码",
        " 统一社会\n信用代码",
        "*统一社会信用代码*",
        "【统一社会信用代码】",
        "统一社会信用代码：",
        "统一 社会 信用代码",
    ],
)
def test_headings_fold_to_the_same(heading: str) -> None:
    assert cells.fold(heading) == "统一社会信用代码"


def test_codes_fold_without_width_case_and_lines() -> None:
    assert cells.fold("ｘｋ＿ＸＤＲ＿ＭＣ") == cells.fold("XK_XDR_MC") == cells.fold("xk-xdr mc")


def test_credit_codes_in_their_forms() -> None:
    code = make_code(7, "91")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    for written in (code, code.lower(), f" {code[:8]} {code[8:]}", wide, f"{code}\u200b".replace("\u200b", "")):
        assert rules.normalise_credit_code(written) == code
    assert rules.normalise_credit_code(make_code(7, "N2")) == make_code(7, "N2")


@pytest.mark.parametrize("position", range(18))
def test_one_wrong_character_is_noticed(position: int) -> None:
    code = make_code(7, "91")
    other = "2" if code[position] != "2" else "3"
    assert rules.normalise_credit_code(code[:position] + other + code[position + 1 :]) is None


@pytest.mark.parametrize("text", ["", "91", "110101199003078515", make_code(7)[:-1], make_code(7) + "0", "O" * 18])
def test_what_is_no_credit_code(text: str) -> None:
    assert rules.normalise_credit_code(text) is None


@pytest.mark.parametrize(
    ("code", "papers", "kind"),
    [(make_code(1, "92"), False, "sole_trader"), (make_code(1, "91"), False, "organisation"), (None, True, "person")],
)
def test_kind_is_guessed_from_the_code(code: str | None, papers: bool, kind: str) -> None:
    assert rules.guess_kind(code, has_person_id=papers) == kind
