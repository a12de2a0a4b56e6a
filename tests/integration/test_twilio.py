"""How Twilio's answers are read, and what it is sent; what every provider must do is in test_provider_contract."""

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from flask import Request
from twilio.request_validator import RequestValidator
from werkzeug.test import EnvironBuilder

from notifiers.providers import Accepted, Outgoing, Provider, Rejected, Status, Unknown, Unreachable
from notifiers.providers.twilio import CONNECTIONS, HttpClient, TwilioProvider
from portal import clock
from portal.settings import Settings
from tests.conftest import make_settings
from tests.twilio_server import AUTH_TOKEN, STATIC_SID, TwilioServer, running, twilio_settings

Result = TypeVar("Result")
TEXT = "【孟州执法】您的食品许可还有7天可申请延续"
FINE = "+8613800000001"


@pytest.fixture(scope="module")
def server() -> Iterator[TwilioServer]:
    with running(TwilioServer()) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, server: TwilioServer) -> Settings:
    return make_settings(tmp_path, "sqlite://", twilio=twilio_settings(server.address))


def use(provider: Provider, work: Coroutine[Any, Any, Result]) -> Result:
    """Run one piece of a provider's work in a loop of its own."""

    async def once() -> Result:
        try:
            return await work
        finally:
            await provider.close()

    return asyncio.run(once())


def send(provider: Provider, to: str = FINE, **changes: Any) -> Accepted:
    return use(provider, provider.send(Outgoing(**({"to": to, "text": TEXT} | changes))))


