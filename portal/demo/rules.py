"""Inventing firms, people, numbers and texts, the same ones each time for the same seed. Pure."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from stdnum.cn import uscc

DATA = Path(__file__).parent / "data"
SEED = 105
FIRMS = 260
# How many days from now permits end, by and large.
ENDS = (-60, -20, 10, 40, 70, 100, 130, 160, 200, 260, 340, 430, 520, 640)
# The complaint whose query code the demonstration tells, so that one can look a case up at once.
SHOWN_COMPLAINT = 40
SHOWN_CODE = "K7MQ-2XDT-9H4W"
# No operator has been given numbers beginning 154, so that no demonstration ever rings a real phone.
PHONE = "154{:08d}"


@cache
def facts() -> dict[str, Any]:
    """Return the demonstration's vocabulary."""
    found: dict[str, Any] = json.loads((DATA / "demo.json").read_text(encoding="utf-8"))
    return found


@cache
def register() -> dict[str, Any]:
    """Return the demonstration's former organs, powers, transfers and words of recognition."""
    found: dict[str, Any] = json.loads((DATA / "register.json").read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Firm:
    """An invented firm."""

    name: str
    kind: str
    credit_code: str
    trade: dict[str, Any]
    phone: str
    contact_name: str
    street: str


def credit_code(number: int, *, sole_trader: bool = False) -> str:
    """Return a credit code of the impossible region 000000 with a valid check digit (GB 32100-2015)."""
    body = f"{92 if sole_trader else 91}000000{number:09d}"
    return body + str(uscc.calc_check_digit(body))


def phone(number: int) -> str:
    """Return the demonstration's phone with a running number."""
    return PHONE.format(number)


def person(random: Random) -> str:
    """Return the name of nobody."""
    return f"{random.choice(facts()['surnames'])}某某（虚构）"


def firms(count: int) -> list[Firm]:
    """Return invented firms; every fifth shares its phone with the one before."""
    random = Random(SEED)
    words = facts()
    found = []
    for number in range(1, count + 1):
        trade = words["trades"][number % len(words["trades"])]
        name = words["firm_names"][(number * 7) % len(words["firm_names"])]
        series = number // len(words["firm_names"]) + 1
        found.append(
            Firm(
                name=f"虚构{name}{'' if series == 1 else f'第{series}'}{trade['suffix']}",
                kind=trade["kind"],
                credit_code=credit_code(number, sole_trader=trade["kind"] == "sole_trader"),
                trade=trade,
                phone=phone(number - 1 if number % 5 == 0 else number),
                contact_name=person(random),
                street=random.choice(words["streets"]),
            )
        )
    return found


def code_of(organ: str) -> str:
    """Return the words in front of an organ's document numbers."""
    return str(next(entry["code"] for entry in facts()["organs"] if entry["slug"] == organ))


def organ_code(number: int) -> str:
    """Return the credit code of an invented organ (registered by 11, region 000000)."""
    body = f"11000000{number:09d}"
    return body + str(uscc.calc_check_digit(body))


def officer_name(number: int) -> str:
    """Return an officer's name as the public sees it."""
    surnames: str = facts()["surnames"]
    return f"{surnames[number % len(surnames)]}某某（虚构）"


def card_number(number: int) -> str:
    """Return an enforcement card's number in the national style of 2021: 11 digits, 16 for Henan."""
    return f"16{number:09d}"


def permit_rows(today: date) -> list[dict[str, str]]:
    """Return the permits as rows of the dual-publication columns; some ended two months ago, some last two years."""
    random = Random(SEED)
    organs = {entry["slug"]: entry["name"] for entry in facts()["organs"]}
    rows: list[dict[str, str]] = []
    for number, firm in enumerate(firms(FIRMS), start=1):
        for kind in firm.trade["types"] * (1 + number % 2):
            ends_on = today + timedelta(days=random.choice(ENDS) + random.randrange(30))
            rows.append(
                {
                    "行政相对人名称": firm.name,
                    "行政相对人类别": "个体工商户" if firm.kind == "sole_trader" else "法人及非法人组织",
                    "统一社会信用代码": firm.credit_code,
                    "许可编号": f"虚构许{len(rows) + 1:05d}号",
                    "许可类别": "普通",
                    "许可内容": f"{firm.trade['industry']}（虚构）",
                    "许可决定日期": (ends_on - timedelta(days=1826)).isoformat(),
                    "有效期自": (ends_on - timedelta(days=1825)).isoformat(),
                    "有效期至": ends_on.isoformat(),
                    "许可机关": organs[firm.trade["organ"]],
                    "许可证类型": kind,
                    "行业": firm.trade["industry"],
                    "所属街道": firm.street,
                    "联系人": firm.contact_name,
                    "联系电话": firm.phone,
                }
            )
    return rows


def sample_rows(today: date) -> list[dict[str, str]]:
    """Return a small spreadsheet to try the import with: good rows, and one row of each common mistake."""
    rows = [dict(row) for row in permit_rows(today)[:8]]
    for number, row in enumerate(rows, start=1):
        row["行政相对人名称"] = f"虚构新开第{number}食品店"
        row["行政相对人类别"] = "个体工商户"
        row["统一社会信用代码"] = credit_code(900_000 + number, sole_trader=True)
        row["许可编号"] = f"虚构新许{number:03d}号"
        row["许可机关"] = next(entry["name"] for entry in facts()["organs"] if entry["slug"] == "market")
        row["许可证类型"] = "食品经营许可证"
        row["有效期至"] = (today + timedelta(days=40 * number)).isoformat()
        row["联系电话"] = phone(8000 + number)
    rows[4]["统一社会信用代码"] = "92000000000000000X"
    rows[5]["有效期至"] = "2026年13月1日"
    rows[6]["许可证类型"] = "虚构许可证"
    rows[7]["联系电话"] = ""
    return rows
