"""What must not be published of a text is found whatever surrounds it; what the authority says of itself stays."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.masking.rules import Choices, Context, find_marks, masked
from portal.person_names.rules import NameStyle
from portal.personal_data.rules import Finding

PERSON = Context(party_name="张三丰", party_is_person=True)
FIRM = Context(party_name="虚构食品有限公司", party_is_person=False)
TILL = "上述当事人应将罚款缴至孟州市财政局，开户银行：虚构银行，账号：{}。"
REAL = Path("/work/shared/data/decisions/penalties.csv")


def public(text: str, context: Context = FIRM) -> str:
    """Return a text as the public reads it."""
    return masked(text, find_marks(text, context))


def kinds(text: str, context: Context = FIRM) -> set[Finding]:
    """Return what kinds of things a text holds."""
    return {mark.kind for mark in find_marks(text, context)}


@pytest.mark.parametrize(
    ("kind", "text", "hidden"),
    [
        ("identity_number", "身份证号410883199001011234。", "410883199001011234"),
        (
            "identity_number",
            "公民身份号码：４１０８８３１９９００１０１１２３Ｘ",
            "４１０８８３１９９００１０１１２３Ｘ",
        ),
        ("identity_number", "410883 19900101 1234", "410883 19900101 1234"),
        ("identity_number", "其证号410883900101123，", "410883900101123"),
        ("identity_number", "信用代码：410883199001011234", "410883199001011234"),
        ("phone", "手机13800138000", "13800138000"),
        ("phone", "138-0013-8000转", "138-0013-8000"),
        ("phone", "１３８ ００１３ ８０００", "１３８ ００１３ ８０００"),
        ("phone", "+86 138 0013 8000", "138 0013 8000"),
        ("phone", "号码是一三八零零一三八零零零", "一三八零零一三八零零零"),
        ("phone", "138\u200b0013\u200b8000", "138\u200b0013\u200b8000"),
        ("phone", "举报人电话0391-8812345", "0391-8812345"),
        ("phone", "当事人联系电话（0391）8812345", "0391）8812345"),
        ("phone", "家里座机8812345", "8812345"),
        ("bank_card", "当事人银行卡6222021234567890123", "6222021234567890123"),
        ("bank_card", "账号6222 0212 3456 7890 123", "6222 0212 3456 7890 123"),
        ("bank_card", "罚款五千元，货款转入其账户6222021234567890", "6222021234567890"),
        ("plate", "驾驶豫H12345号车", "豫H12345"),
        ("plate", "驾驶豫Ｈ·Ｄ12345在", "豫Ｈ·Ｄ12345"),
        ("plate", "车牌号：焦作A12345，", "A12345"),
        ("certificate", "护照号码：E12345678，", "E12345678"),
        ("certificate", "持台胞证01234567", "01234567"),
        ("certificate", "证件号码 AB-1234567", "AB-1234567"),
        ("plate", "车架号：LSVAG2180E2100001，", "LSVAG2180E2100001"),
        ("plate", "发动机号G4FC123456", "G4FC123456"),
        ("plate", "车辆ＶＩＮ码为lfv2a21k5d3000001", "lfv2a21k5d3000001"),
        ("plate", "查扣1HGCM82633A004352一辆", "1HGCM82633A004352"),
        ("school", "系孟州市虚构第一中学七年级三班学生", "虚构第一中学七年级三班"),
        ("school", "就读于虚构小学三年级（2）班", "三年级（2）班"),
        ("school", "虚构中学2023级5班的学生", "2023级5班"),
        ("school", "虚构幼儿园大二班", "虚构幼儿园大二班"),
        ("school", "向三年级二班学生收费", "三年级二班"),
        ("online", "微信号abc_12345联系", "abc_12345"),
        ("online", "QQ：1234567890。", "1234567890"),
        ("online", "寄到zhang.san@example.com后", "zhang.san@example.com"),
        ("birthday", "1990年1月1日出生", "1990年1月1日"),
        ("identity_number", "4108831990 0101 123x", "123x"),
        ("identity_number", "410883199001011234410883199001011234", "410883199001011234"),
        ("phone", "电话1380013800013900139000", "13800138000"),
        ("phone", "１３８—００１３—８０００", "００１３"),
        ("phone", "手机壹叁捌零零壹叁捌零零零", "壹叁捌零零壹叁捌零零零"),
        ("phone", "传真0391—8812345", "8812345"),
        ("certificate", "驾驶证号410883199001011234，档案编号410812345678", "410812345678"),
        ("plate", "电动车（号牌：焦作012345）", "012345"),
        ("online", "支付宝账号zhangsan@163.com", "zhangsan"),
        ("disease", "患有乙肝", "乙肝"),
    ],
)
def test_personal_data_is_found(kind: str, text: str, hidden: str) -> None:
    shown = public(text)
    assert hidden in text
    assert hidden not in shown
    assert Finding(kind) in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "批次1HGCM82633A004353的零件",
        "产品编号LFV2A21K5D3000001AB",
        "虚构第一中学食堂未公示许可证",
        "虚构幼儿园大门口，夜班三班倒",
    ],
)
def test_what_only_looks_like_a_vehicle_or_a_class_stays(text: str) -> None:
    assert public(text) == text


@pytest.mark.parametrize("text", ["车牌豫H12345。", "车牌号：豫HA1234，", "号牌为焦作012345"])
def test_a_plate_is_hidden_once_and_what_names_it_stays(text: str) -> None:
    label = text[:2]
    assert public(text).startswith(label)
    assert public(text).count("***") == 1


@pytest.mark.parametrize(
    ("text", "hidden", "shown"),
    [
        ("住址：河南省孟州市大定街道虚构大街12号院3单元501室，", "虚构大街", "河南省孟州市大定街道"),
        ("户籍地为孟州市化工镇虚构村三组12号。", "三组12号", "孟州市化工镇虚构村"),
        ("其住孟州市会昌街道虚构花园3号楼2单元501室", "虚构花园", "会昌街道"),
        ("在孟州市会昌街道虚构花园3号楼2单元501室内加工", "虚构花园3号楼", "会昌街道"),
        ("在虚构家属院5号楼东单元302室查获", "302室", "查获"),
        ("家庭住址：虚构路88号", "虚构路88号", "家庭住址"),
        ("住孟州市南庄镇虚构村东大街南3巷7号，", "南3巷7号", "南庄镇虚构村"),
        ("户籍地址河南省孟州市化工镇虚构村第三村民组，", "第三村民组", "化工镇虚构村"),
        ("证人住本市河雍街道虚构东路二十三号三楼东户", "二十三号", "河雍街道"),
        ("将货物送至位于虚构小区8号楼3单元1502的家中", "8号楼3单元1502", "家中"),
        ("到其家中（孟州市槐树乡虚构村87号）检查，", "87号", "槐树乡虚构村"),
        ("身份证住址：孟州市会昌办事处虚构村北区三排八号", "三排八号", "虚构村"),
    ],
)
@pytest.mark.parametrize("context", [PERSON, FIRM])
def test_addresses_are_hidden_below_village_or_community(text: str, hidden: str, shown: str, context: Context) -> None:
    assert hidden not in public(text, context)
    assert shown in public(text, context)


@pytest.mark.parametrize(
    "text",
    [
        TILL.format("7111010189800000162"),
        TILL.format("4108831990010112") + "到期不缴纳的，加处罚款。",
        "统一社会信用代码：911000006000373411，",
        "统一社会信用代码91110000600037341L",
        "当事人：虚构食品有限公司，统一社会信用代码：91410883MA00000000，住所：孟州市虚构路12号3幢2层201室。",
        "举报电话：0391-8812345。",
        "当事人在孟州市虚构大街12号门店销售过期食品",
        "送达地址：孟州市司法局三楼行政复议科，本局办公地址：孟州市虚构路66号",
        "孟州市司法局（地址：孟州市虚构大道12号，电话：0391-8888888）申请行政复议",
        "送中国虚构监督管理委员会办公室和本局备案（传真：021-50121039）。",
        "执法人员李建国（执法证号16080123456）、王强（16080123457）到场检查",
        "《行政处罚法》第三十二条第一款第（三）项，孟市监罚〔2026〕44号，2026年11月22日",
        "上述违法行为由高级管理人员负责，相关规定、有关部门、经营者应当改正，金额于期限内缴纳，周边的居民",
        "许可证编号：JY14108830012345，注册号：410883000012345，罚款人民币100000元，1,000,000.00元",
    ],
)
def test_what_is_the_authoritys_own_stays(text: str) -> None:
    assert public(text) == text


def test_what_is_kept_by_name_stays() -> None:
    kept = ("13900139000", "0391-8123456", "李四", "7111010189800000162")
    text = "联系人李四，手机139 0013 9000，电话03918123456，账号7111010189800000162，证人王五。"
    context = Context(party_name="虚构公司", party_is_person=False, kept=kept)
    assert public(text, context) == text.replace("王五", "王某某")


digits = st.text("0123456789", min_size=1, max_size=1)
around = st.text(
    st.sampled_from("的了在、，。；：（）()《》 \n一县村号元年月日路检查经营者高于向和张王李abcX-—某*"), max_size=12
)
gaps = st.sampled_from(["", " ", "-", "\u3000", "\u200b", "－", "·"])


@st.composite
def planted(draw: st.DrawFn) -> str:
    """Draw a number that belongs to a person, in some spelling."""
    tail = draw(st.text("0123456789", min_size=4, max_size=4))
    number = draw(
        st.sampled_from(
            [f"41088319900101{tail}", f"13{tail}{tail}1", f"4108831990010112{tail[0]}X", f"6222021234567{tail}"]
        )
    )
    gap, size = draw(gaps), draw(st.sampled_from([3, 4, 6]))
    if not number.startswith("6222"):
        number = gap.join(number[at : at + size] for at in range(0, len(number), size))
    if draw(st.booleans()):
        number = number.translate({ord("0") + n: ord("０") + n for n in range(10)})
    return number


@settings(max_examples=250, deadline=None)
@given(around, planted(), around, st.sampled_from([PERSON, FIRM]))
def test_no_planted_number_survives(before: str, number: str, after: str, context: Context) -> None:
    # A letter or digit that touches a number would make it another number.
    assert number not in public(f"{before}。{number}，{after}", context)


@settings(max_examples=250, deadline=None)
@given(around, st.sampled_from(["张三丰", "张 三 丰", "张\u3000三丰", "张三\n丰", "张\u200b三丰"]), around)
def test_the_partys_own_name_never_survives(before: str, name: str, after: str) -> None:
    shown = public(before + name + after, PERSON)
    assert name not in shown
    assert "三丰" not in shown.replace(" ", "").replace("\n", "")


SURNAMES = st.sampled_from(
    [*"王李张刘陈杨黄赵周吴徐孙马胡郭林何梁郑罗宋谢唐许邓冯曹彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁沈", "欧阳", "司马"]
)
GIVEN = st.text(
    st.sampled_from("伟芳娜敏静丽强磊军洋勇艳杰娟涛超秀霞平刚桂英建华文志玉兰红梅国庆晓丹婷雪鹏飞宇浩鑫倩颖琳璐"),
    min_size=1,
    max_size=2,
)
PLACES = st.sampled_from(
    [
        "证人{}证实", "举报人：{}，", "法定代表人{}。", "有{}的询问笔录", "{}，男，汉族", "员工{}在现场", "姓名：{}\n",
        "由{}负责", "委托代理人：{}（", "受害人{}受伤", "经营者{}签字", "对{}进行询问", "，{}称其不知情",
        "“{}”证券账户", "与{}、李小红签订", "货车司机{}（男，45岁）", "其妻{}在场", "店员{}陪同检查",
    ]
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(around, PLACES, SURNAMES, GIVEN, around, st.booleans())
def test_no_third_person_is_named_where_names_stand(
    before: str, place: str, surname: str, given_name: str, after: str, spaced: bool
) -> None:
    name = surname + given_name
    written = " ".join(name) if spaced and "：" in place else name
    shown = public(f"{before}。{place.format(written)}{after}。")
    assert name not in "".join(shown.split())


@settings(max_examples=150, deadline=None)
@given(around, around)
def test_the_authoritys_account_stays_whatever_surrounds_it(before: str, after: str) -> None:
    text = before + "。" + TILL.format("7111010189800000162") + after
    assert "7111010189800000162" in public(text)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(around | planted() | st.sampled_from([TILL, "住址：", "证人", "电话", "身份证号"]), max_size=8),
    st.booleans(),
)
@example(parts=["住址：(4108831990010100004108 8319 9001 0100 00)"], person=False)
def test_marks_never_overlap_and_masking_twice_changes_nothing(parts: list[str], person: bool) -> None:
    context = PERSON if person else FIRM
    text = "".join(parts)
    marks = find_marks(text, context)
    assert all(0 <= mark.start < mark.end <= len(text) for mark in marks)
    assert all(one.end <= other.start for one, other in pairwise(marks))
    once = masked(text, marks)
    assert public(once, context) == once


@pytest.mark.parametrize(
    ("text", "context", "kind"),
    [
        ("当事人系未成年人", PERSON, Finding.MINOR_PARTY),
        ("张三丰，男，16周岁，", PERSON, Finding.MINOR_PARTY),
        ("张三丰今年十七岁", PERSON, Finding.MINOR_PARTY),
        ("当事人向未成年人出售烟草制品", PERSON, Finding.MINOR),
        ("当事人招用15岁的学生", PERSON, Finding.MINOR),
        ("当事人系未成年人", FIRM, Finding.MINOR),
    ],
)
def test_minors_are_pointed_out(text: str, context: Context, kind: Finding) -> None:
    assert kinds(text, context) & {Finding.MINOR, Finding.MINOR_PARTY} == {kind}


@pytest.mark.parametrize("text", ["年满18周岁", "张三丰，35岁", "中小学校、幼儿园", "婴幼儿配方食品"])
def test_grown_people_are_no_minors(text: str) -> None:
    assert not kinds(text, PERSON) & {Finding.MINOR, Finding.MINOR_PARTY}


@pytest.mark.skipif(not REAL.exists(), reason="the collection of real decisions is not on this machine")
def test_real_decisions_keep_the_account_of_the_authority() -> None:
    with REAL.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="|", quoting=csv.QUOTE_NONE))
    texts = [row["内容"] for row in rows]
    account = "7111010189800000162"
    assert sum(account in text for text in texts) > len(texts) * 0.9
    for text in texts:
        shown = public(text, Context(party_name="", party_is_person=False))
        assert shown.count(account) == text.count(account)
        assert shown.count("传真：021-5012") == text.count("传真：021-5012")
        assert shown.count("信用代码：9") == text.count("信用代码：9")
        assert not kinds(text) & {Finding.IDENTITY_NUMBER, Finding.PHONE, Finding.BANK_CARD, Finding.PLATE}


def test_nobody_but_the_party_is_named_in_full() -> None:
    text = "当事人张三丰，证人王五证实。"
    shown = {
        style: public(text, Context(party_name="张三丰", party_is_person=True, style=style)) for style in NameStyle
    }
    assert shown == {
        NameStyle.FULL: "当事人张三丰，证人王某某证实。",
        NameStyle.SURNAME_SOMEBODY: "当事人张某某，证人王某某证实。",
        NameStyle.SURNAME_STAR: "当事人张*，证人王*证实。",
    }


def test_people_decide_over_the_machine() -> None:
    text = "证人王五证实，绰号黑 皮，电话0391-8812345。"
    choices = Choices(
        left=((Finding.PHONE, "0391-8812345", "authority"),),
        added=((Finding.OTHER, "黑皮"), (Finding.NAME, "证人王五")),
    )
    assert masked(text, find_marks(text, FIRM, choices)) == "证某某证实，绰号***，电话0391-8812345。"
    assert Choices.read(choices.written()) == choices
