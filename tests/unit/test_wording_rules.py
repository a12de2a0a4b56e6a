"""Bodies are read, judged and filled; templates are written as each provider's console wants them."""

from datetime import date

import pytest

from portal.i18n import LOCALES
from portal.messages.rules import count_segments
from portal.wordings import rules
from portal.wordings.rules import TEXTS, Fault, find_faults, find_template_faults, fits, read_body, sms_day, write

SIGNATURE = "【孟州执法】"
SOON = TEXTS["permit_soon"]
BODY = "您的{permit}还有{days}天，{day}截止。\n? 咨询{hotline}，\n已办回1，回电回2，退订回T"


def test_every_variable_has_a_sample_in_every_language() -> None:
    for text in TEXTS.values():
        assert set(text.required) <= text.known()
        for locale in LOCALES:
            for long in (False, True):
                values = rules.samples(text, locale, hotline="0391-0000000", link="p.example/r/K7M2Q9XD4TAB", long=long)
                assert set(values) == text.known()
                assert all(values.values()), (text.name, locale, values)


@pytest.mark.parametrize(("locale", "text"), [("zh_Hans", "一二"), ("en", "一 二")])
def test_lines_are_joined_as_the_language_joins_sentences(locale: str, text: str) -> None:
    assert write(read_body(" 一 \n\n? 二", locale), {}, "") == (text, 1)


@pytest.mark.parametrize("mark", ["? ", "？"])
def test_optional_lines_go_where_they_would_cost_a_second_segment(mark: str) -> None:
    body = read_body(f"{{words}}\n{mark}可省\n必留", "zh_Hans")
    assert write(body, {"words": "字" * 60}, SIGNATURE) == (SIGNATURE + "字" * 60 + "可省必留", 1)
    assert write(body, {"words": "字" * 61}, SIGNATURE) == (SIGNATURE + "字" * 61 + "必留", 1)
    assert write(body, {"words": "字" * 90}, SIGNATURE) == (SIGNATURE + "字" * 90 + "必留", 2)


def test_a_variable_without_value_is_never_sent_empty() -> None:
    with pytest.raises(KeyError):
        write(read_body("您的{permit}", "zh_Hans"), {}, SIGNATURE)


def test_values_are_never_read_as_variables() -> None:
    assert write(read_body("{permit}", "en"), {"permit": "{day}", "day": "x"}, "")[0] == "{day}"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("您的{permit}", "您的许可", (Fault.MISSING, "permit")),
        ("{day}截止", "截止", (Fault.MISSING, "day")),
        ("您的{permit}", "? 您的{permit}", (Fault.MISSING, "permit")),
        ("退订回T", "谢谢", (Fault.WORD, "T")),
        ("已办回1，回电回2", "? 已办回1，回电回2", (Fault.WORD, "2")),
        ("还有", "{shop}还有", (Fault.UNKNOWN, "shop")),
        ("还有", "{permit.__class__}还有", (Fault.UNKNOWN, "{")),
        ("还有", "还有}", (Fault.UNKNOWN, "}")),
        ("还有", "｛days｝还有", (Fault.UNKNOWN, "｛")),
        ("您的", "【孟州】您的", (Fault.FORBIDDEN, "【")),
        ("您的", "¥您的", (Fault.FORBIDDEN, "¥")),
        ("您的", "★您的", (Fault.FORBIDDEN, "★")),
        ("您的", "\U0001f600您的", (Fault.FORBIDDEN, "\U0001f600")),
        ("您的", "字" * 500, (Fault.LONG, "500")),
    ],
)
def test_a_city_is_told_what_is_wrong_with_its_body(old: str, new: str, fault: tuple[Fault, str]) -> None:
    assert find_faults(SOON, BODY, "zh_Hans") == []
    assert fault in find_faults(SOON, BODY.replace(old, new), "zh_Hans")


@pytest.mark.parametrize("body", ["", " \n ", "? 只有可省的一行", "{permit}"])
def test_a_body_needs_words_of_its_own(body: str) -> None:
    assert find_faults(SOON, body, "zh_Hans") == [(Fault.EMPTY, "")]


def test_rare_characters_are_no_emoji() -> None:
    assert find_faults(SOON, BODY.replace("您的", "𠮷㎡℃您的"), "zh_Hans") == []


def test_templates_hold_neither_link_nor_our_own_number_as_variable() -> None:
    assert find_template_faults(TEXTS["revisit"], "请评价{day}的执法，或点{link}") == [(Fault.LINK, "link")]
    assert find_template_faults(SOON, "您的{permit}，咨询{hotline}") == [(Fault.PHONE, "hotline")]
    assert find_template_faults(SOON, "您的{permit}，咨询0391-0000000") == []
    assert find_template_faults(SOON, "{permit}{day}") == [(Fault.EMPTY, "")]


def suggest(name: str, body: str) -> str:
    return rules.suggest_template(TEXTS[name], body, "zh_Hans", signature=SIGNATURE, hotline="0391-0000000")


def test_what_to_hand_in_is_one_line_without_links_and_with_our_number_written_out() -> None:
    assert (
        suggest("permit_soon", BODY)
        == "您的{permit}还有{days}天，{day}截止。咨询0391-0000000，已办回1，回电回2，退订回T"
    )
    long = BODY.replace("截止。", "截止。" + "字" * 30)
    assert "咨询" not in suggest("permit_soon", long)
    assert suggest("revisit", "请评价{day}的执法：回5到1\n，或点{link}") == "请评价{day}的执法：回5到1"
    assert find_template_faults(SOON, suggest("permit_soon", BODY)) == []


def test_each_console_has_its_own_way_to_write_variables() -> None:
    body = "{day}：{permit}到{day}截止"
    assert rules.console_body("tencent", body) == "{1}：{2}到{1}截止"
    assert rules.console_body("aliyun", body) == "${day}：${permit}到${day}截止"


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("您的食品许可还有7天(约)。食品许可", True),
        ("您的食品许可还有7天(约)。卫生许可", False),
        ("您的还有7天(约)。", False),
        ("您的食品经营许可证还有7天(约)。食品经营许可证", False),
        ("您的食品许可还有7天（约）。食品许可", False),
        ("您的食品\n许可还有7天(约)。食品\n许可", False),
        ("前您的食品许可还有7天(约)。食品许可", False),
        ("您的食品许可还有7天(约)。食品许可后", False),
    ],
)
def test_a_text_fits_an_approved_body_when_only_variables_differ(text: str, fitting: bool) -> None:
    assert fits("您的{permit}还有{days}天(约)。{permit}", text, longest=6) is fitting


@pytest.mark.parametrize(
    ("text", "counted"),
    [("Stop", (4, 160)), ("a" * 159 + "€", (161, 160)), ("【", (1, 70)), ("字" * 69 + "𠮷", (71, 70))],
)
def test_characters_are_counted_as_segments_count_them(text: str, counted: tuple[int, int]) -> None:
    assert rules.measure(text) == counted
    assert (count_segments(text) > 1) == (counted[0] > counted[1])


def test_days_are_written_briefly() -> None:
    assert sms_day(date(2026, 12, 5), "zh_Hans") == "12月5日"
    assert sms_day(date(2026, 12, 5), "en") == "5 Dec"


def test_what_is_approved_is_never_a_draft_again() -> None:
    assert [rules.may_replace("approved", status) for status in ("draft", "submitted", "approved", "refused")] == [
        False, False, True, True,
    ]  # fmt: skip
    assert rules.may_replace("refused", "draft")
