"""Rows in the columns of dual publication for tests, as offices send them."""

from typing import Any

from tests.factories.spreadsheets import ORGAN, make_code

PERSON = {"行政相对人名称": "张测试", "行政相对人类别": "自然人", "统一社会信用代码": "", "法定代表人": ""}


def make_penalty(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a good row of a penalty by heading; `changes` replace or add cells."""
    row: dict[str, Any] = {
        "行政相对人名称": f"虚构商贸有限公司{number}号",
        "行政相对人类别": "法人及非法人组织",
        "统一社会信用代码": make_code(number, "91"),
        "法定代表人": "李测试",
        "行政处罚决定书文号": f"虚市监处罚〔2026〕{number}号",
        "违法行为类型": "经营超过保质期的食品",
        "违法事实": "检查时货架上有超过保质期的食品。",
        "处罚依据": "《虚构条例》第一条",
        "处罚类别": "罚款;没收非法财物",
        "处罚内容": "罚款5000元。",
        "罚款金额（万元）": "0.5",
        "没收违法所得、没收非法财物的金额（万元）": "0.01",
        "暂扣或吊销证照名称及编号": "",
        "处罚决定日期": "2026/3/1",
        "处罚有效期": "2099/12/31",
        "公示截止期": "2099/12/31",
        "处罚机关": ORGAN,
        "处罚机关统一社会信用代码": "",
        "备注": "null",
    }
    return row | changes


def make_permit_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a good row of a permit by heading; `changes` replace or add cells."""
    row: dict[str, Any] = {
        "XK_XDR_MC": f"虚构饭店{number}",
        "XK_XDR_LB": "个体工商户",
        "XK_XDR_SHXYM": make_code(number),
        "XK_FRDB": "王测试",
        "XK_XKWS": "准予行政许可决定书",
        "XK_WSH": f"虚市监许〔2026〕{number}号",
        "XK_XKLB": "普通",
        "XK_XKZS": "食品经营许可证",
        "XK_XKBH": f"JY{number:06d}",
        "XK_NR": "热食类食品制售",
        "XK_JDRQ": "2026年3月1日",
        "XK_YXQZ": "46082",
        "XK_YXQZI": "20310228",
        "XK_XKJG": ORGAN,
        "XK_ZT": "1",
    }
    return row | changes
