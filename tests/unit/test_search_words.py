"""Text is cut into words the same way on every database, and passages are marked safely."""

import pytest

from portal.search import rules
from portal.search.rules import Token


def test_chinese_becomes_pairs_and_the_last_character() -> None:
    assert rules.search_text("行政处罚") == "行政 政处 处罚 罚"


def test_words_and_numbers_stay_whole_in_lower_case() -> None:
    assert rules.search_text("Permit 91410883MA00 x1") == "permit 91410883ma00 x1"


@pytest.mark.parametrize("number", ["孟市监处罚〔2026〕12号", "孟市监处罚[2026]12号", "孟市监处罚（２０２６）１２号"])
def test_document_numbers_match_in_any_bracket_or_width(number: str) -> None:
    assert rules.search_text(number) == "孟市 市监 监处 处罚 罚 2026 12 号"


def test_query_asks_for_pairs_and_lone_characters_by_beginning() -> None:
    assert rules.query_tokens("罚款 12号") == [Token("罚款"), Token("12"), Token("号", prefix=True)]


@pytest.mark.parametrize("query", ["", " ", "罚", "x", "《》", '"*"'])
def test_fewer_than_two_characters_are_too_short(query: str) -> None:
    assert rules.too_short(query)


@pytest.mark.parametrize("query", ["罚款", "a1", "罚 款", "12"])
def test_two_characters_are_enough(query: str) -> None:
    assert not rules.too_short(query)


def test_query_syntax_cannot_break_out() -> None:
    tokens = rules.query_tokens("a\" OR b* NEAR(c) 'd' & !e | (f:*) \\ -g ^h")
    assert all(token.text.isalnum() for token in tokens)
    assert rules.fts5_query(rules.query_tokens('罚"款')) == '"罚"* "款"*'
    assert rules.tsquery(rules.query_tokens("罚款's")) == "'罚款' & 's'"


def test_endless_queries_are_cut() -> None:
    assert len(rules.query_tokens("罚款处理" * 1000)) <= rules.MAX_TOKENS


def test_passage_is_cut_around_the_first_hit() -> None:
    pieces = rules.marked("前" * 200 + "罚款一千元" + "后" * 200, "罚款")
    assert ("罚款", True) in pieces
    assert pieces[0] == ("…", False)
    assert pieces[-1][0].endswith("…")


def test_pairs_are_marked_when_the_whole_is_not_there() -> None:
    assert ("食品", True) in rules.marked("关于食品的规定", "食品经营")


def test_nothing_to_mark_gives_the_beginning() -> None:
    assert rules.marked("短文", "别的") == [("短文", False)]
