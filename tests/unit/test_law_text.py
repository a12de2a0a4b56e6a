"""The text of a law is read into articles without losing anything."""

import re
import time
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


WHOLE = """# 虚构市万象条例

（2019年3月1日虚构市第一届人民代表大会常务委员会第二次会议通过）

序言：为了万象更新，特立此条例。

目  录

第一章 总则

第二章 罚则……5

## 第一章 总则

第一条 为了测试，制定本条例：

1. 第一款的第一项；

（1）更里面的一层；

①最里面的一层。

第十条 跳号的一条，参照

第九条 的规定。

第十条之一 插入的一条。

第十条之二 又插入的一条。

第二章 罚则

第一节 一般规定

第十一条 处一千元以下罚款。

第三章 （删去）

第四章 附则

第十二条 本条例自2019年5月1日起施行。

附件：收费表

第一条 附件里的第一条"""


def test_nothing_of_an_odd_text_is_lost_and_every_oddity_is_told() -> None:
    parsed = rules.parse(WHOLE)
    keys = [(article.number, article.suffix) for article in parsed.articles]
    assert keys == [(1, 0), (10, 0), (10, 1), (10, 2), (11, 0), (12, 0)]
    assert parsed.articles[0].paragraphs[1:] == ["1. 第一款的第一项；", "（1）更里面的一层；", "①最里面的一层。"]
    assert parsed.articles[1].text.endswith("参照第九条 的规定。")
    assert "序言：为了万象更新，特立此条例。" in parsed.note
    assert "第二章 罚则……5" in parsed.note  # It is not what stands in the text, so it is kept.
    assert parsed.articles[4].paragraphs[-1] == "第三章 （删去）"
    assert parsed.annex.endswith("附件里的第一条")
    kept = squeezed(
        parsed.title + parsed.note + "".join(a.label + a.text + a.chapter + a.section for a in parsed.articles)
    )
    for line in WHOLE.split("附件")[0].replace("目  录", "").splitlines():
        assert squeezed(line) in kept, line
    assert {oddity for oddity, _words in parsed.oddities} == {
        rules.Oddity.GAP,
        rules.Oddity.INSERTED,
        rules.Oddity.STRAY_HEADING,
        rules.Oddity.ANNEX,
    }


def test_decision_that_amends_a_law_has_its_parts_for_articles() -> None:
    text = (
        "# 虚构市人民代表大会常务委员会关于修改《虚构市万象条例》的决定\n"
        "2020年1月1日虚构市第一届人民代表大会常务委员会第九次会议通过\n"
        "一、将第三条修改为：\n第三条 新的第三条。\n二、删去第九条。\n本决定自2020年2月1日起施行。"
    )
    parsed = rules.parse(text)
    assert [article.label for article in parsed.articles] == ["一、", "二、"]
    assert "第三条 新的第三条。" in parsed.articles[0].text
    assert parsed.effective_on == date(2020, 2, 1)
    oddities = dict(parsed.oddities)
    assert rules.Oddity.PARTS in oddities
    assert oddities[rules.Oddity.UNCOUNTED] == "第三条 新的第三条。"


@pytest.mark.parametrize(
    ("words", "ended"),
    [
        ("有效期至2027年12月31日。", date(2028, 1, 1)),
        ("有效期5年。", date(2025, 2, 28)),
        ("有效期为三年。", date(2023, 2, 28)),
        ("", None),
    ],
)
def test_validity_of_a_normative_document(words: str, ended: date | None) -> None:
    head = "# 虚构市人民政府关于测试的通知\n虚政〔2020〕1号\n"
    text = f"{head}一、测试证有效期三十年。\n二、本通知自2020年2月28日起施行，{words}"
    assert rules.parse(text).ended_on == ended
    assert rules.parse(text.replace("虚政〔2020〕1号", "")).ended_on is None


def test_endless_lines_without_an_end_take_no_endless_time() -> None:
    started = time.process_time()
    parsed = rules.parse("# 甲条例\n第一条 一\n" + "甲\n" * 300_000)
    assert time.process_time() - started < 15
    assert sum(len(paragraph) for paragraph in parsed.articles[0].paragraphs) == 300_001
    assert max(len(paragraph) for paragraph in parsed.articles[0].paragraphs) <= rules.MAX_PARAGRAPH


@pytest.mark.parametrize(
    ("title", "work"),
    [
        ("虚构市万象条例（2021年修订）", "虚构市万象条例"),
        ("虚构市万象条例(2019年3月1日第二次修正)", "虚构市万象条例"),
        ("虚构市万象条例（试行）", "虚构市万象条例-试行"),
        ("（2021年修订）", "2021年修订"),
    ],
)
def test_versions_of_a_text_share_its_name(title: str, work: str) -> None:
    assert addresses.make_work(title) == work
