"""Who is named in a text is found by full name or card number, however it is typed."""

import pytest

from portal.complaint_named.rules import Person, find_named

WANG = Person(1, None, "王平安", "16080001234")
SHORT = Person(None, 2, "欧阳虚构", "0042")


@pytest.mark.parametrize(
    "text",
    [
        "王平安收了钱",
        "王 平 安收了钱",
        "王\u200b平\u3000安收了钱",
        "王·平·安",
        "证号16080001234的人",
        "证号 1608-0001 234",
        "１６０８０００１２３４",
        "电话13800138000 16080001234",
    ],
)
def test_who_is_named_is_found(text: str) -> None:
    assert find_named(text, [WANG, SHORT]) == [WANG]


@pytest.mark.parametrize("text", ["", "王平收了钱", "平安保险的王某", "1608000123", "10 0042 5号楼的1004225"])
def test_nobody_else_is(text: str) -> None:
    assert find_named(text, [WANG]) == []


@pytest.mark.parametrize(
    ("text", "found"), [("证号0042", True), ("证号 00 42。", True), ("100425", False), ("A0042", False)]
)
def test_a_short_number_stands_alone(text: str, found: bool) -> None:
    assert bool(find_named(text, [SHORT])) is found


@pytest.mark.parametrize("name", ["", "王", "A", "Li Wei"])
def test_what_is_no_full_chinese_name_is_not_looked_for(name: str) -> None:
    assert find_named("王 A Li Wei", [Person(1, None, name, "")]) == []
