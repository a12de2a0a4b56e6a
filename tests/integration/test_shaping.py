"""A provider of templates sends what it has approved; what it would refuse never reaches it."""

from datetime import date
from typing import Any

import pytest
from flask import Flask

from notifiers.compose import Composed, compose
from notifiers.providers.registry import get_provider
from notifiers.shape import Shaped, Shaper, Unshapable
from portal.cli import current_settings
from portal.db import db
from portal.settings import PROVIDERS
from portal.wordings.models import Approval, ProviderTemplate
from portal.wordings.rules import TEMPLATED
from tests.counting import counted_queries
from tests.factories.risk_periods import make_batch
from tests.integration.test_composing import Row

BODY = "您的{permit}剩{days}天，{day}截止。咨询0391-0000000，1办好2回电T退订"
VALUES = {"permit": "食品许可", "days": "7", "day": "12月15日", "hotline": "0391-0000000"}
OWN = Composed("【孟州执法】今天的写法", 1, "zh_Hans", "permit_renewal", VALUES, VALUES)


def approve(body: str = BODY, **values: Any) -> ProviderTemplate:
    defaults: dict[str, Any] = {
        "provider": "tencent",
        "name": "permit_renewal",
        "locale": "zh_Hans",
        "template_id": "1234567",
        "status": Approval.APPROVED,
        "decided_on": date(2026, 11, 1),
    }
    template = ProviderTemplate(body=body, **(defaults | values))
    db.session.add(template)
    db.session.flush()
    return template


def refusal(composed: Composed = OWN, provider: str = "tencent") -> tuple[str, bool]:
    with pytest.raises(Unshapable) as caught:
        Shaper().shape(composed, provider)
    return caught.value.reason, caught.value.passing


def filled(composed: Composed = OWN, **changes: str) -> Composed:
    values = VALUES | changes
    return Composed(composed.text, 1, composed.locale, composed.wording, values, values)


def test_providers_of_plain_texts_get_the_words(app: Flask) -> None:
    assert Shaper().shape(OWN, "twilio") == Shaped(OWN.text, 1)


def test_the_approved_words_are_sent_and_stored_whatever_the_citys_own_say(app: Flask) -> None:
    approve()
    shaped = Shaper().shape(OWN, "tencent")
    assert shaped.text == "【孟州执法】您的食品许可剩7天，12月15日截止。咨询0391-0000000，1办好2回电T退订"
    assert shaped.segments == 1
    assert shaped.template_id == "1234567"
    assert list(shaped.parameters.items()) == [("permit", "食品许可"), ("days", "7"), ("day", "12月15日")]


def test_parameters_come_in_the_order_of_the_body_each_once(app: Flask) -> None:
    approve("{day}：{permit}到{day}截止")
    shaped = Shaper().shape(OWN, "tencent")
    assert list(shaped.parameters.items()) == [("day", "12月15日"), ("permit", "食品许可")]
    assert shaped.text == "【孟州执法】12月15日：食品许可到12月15日截止"


@pytest.mark.parametrize("status", [Approval.DRAFT, Approval.SUBMITTED, Approval.REFUSED])
def test_nothing_is_sent_before_it_is_approved(app: Flask, status: Approval) -> None:
    approve(status=status)
    assert refusal() == ("no_template", True)


def test_one_providers_approval_is_not_anothers(app: Flask) -> None:
    approve()
    assert refusal(provider="aliyun") == ("no_template", True)
    assert refusal(Composed("", 1, "zh_Hans", "permit_soon", VALUES, VALUES)) == ("no_template", True)


@pytest.mark.parametrize(("provider", "longest"), [("tencent", 6), ("aliyun", 35)])
def test_values_are_as_long_as_the_provider_allows(app: Flask, provider: str, longest: int) -> None:
    approve(provider=provider)
    assert Shaper().shape(filled(permit="许" * longest), provider).parameters["permit"] == "许" * longest
    assert refusal(filled(permit="许" * (longest + 1)), provider) == ("variable_too_long:permit", False)


def test_what_a_provider_would_refuse_goes_to_a_person(app: Flask) -> None:
    approve()
    assert refusal(filled(permit="")) == ("variable_empty:permit", False)
    assert refusal(filled(permit="食品\n许可")) == ("not_in_shape", False)
    approve("点{link}", name="revisit")
    revisit = Composed("", 1, "zh_Hans", "revisit", {"link": "p.cn/r"}, {"link": "p.cn/r"})
    assert refusal(revisit) == ("link_in_variable", False)


def test_a_revisit_without_link_can_be_approved_and_sent(app: Flask) -> None:
    approve("请评价{day}的执法：回5到1", name="revisit")
    values = {"decided_on": "2026-11-12", "link_until": "2026-12-01"}
    text = compose(Row("revisit:1", "en", "revisit", values=values))
    assert "/r/" in text.text
    assert Shaper().shape(text, "tencent").text == "【孟州执法】请评价11月12日的执法：回5到1"


def test_readers_of_english_get_chinese_throughout_where_only_that_is_approved(app: Flask) -> None:
    batch = make_batch(starts_on=date(2027, 5, 15))
    text = compose(Row(f"risk_batch:{batch.id}", "en", "risk_notice"))
    approve("{name}{day}开始，{advice}。退订回T", name="risk_notice")
    chinese = Shaper().shape(text, "tencent")
    assert chinese.text == "【孟州执法】虚构防汛期5月15日开始，请清沟排水。退订回T"
    approve("{name} {day}: {advice}. Stop: T", name="risk_notice", locale="en", provider="aliyun")
    assert Shaper().shape(text, "aliyun").text == "【孟州执法】Invented floods 15 May: clear drains. Stop: T"


def test_what_is_approved_is_read_once_for_a_batch(app: Flask) -> None:
    approve()
    shaper = Shaper()
    with counted_queries() as seen:
        for _ in range(5):
            shaper.shape(OWN, "tencent")
    assert len(seen) == 1


def test_portal_and_providers_agree_on_who_sends_templates_alone(app: Flask) -> None:
    settings = current_settings()
    templated = {name for name in PROVIDERS if get_provider(name, settings).templated}
    assert templated == set(TEMPLATED)