def request_with(path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Request:
    builder = EnvironBuilder(path, method="POST", data=form, headers=list((headers or {}).items()))
    return Request(builder.get_environ())


def make(settings: Settings, **changes: str) -> TwilioProvider:
    return TwilioProvider(twilio_settings(settings.twilio.api_base, **changes), settings.public_url, timeout=0.5)


def test_sends_what_twilio_asks_for(settings: Settings, server: TwilioServer) -> None:
    send(make(settings), callback="https://portal.test/hooks/sms/twilio/receipts", valid_for=3600)
    assert server.requests[-1] == {
        "To": FINE,
        "From": "+15005550006",
        "Body": TEXT,
        "StatusCallback": "https://portal.test/hooks/sms/twilio/receipts",
        "ValidityPeriod": "3600",
    }


@pytest.mark.parametrize("text", ["a&b=c+d %41;~*", "【孟州执法】\n“é” 😀\t\\", "&" * 600])
def test_a_text_arrives_as_it_was_written(settings: Settings, server: TwilioServer, text: str) -> None:
    send(make(settings), text=text)
    assert server.requests[-1]["Body"] == text
    assert server.requests[-1]["To"] == FINE


@pytest.mark.parametrize(
    ("ending", "failure", "code"),
    [
        ("1211", Rejected, "21211"),
        ("1610", Rejected, "21610"),
        ("1614", Rejected, "21614"),
        ("1611", Unreachable, "21611"),
        ("0401", Unreachable, "20401"),
        ("0429", Unreachable, "20429"),
        ("0503", Unreachable, "20503"),
        ("0500", Unknown, "20500"),
        ("0502", Unknown, "20502"),
        ("0999", Unknown, "connection:ServerDisconnectedError"),
        ("0998", Unknown, "timeout"),
        ("0997", Unknown, "unreadable:JSONDecodeError"),
    ],
)
def test_reads_failures(settings: Settings, ending: str, failure: type[Exception], code: str) -> None:
    with pytest.raises(failure) as caught:
        send(make(settings), f"+861380000{ending}")
    assert getattr(caught.value, "code", "") == code


def test_a_status_in_the_answer_counts(settings: Settings) -> None:
    assert send(make(settings), "+8613800000406").status is Status.FAILED


@pytest.mark.parametrize("changes", [{"auth_token": "wrong"}, {"account_sid": "AC" + "f" * 32}])
def test_wrong_credentials_hold_messages(settings: Settings, changes: dict[str, str]) -> None:
    with pytest.raises(Unreachable):
        send(make(settings, **changes))


@pytest.mark.parametrize("name", ["account_sid", "auth_token", "sender"])
def test_missing_settings_hold_messages(settings: Settings, name: str) -> None:
    with pytest.raises(Unreachable, match="not_configured"):
        send(make(settings, **{name: ""}))


def test_nobody_listening_holds_messages(settings: Settings) -> None:
    nobody = TwilioProvider(twilio_settings("http://127.0.0.1:9"), settings.public_url)
    with pytest.raises(Unreachable, match="no_connection"):
        send(nobody)


def test_a_lost_answer_is_found_again(settings: Settings, server: TwilioServer) -> None:
    provider, number, since = make(settings), "+8613900010999", clock.now()
    with pytest.raises(Unknown):
        send(provider, number)
    found = use(provider, provider.look_up(to=number, text=TEXT, since=since, known=()))
    assert found is not None
    assert found.reference == server.messages[-1]["sid"]
    for changed in ({"known": {found.reference}}, {"text": "other"}, {"since": since + timedelta(hours=1)}):
        arguments: dict[str, Any] = {"to": number, "text": TEXT, "since": since, "known": ()} | changed
        assert use(provider, provider.look_up(**arguments)) is None


def test_a_server_that_repeats_its_reference_is_believed(settings: Settings) -> None:
    with running(TwilioServer(static_sid=True)) as server:
        provider = TwilioProvider(twilio_settings(server.address), settings.public_url)
        assert send(provider).reference == send(provider).reference == STATIC_SID


def test_every_address_of_twilio_is_redirected() -> None:
    client = HttpClient("http://127.0.0.1:4010/proxy", 1)
    assert client.redirect("https://lookups.twilio.com/v2/x?a=b") == "http://127.0.0.1:4010/proxy/v2/x?a=b"
    assert HttpClient("", 1).redirect("https://api.twilio.com/x") == "https://api.twilio.com/x"


@pytest.mark.parametrize("path", ["/hooks/sms/twilio/receipts", "/hooks/sms/twilio/receipts?bodySHA=1&b=2"])
def test_signatures_cover_the_public_address(settings: Settings, path: str) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{settings.public_url}{path}", form)
    provider = make(settings)
    assert provider.verify(request_with(path, form, {"X-Twilio-Signature": signature}))
    altered = form | {"MessageStatus": "failed"}
    assert not provider.verify(request_with(path, altered, {"X-Twilio-Signature": signature}))
    assert not make(settings, auth_token="").verify(
        request_with(path, form, {"X-Twilio-Signature": RequestValidator("").compute_signature(path, form)})
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("queued", Status.ACCEPTED),
        ("sent", Status.ACCEPTED),
        ("delivered", Status.DELIVERED),
        ("undelivered", Status.FAILED),
        ("failed", Status.FAILED),
        ("something-new", Status.ACCEPTED),
    ],
)
def test_reads_receipts(settings: Settings, word: str, status: Status) -> None:
    provider = make(settings)
    (event,) = provider.read_receipts({"SmsSid": "SM1", "SmsStatus": word, "ErrorCode": "30003"})
    assert (event.reference, event.status, event.error_code) == ("SM1", status, "30003")
    assert event.event_key == f"SM1:{word}"


def test_reads_replies(settings: Settings) -> None:
    form = {"MessageSid": "SM2", "From": "+8613800000001", "Body": " 5 "}
    (reply,) = make(settings).read_replies(form)
    assert (reply.phone, reply.text, reply.event_key) == ("+8613800000001", " 5 ", "SM2")


def test_the_whole_batch_flies_at_once_over_its_own_connections(settings: Settings) -> None:
    """The SDK's own client stops at a hundred."""
    provider = make(settings)

    async def look() -> tuple[int, object]:
        session = provider.http.open_session()
        assert isinstance(session.connector, aiohttp.TCPConnector)
        found = session.connector.limit, session
        await provider.close()
        return found

    limit, session = asyncio.run(look())
    assert limit == CONNECTIONS
    assert isinstance(session, aiohttp.ClientSession)
    assert session.closed
