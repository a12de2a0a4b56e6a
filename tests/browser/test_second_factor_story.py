"""A member of staff sets a second factor up, signs in with it and with a recovery code, and switches it off."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

from portal.second_factors import rules
from tests.browser.machine import Portal
from tests.browser.visitor import NARROW, PHONE, Visitor

EMAIL = "admin@example.test"


def give_password(visitor: Visitor, password: str) -> None:
    visitor.page.goto("/staff/sign-in")
    visitor.page.locator("#email").fill(EMAIL)
    visitor.page.locator("#password").fill(password)
    visitor.page.locator("main button").click()


def type_code(visitor: Visitor, code: str) -> None:
    visitor.page.locator("#code").fill(code)
    visitor.page.locator("main form button").first.click()


def test_second_factor_from_start_to_end(visit: Callable[..., Visitor], portal: Portal) -> None:
    visitor = visit(locale="en", width=PHONE)
    give_password(visitor, portal.password)
    visitor.go("/staff/accounts").go("/staff/account").follow("Set up a second factor")
    visitor.look_over("second-factor-set-up")
    type_code(visitor, "000000")
    visitor.look_over("second-factor-wrong-code")
    secret = base64.b32decode(visitor.page.locator("#secret").inner_text().replace(" ", ""))
    type_code(visitor, rules.code_at(secret, rules.step_at(datetime.now(UTC))))
    visitor.look_over("second-factor-codes")
    codes = visitor.page.locator("#codes .code").all_inner_texts()
    visitor.press("Sign out")
    small = visit(locale="zh_Hans", width=NARROW)
    give_password(small, portal.password)
    small.look_over("sign-in-code")
    small.follow("用恢复码登录")
    small.look_over("sign-in-recovery")
    type_code(small, codes[0])
    small.go("/staff/account/second-factor/manage")
    small.page.locator("#password").fill(portal.password)
    small.page.locator("#code").fill(codes[1])
    small.press("关闭二次验证")
    small.look_over("second-factor-off")
    assert small.reads("二次验证已关闭")


def test_what_was_typed_is_shown_again(visit: Callable[..., Visitor], portal: Portal) -> None:
    visitor = visit(locale="zh_Hans", width=PHONE)
    give_password(visitor, portal.password)
    visitor.page.goto("/staff/organs/new")
    visitor.page.locator("#legal_ground").fill("写了很久的一段话，一个字也不想再写第二遍，所以它应当还在这里。")
    visitor.context.clear_cookies()
    visitor.page.locator("main form button").last.click()
    visitor.look_over("typed-after-the-session-ended")
    assert visitor.page.locator("textarea[readonly]").input_value().startswith("写了很久")
