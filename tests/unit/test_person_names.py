"""Natural persons are found by where names stand; words that only begin like names are left alone."""

import time

import pytest

from portal.person_names.rules import NameStyle, find_names, is_personal, public_name


def found(text: str) -> set[str]:
    """Return the names that stand in a text, without blanks."""
    return {"".join(text[start:end].split()) for start, end in find_names(text)}


# All of these people are invented.
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("证人王五证实,举报人赵六反映", {"王五", "赵六"}),
        ("当事人:陈庆桃,男,1965年6月出生,时任董事长", {"陈庆桃"}),
        ("陈庆桃与内幕信息知情人周国强联络,控制“李红梅”账户", {"陈庆桃", "周国强", "李红梅"}),
        ("经营者:张三。张三未取得许可,顾客吴敏食用后呕吐", {"张三", "吴敏"}),
        ("法定代表人:司马文华,员工马晓东在操作时受伤", {"司马文华", "马晓东"}),
        ("有孙浩、钱丽丽和周涛的询问笔录为证", {"孙浩", "钱丽丽", "周涛"}),
        ("证人 张 伟 陈述,其看见司机常志刚(男,45岁)", {"张伟", "常志刚"}),
        ("同行的古丽娜尔·艾力作证", {"古丽娜尔·艾力"}),
        ("欠薪名单:卢俊义(5000元)、林冲(4800元)、武松(4200元)", {"卢俊义", "林冲", "武松"}),
        ("2026年5月8日,崔永元驾车途经南庄镇", {"崔永元"}),
        ("由章子怡出资、范冰冰代持", {"章子怡", "范冰冰"}),
        ("姓名 性别 年龄\n袁世海 男 56", {"袁世海"}),
        ("死者:郝运来,汉族;其妻:于 凤 至", {"郝运来", "于凤至"}),
        ("姓名:昝昝;举报人Smith John在现场", {"昝昝", "SmithJohn"}),
        ("服务员 赵 丽 娟进行了询问,证人 张 伟 陈述", {"赵丽娟", "张伟"}),
        ("其母亲许艳红将货物拉走,其妻子杜小月、其弟弟杜小川在场", {"许艳红", "杜小月", "杜小川"}),
        ("由其姐夫范建平驾驶,亲友周明(真名周大明)到场", {"范建平", "周明", "周大明"}),
        ("负责人李明。李明在场,李 明签字", {"李明"}),
        ("拖欠工资名单:\n1. 李建国\n2、王小红 \n(3)赵六", {"李建国", "王小红", "赵六"}),
        ("欠薪人员如下\n|李建国|5000.00|\n|王小红|4800.00|", {"李建国", "王小红"}),
        ("联系:\n李建国\t13900139000\n共一人", {"李建国"}),
    ],
)
def test_persons_are_found_where_names_stand(text: str, names: set[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "上述违法行为由高级管理人员负责,相关规定、有关部门、经营者应当改正,金额于期限内缴纳",
        "当事人:孟州市虚构食品有限公司,住所:孟州市黄河大道12号",
        "环境保护主管部门应当会同有关部门,农业、林业等主管部门负责组织实施",
        "当事人高度重视,负责人经查不在现场,员工万余元工资",
        "经现场检查,石油、黄豆、龙虾和白酒均在保质期内",
        "虚构股份有限公司(以下简称何氏股份)披露,本局对何氏股份处罚款",
        "举报人:无;联系人:不详;当事人:未成年人",
        "张某某称,臧某冠、刘某在场,王*签字",
        "执法人员李建国(16080123456)、赵卫东到场检查,承办人:王五六",
        "《中国·孟州》兴业信托·大观3号资金信托计划",
        "抽检品种:\n马铃薯\n黄瓜\n高粱 2500",
        "金融业",
        "物品名单\n金属\n以上共一种",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert found(text) == set()


def test_long_texts_take_no_longer_than_their_length() -> None:
    spans = []
    for size in (1, 4):
        text = "证人张三丰、李四" * 2000 * size
        start = time.perf_counter()
        find_names(text)
        spans.append(time.perf_counter() - start)
    assert spans[1] < 12 * spans[0]


@pytest.mark.parametrize(
    ("name", "personal"),
    [
        ("张三", True), ("张 三", True), ("张三（个体工商户）", True), ("欧阳小明", True), ("买买提·艾山", True),
        ("张记店", False), ("虚构县张三小吃店", False), ("李四超市", False), ("", False), ("王", False),
    ],
)  # fmt: skip
def test_sole_traders_may_be_called_like_a_person(name: str, personal: bool) -> None:
    assert is_personal(name) is personal


@pytest.mark.parametrize(
    ("name", "style", "shown"),
    [
        ("张三", NameStyle.SURNAME_SOMEBODY, "张某某"),
        ("欧阳小明", NameStyle.SURNAME_STAR, "欧阳*"),
        ("张三", NameStyle.FULL, "张三"),
        (" ", NameStyle.SURNAME_STAR, ""),
    ],
)
def test_public_name_follows_the_style(name: str, style: NameStyle, shown: str) -> None:
    assert public_name(name, style) == shown
