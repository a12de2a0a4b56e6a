"""Text is cut into words the same way on every database, and passages are marked safely."""

from datetime import date
from itertools import pairwise

import pytest

from portal.search import rules
from portal.search.models import EntryKind


def test_chinese_becomes_pairs() -> None:
    assert rules.search_text("行政处罚，行政") == "行政 政处 处罚"


def test_words_and_numbers_stay_whole_in_lower_case() -> None:
    assert rules.search_text("Permit 91410883MA00 x1") == "permit 91410883ma00 x1"


@pytest.mark.parametrize("number", ["孟市监处罚〔2026〕12号", "孟市监处罚[2026]12号", "孟市监处罚（２０２６）１２号"])
def test_document_numbers_match_in_any_bracket_or_width(number: str) -> None:
    assert rules.search_text(number) == "孟市 市监 监处 处罚 2026 12"


@pytest.mark.parametrize(
    "number",
    ["孟市监处罚〔2026〕12号", "孟市监处罚[2026] 12号", "孟市监处罚（２０２６）１２号", "孟市监处罚【2026】12号"],
)
def test_a_whole_document_number_has_one_mark_however_it_is_written(number: str) -> None:
    assert rules.number_mark(number) == "§n孟市监处罚202612号"
    assert rules.number_mark("孟市监处罚〔2026〕12号之一") != rules.number_mark(number)
    assert rules.number_mark("孟市监处罚") == ""


@pytest.mark.parametrize(
    ("query", "words"),
    [("罚款 12号", ["罚款", "12"]), ("张 三", ["张三"]), ("行 政处罚", ["政处", "处罚"]), ("砍树 树 a", ["砍树", "a"])],
)
def test_query_asks_for_pairs_but_not_for_one_character(query: str, words: list[str]) -> None:
    assert rules.query_words(query) == words


@pytest.mark.parametrize("query", ["", " ", "罚", "x", "《》", '"*"'])
def test_fewer_than_two_characters_are_too_short(query: str) -> None:
    assert rules.too_short(query)


@pytest.mark.parametrize("query", ["罚款", "a1", "罚 款", "12"])
def test_two_characters_are_enough(query: str) -> None:
    assert not rules.too_short(query)


def test_query_syntax_cannot_break_out() -> None:
    words = rules.query_words("aa\" OR bb* NEAR(cc) 'dd' & !e | (f:*) \\ -g ^h §kdecision ¶罚款")
    assert all(word.isalnum() for word in words)
    assert rules.fts5_query(rules.query_words('罚款"处罚')) == '"罚款" AND "处罚"'
    assert rules.tsquery(rules.query_words("罚款's")) == "'罚款' & 's'"


def test_queries_may_ask_for_any_of_several_and_for_others_not_to_be_there() -> None:
    assert rules.fts5_query([("a", "b"), "c"], [["d", "e"]]) == '(("a" OR "b") AND "c") NOT ("d" AND "e")'
    assert rules.tsquery([("a", "b"), "c"], [["d", "e"]]) == "(('a' | 'b') & 'c') & !('d' & 'e')"
    assert rules.fts5_query(["a"], [["d", "e"], ["f"]]) == '("a") NOT (("d" AND "e") OR ("f"))'
    assert rules.tsquery(["a"], [["d", "e"], ["f"]]) == "('a') & !(('d' & 'e') | ('f'))"


def test_no_text_holds_a_mark() -> None:
    assert rules.search_text("§kdecision ¶罚款 §o12 §m202611") == "kdecision 罚款 o12 m202611"


def test_ids_grow_with_the_day_and_are_everybodys_own() -> None:
    days = [date(1949, 10, 1), date(2026, 11, 22), date(2026, 11, 23), date.max]
    numbers = [rules.entry_id(kind, record, day) for day in days for kind in EntryKind for record in (1, 2, 2**31 - 1)]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 2**63
    for day, next_day in pairwise(days):
        assert rules.first_id(day) <= rules.entry_id(EntryKind.ORGAN, 2**31 - 1, day) < rules.first_id(next_day)
    assert [rules.day_of(rules.entry_id(EntryKind.ORGAN, 5, day)) for day in days] == days


@pytest.mark.parametrize(
    ("query", "less"),
    [
        ("食品 经营", ["食品", "经营"]),
        ("食品经营证", ["食品经营", "品经营证", "食品", "经营证", "营证"]),
        ("食品", []),
        ("a1", []),
    ],
)
def test_who_finds_nothing_may_ask_for_less(query: str, less: list[str]) -> None:
    assert rules.shorter(query) == less


def test_endless_queries_are_cut() -> None:
    assert len(rules.query_words("罚款处理" * 1000)) <= rules.MAX_WORDS


def test_passage_is_cut_around_the_first_hit() -> None:
    pieces = rules.marked("前" * 200 + "罚款一千元" + "后" * 200, "罚款")
    assert ("罚款", True) in pieces
    assert pieces[0] == ("…", False)
    assert pieces[-1][0].endswith("…")


def test_pairs_are_marked_when_the_whole_is_not_there() -> None:
    assert ("食品", True) in rules.marked("关于食品的规定", "食品经营")


def test_nothing_to_mark_gives_the_beginning() -> None:
    assert rules.marked("短文", "别的") == [("短文", False)]


def test_whole_titles_are_marked_without_being_cut() -> None:
    title = "关于" + "某" * 150 + "罚款的决定"
    pieces = rules.marked(title, "罚款", length=len(title))
    assert "".join(piece for piece, _hit in pieces) == title
    assert [piece for piece, hit in pieces if hit] == ["罚款"]
