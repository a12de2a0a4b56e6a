"""The text of a law is read into articles without losing anything."""

import re
from datetime import date
from pathlib import Path

import pytest

from portal.bases import rules as addresses
from portal.law_texts import rules
from portal.law_texts.rules import BadText, Problem
from portal.settings import ROOT
from tests.factories.bases import LAW

# Real regulations lie beside the project where it is developed; the demonstration's own are always there.
FOLDERS = (ROOT / "portal" / "demo" / "data", ROOT.parent / "shared" / "data" / "laws")
LAWS = [path for folder in FOLDERS for path in sorted(folder.glob("*.md"))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("一", 1),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("九十九", 99),
        ("一百", 100),
        ("一百零三", 103),
        ("一百二十", 120),
        ("一千二百六十", 1260),
        ("37", 37),
        ("３７", 37),
        ("二〇", 20),
    ],
)
def test_numerals_are_read(text: str, value: int) -> None:
    assert rules.parse_number(text) == value


@pytest.mark.parametrize("text", ["", "甲", "第一"])
def test_what_is_no_numeral_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="numeral"):
        rules.parse_number(text)


def test_articles_have_numbers_headings_and_all_their_paragraphs() -> None:
    parsed = rules.parse(LAW.format(title="虚构市测试条例"))
    assert [(a.number, a.suffix) for a in parsed.articles] == [(1, 0), (2, 0), (3, 0), (3, 1), (4, 0)]
    assert parsed.articles[2].text == "违反本条例的，处一千元以下罚款：\n（一）不测试的；\n（二）乱测试的。"
    assert parsed.articles[2].chapter == "第二章 罚则"
    assert parsed.articles[3].label == "第三条之一"
    assert (parsed.version_on, parsed.effective_on) == (date(2020, 5, 1), date(2020, 6, 1))
    assert (parsed.issuer, parsed.level) == ("", "")


def test_later_of_file_name_and_text_dates_the_version() -> None:
    text = LAW.format(title="虚构市测试条例")
    assert rules.parse(text, file_name="测试(2021-08-25).md").version_on == date(2021, 8, 25)
    assert rules.parse(text, file_name="测试(2010-07-30).md").version_on == date(2020, 5, 1)
    assert rules.parse(text, file_name="测试(2021-13-45).md").version_on == date(2020, 5, 1)


def test_wrapped_line_that_begins_with_a_reference_is_no_article() -> None:
    parsed = rules.parse("# 甲条例\n\n第一条 依照本条例\n\n第九条规定处理，\n第一条 也算。\n\n第二条 完。")
    assert [a.number for a in parsed.articles] == [1, 2]
    assert parsed.articles[0].text == "依照本条例第九条规定处理，第一条 也算。"


def test_headings_may_stand_bare_and_broken_over_two_lines() -> None:
    parsed = rules.parse(
        "甲条例\n目 录\n第一章 总则\n第二章 罚则\n第一章 总则\n第一条 一。\n第二章 审议、\n表决\n第二条 二。"
    )
    assert [a.chapter for a in parsed.articles] == ["第一章 总则", "第二章 审议、表决"]


def test_annex_is_kept_apart_from_the_last_article() -> None:
    parsed = rules.parse("# 甲办法\n第一条 一。\n附件：\n第一条 不是条文\n表格")
    assert len(parsed.articles) == 1
    assert parsed.annex == "附件：\n第一条 不是条文\n表格"


def test_offices_own_encoding_is_read() -> None:
    assert rules.decode("第一条 测试".encode("gb18030")) == "第一条 测试"
    assert rules.decode(b"\xef\xbb\xbfabc") == "abc"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"PK\x03\x04\x00\x00", Problem.BINARY),
        ("第一条".encode("utf-16"), Problem.ENCODING),
        (b"\xff\xff\xff", Problem.ENCODING),
        (b"x" * (rules.MAX_BYTES + 1), Problem.TOO_LARGE),
    ],
)
def test_hostile_bytes_get_a_reason(raw: bytes, problem: Problem) -> None:
    with pytest.raises(BadText) as refused:
        rules.decode(raw)
    assert refused.value.problem is problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem.NO_TITLE),
        ("\n\n", Problem.NO_TITLE),
        ("长" * 300 + "\n第一条 一。", Problem.NO_TITLE),
        ("# 只有题目\n没有条文", Problem.NO_ARTICLES),
        ("# 太多\n" + "\n".join(f"第{n}条 文" for n in range(1, rules.MAX_ARTICLES + 2)), Problem.TOO_MANY),
    ],
)
def test_what_is_no_law_gets_a_reason(text: str, problem: Problem) -> None:
    with pytest.raises(BadText) as refused:
        rules.parse(text)
    assert refused.value.problem is problem


def squeezed(text: str) -> str:
    return re.sub(r"\s|#", "", text.replace("<!-- INFO END -->", ""))


@pytest.mark.parametrize("path", LAWS, ids=lambda path: path.stem)
def test_real_laws_are_read_whole(path: Path) -> None:
    source = rules.decode(path.read_bytes())
    parsed = rules.parse(source, file_name=path.name)
    assert [(a.number, a.suffix) for a in parsed.articles] == [(n + 1, 0) for n in range(len(parsed.articles))]
    # Put together again in the order of the text, everything must be there.
    parts, chapter, section = [parsed.title, parsed.note], "", ""
    for article in parsed.articles:
        if article.chapter != chapter:
            parts.append(article.chapter)
            section = ""
        if article.section != section:
            parts.append(article.section)
        chapter, section = article.chapter, article.section
        parts += [article.label, article.text]
    assert squeezed("".join([*parts, parsed.annex])) == squeezed(source)


def test_addresses_are_stable_and_can_be_read_back() -> None:
    slug = addresses.make_slug("河南省实施《中华人民共和国种子法》办法")
    assert slug == "河南省实施-中华人民共和国种子法-办法"
    assert addresses.path(slug, 3, 1).endswith("/articles/3-1")
    assert addresses.parse_article_key("3-1") == (3, 1)
    assert addresses.parse_article_key("３７") == (37, 0)
    assert addresses.parse_article_key("../etc") is None
