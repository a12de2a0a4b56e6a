"""Staff import a spreadsheet; the reminder reaches a phone, is answered, and the permit's page shows it all."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from portal import clock
from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.pages.phones import Phones
from tests.browser.visitor import DESK, Visitor

HEADINGS = [
    "行政相对人名称",
    "统一社会信用代码",
    "许可编号",
    "许可证类型",
    "有效期自",
    "有效期至",
    "许可机关",
    "联系人",
    "联系电话",
]
PHONE = "15400009401"
NUMBER = "JY24000000009401"


def sheet(folder: Path) -> Path:
    """Write a spreadsheet with one good row, whose last day to apply is near, and one bad one."""
    today = clock.today()
    good = [
        "虚构测试饭店", "", NUMBER, "食品经营许可证",
        str(today - timedelta(days=1700)), str(today + timedelta(days=60)),
        "孟州市市场监督管理局", "虚构人", PHONE,
    ]  # fmt: skip
    bad = [
        "虚构无号饭店",
        "",
        "JY24000000009402",
        "食品经营许可证",
        "",
        "not a day",
        "孟州市市场监督管理局",
        "虚构人",
        "",
    ]
    path = folder / "permits.csv"
    path.write_text("\n".join(",".join(row) for row in (HEADINGS, good, bad)), encoding="gb18030")
    return path


def test_from_spreadsheet_to_reply(visit: Callable[..., Visitor], portal: Portal, tmp_path: Path) -> None:
    desk = Desk(visit(locale="en", width=DESK), "clerk@example.test", portal.password)
    desk.import_permits(sheet(tmp_path))
    assert desk.visitor.reads("JY24000000009402") or desk.visitor.reads("3")
    desk.page.locator("main form button.button").first.click()
    desk.visitor.look_over("staff-permits-imported")

    portal.flask("notify", "plan")
    portal.flask("notify", "dispatch")
    phone = Phones(visit(locale="en")).take(PHONE[-4:])
    assert "孟州执法" in phone.last_text()
    phone.answer("1")

    portal.flask("notify", "collect")
    desk.find_permit(NUMBER)
    assert desk.visitor.reads("Delivered")
    assert desk.visitor.reads("Done")
