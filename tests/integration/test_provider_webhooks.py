"""What every provider must do with what is posted to it: let in what is theirs, read it or refuse it whole."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as some
from twilio.request_validator import RequestValidator
from werkzeug.test import EnvironBuilder

from notifiers.providers import JSON, Provider, Status
from notifiers.providers.registry import get_provider
from portal.messages.service import sign_sandbox_reply
from portal.settings import PROVIDERS, Settings
from tests.conftest import make_settings
from tests.twilio_server import AUTH_TOKEN, twilio_settings

TOKEN = "a-token-of-forty-characters-in-the-address"
DOMESTIC = ("tencent", "aliyun")
PUBLIC_URL = "http://portal.test"
DELIVERED: dict[str, Any] = {
    "twilio": {"MessageSid": "SM1", "MessageStatus": "delivered"},
    "tencent": [{"mobile": "13800000001", "report_status": "SUCCESS", "errmsg": "DELIVRD", "sid": "2028:f825"}],
    "aliyun": [{"phone_number": "13800000001", "success": True, "err_code": "DELIVERED", "biz_id": "1^0"}],
}
FAILED: dict[str, Any] = {
    "twilio": {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "30003"},
    "tencent": [{"mobile": "13800000001", "report_status": "FAIL", "errmsg": "MK:0001", "sid": "2028:f825"}],
    "aliyun": [{"phone_number": "13800000001", "success": False, "err_code": "MK:0001", "biz_id": "1^0"}],
}
REPLIES: dict[str, Any] = {
    "twilio": {"MessageSid": "SM2", "From": "+8613800000001", "Body": " 5 "},
    "tencent": {"extend": "07", "mobile": "13800000001", "nationcode": "86", "text": " 5 ", "time": 1464624000},
    "aliyun": [{"phone_number": "13800000001", "content": " 5 ", "dest_code": "107", "sequence_id": 1234567890}],
    "sandbox": {"phone": "+8613800000001", "text": " 5 ", "reply_key": "k"},
}
NEEDED = {"tencent": ("sid", "report_status"), "aliyun": ("biz_id", "success")}
BROKEN: tuple[Any, ...] = (None, [], {}, 1.5, "", "a b", "\x00", "\ud800", "x" * 129, 10**200)
NAMES = {"tencent": "sid", "aliyun": "biz_id"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    twilio = twilio_settings("")
    return make_settings(tmp_path, "sqlite://", sms_providers=PROVIDERS, sms_hook_token=TOKEN, twilio=twilio)


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, settings: Settings) -> Provider:
    return get_provider(request.param, settings)


@pytest.fixture(params=["twilio", *DOMESTIC])
def remote(request: pytest.FixtureRequest, settings: Settings) -> Provider:
    return get_provider(request.param, settings)


def post(provider: Provider, path: str, payload: Any, **headers: str) -> Request:
    """Build a webhook's request."""
    if provider.media_type == JSON:
        builder = EnvironBuilder(path, method="POST", data=json.dumps(payload), content_type=JSON)
    else:
        builder = EnvironBuilder(path, method="POST", data=payload, headers=list(headers.items()))
    return Request(builder.get_environ())


def prove(provider: Provider, path: str, payload: Any) -> Request:
    """Build a webhook's request as the provider makes it."""
    if provider.name in DOMESTIC:
        return post(provider, f"{path}?token={TOKEN}", payload)
    if provider.name == "sandbox":
        return post(provider, path, payload | {"signature": sign_sandbox_reply(payload["phone"], "k")})
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{PUBLIC_URL}{path}", payload)
    return post(provider, path, payload, **{"X-Twilio-Signature": signature})


def test_only_what_is_proven_theirs_is_let_in(app: Flask, provider: Provider) -> None:
    path, payload = f"/hooks/sms/{provider.name}/replies", REPLIES[provider.name]
    assert provider.verify(prove(provider, path, payload))
    for query in ("", "?token=", "?token=forged", f"?token={TOKEN}x", f"?Token={TOKEN}", "?token=%ff%00"):
        assert not provider.verify(post(provider, path + query, payload))


@pytest.mark.parametrize("name", ["twilio", *DOMESTIC])
def test_without_secrets_of_ours_nobody_is_let_in(settings: Settings, name: str) -> None:
    path, payload = f"/hooks/sms/{name}/replies", REPLIES[name]
    bare = replace(settings, sms_hook_token="", twilio=twilio_settings("", auth_token=""))
    provider = get_provider(name, bare)
    assert not provider.verify(prove(provider, path, payload))
    assert not provider.verify(post(provider, f"{path}?token=", payload))


def test_a_receipt_told_twice_is_one_and_statuses_are_told_apart(remote: Provider) -> None:
    (first,), (again,) = (remote.read_receipts(DELIVERED[remote.name]) for _ in range(2))
    (worse,) = remote.read_receipts(FAILED[remote.name])
    assert first == again
    assert (first.status, first.error_code) == (Status.DELIVERED, "")
    assert (worse.status, worse.reference) == (Status.FAILED, first.reference)
    assert worse.error_code in ("30003", "MK:0001")
    assert worse.event_key != first.event_key


def test_our_own_reference_comes_back() -> None:
    aliyun = get_provider("aliyun", make_settings(Path(), "sqlite://"))
    told = DELIVERED["aliyun"][0]
    assert [item.own_reference for item in aliyun.read_receipts([told, told | {"out_id": "77"}])] == ["", "77"]


def test_replies_are_read_whole(provider: Provider) -> None:
    (reply,) = provider.read_replies(REPLIES[provider.name])
    assert reply.text == " 5 "
    assert reply.phone.removeprefix("+86") == "13800000001"
    assert reply.extension == ("07" if provider.name in DOMESTIC else "")
    assert [reply] == provider.read_replies(REPLIES[provider.name])


@pytest.mark.parametrize("change", [{"text": "4"}, {"time": 1464624001}, {"mobile": "13800000002"}, {"extend": "08"}])
def test_replies_without_a_number_of_their_own_are_told_apart(settings: Settings, change: dict[str, Any]) -> None:
    tencent = get_provider("tencent", settings)
    (one,), (other,) = (tencent.read_replies(REPLIES["tencent"] | more) for more in ({}, change))
    assert one.event_key != other.event_key


@pytest.mark.parametrize("payload", [{}, [], [[]], [{}], [None], None, 5, "x", True, {"text": None}])
def test_empty_and_broken_payloads_hold_nothing(provider: Provider, payload: Any) -> None:
    for read in (provider.read_receipts, provider.read_replies):
        if provider.media_type == JSON:
            with suppress(ValueError):
                assert read(payload) == []
        else:
            assert read({}) == []


@pytest.mark.parametrize("name", DOMESTIC)
def test_one_broken_item_refuses_all(settings: Settings, name: str) -> None:
    provider, good = get_provider(name, settings), DELIVERED[name][0]
    for field in NEEDED[name]:
        without = {key: value for key, value in good.items() if key != field}
        for broken in (without, *(good | {field: wrong} for wrong in BROKEN)):
            with pytest.raises(ValueError, match=field):
                provider.read_receipts([good, broken, good])
    with pytest.raises(ValueError, match=NAMES[name]):
        provider.read_receipts([good | {NAMES[name]: True}])
    assert len(provider.read_receipts([good, good])) == 2


@pytest.mark.parametrize("name", DOMESTIC)
@pytest.mark.parametrize("code", ["13800000001", "call +8613800000001", "用户拒收", "x" * 81, {"a": 1}, None, "a\x00"])
def test_codes_hold_neither_words_nor_numbers(settings: Settings, name: str, code: Any) -> None:
    told = FAILED[name][0]
    field = "errmsg" if name == "tencent" else "err_code"
    (event,) = get_provider(name, settings).read_receipts([told | {field: code}])
    assert event.error_code in ("unnamed", "None")


@pytest.mark.parametrize("name", DOMESTIC)
def test_whatever_is_posted_is_read_or_refused(name: str) -> None:
    provider = get_provider(name, make_settings(Path(), "sqlite://"))
    reply = REPLIES[name] if isinstance(REPLIES[name], dict) else REPLIES[name][0]
    leaves = some.none() | some.booleans() | some.integers() | some.floats() | some.text()
    junk = some.recursive(leaves, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner))
    item = some.dictionaries(some.sampled_from(sorted({*DELIVERED[name][0], *reply})), junk)

    @effort(max_examples=60, deadline=None)
    @given(some.lists(item) | item | junk)
    def read(payload: Any) -> None:
        for reader in (provider.read_receipts, provider.read_replies):
            with suppress(ValueError):
                assert all(0 < len(event.event_key) <= 200 and event.event_key.isascii() for event in reader(payload))

    read()
