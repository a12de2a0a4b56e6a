"""What every provider must do, asked of each: real requests to local servers in the shapes of the real ones."""

import asyncio
import logging
import socket
import time
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask import Flask

from notifiers.providers import (
    Accepted,
    Outgoing,
    Provider,
    ProviderFailure,
    Rejected,
    Status,
    Unknown,
    Unreachable,
    sandbox,
)
from notifiers.providers.registry import get_callback, get_provider
from portal import clock
from portal.db import db
from portal.messages.models import MessageState
from portal.settings import PROVIDERS, Settings
from tests.conftest import make_settings
from tests.domestic_servers import (
    KEY,
    TEMPLATE,
    AliyunServer,
    DomesticServer,
    TencentServer,
    aliyun_settings,
    tencent_settings,
)
from tests.factories.messages import make_contact, make_message
from tests.twilio_server import AUTH_TOKEN, TwilioServer, count_connections, running, twilio_settings

Result = TypeVar("Result")
Server = TwilioServer | DomesticServer
TEXT = "【孟州执法】您的食品许可还有7天可申请延续"
TOKEN = "a-token-of-forty-characters-in-the-address"
REMOTE = ("twilio", "tencent", "aliyun")
REFUSED = {"twilio": "1211"}


@dataclass
class Case:
    """One provider, ready to be asked, with the server that it talks to."""

    name: str
    settings: Settings
    servers: dict[str, Server]

    @property
    def server(self) -> Server:
        return self.servers[self.name]

    def make(self, *, timeout: float = 5.0) -> Provider:
        """Build the provider with a timeout in seconds."""
        if self.name == "sandbox":
            return get_provider(self.name, self.settings)
        module = import_module(f"notifiers.providers.{self.name}")
        if self.name == "twilio":
            provider: Provider = module.TwilioProvider(self.settings.twilio, self.settings.public_url, timeout=timeout)
        else:
            provider = getattr(module, f"{self.name.capitalize()}Provider")(self.settings, timeout=timeout)
        return provider

    def send(self, ending: str = "0001", *, timeout: float = 5.0, **changes: Any) -> Accepted:
        """Send to a number with this ending."""
        provider = self.make(timeout=timeout)
        return use(provider, provider.send(message(ending, **changes)))

    def fail(self, ending: str, failure: type[ProviderFailure], **changes: Any) -> str:
        """Send in vain; return the code, which must be fit for the log."""
        with pytest.raises(failure) as caught:
            self.send(ending, **changes)
        assert type(caught.value) is failure
        code = caught.value.code
        assert code
        assert phone(ending)[3:] not in code
        assert "【" not in code
        return code

    def look_up(self, ending: str, **changes: Any) -> Accepted | None:
        """Look for the message to a number with this ending."""
        wanted: dict[str, Any] = {"to": phone(ending), "text": TEXT, "since": clock.now(), "known": ()} | changes
        provider = self.make()
        return use(provider, provider.look_up(own_reference="7", **wanted))

    def count_taken(self) -> int:
        """Count what the server took, whatever it answered."""
        return len(self.server.messages if isinstance(self.server, TwilioServer) else self.server.taken)


def phone(ending: str) -> str:
    """Return a number with this ending, of four digits or more: servers heed the last four."""
    return f"+86138{ending:0>8}"


def message(ending: str, **changes: Any) -> Outgoing:
    given_name = {"template_id": TEMPLATE, "parameters": {"permit": "食品许可", "days": "7"}, "reference": "7"}
    return Outgoing(**({"to": phone(ending), "text": TEXT, "extension": "07"} | given_name | changes))


def use(provider: Provider, work: Coroutine[Any, Any, Result]) -> Result:
    """Run one piece of a provider's work in a loop of its own."""

    async def once() -> Result:
        try:
            return await work
        finally:
            await provider.close()

    return asyncio.run(once())


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        made: dict[str, Server] = {"twilio": TwilioServer(), "tencent": TencentServer(), "aliyun": AliyunServer()}
        yield {name: stack.enter_context(running(server)) for name, server in made.items()}


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path, servers: dict[str, Server]) -> Settings:
    (tmp_path / "portal.db").write_bytes(sqlite_template.read_bytes())
    return make_settings(
        tmp_path,
        f"sqlite:///{tmp_path / 'portal.db'}",
        sms_providers=PROVIDERS,
        sms_hook_token=TOKEN,
        twilio=twilio_settings(servers["twilio"].address),
        tencent=tencent_settings(servers["tencent"].address),
        aliyun=aliyun_settings(servers["aliyun"].address),
    )


@pytest.fixture(params=PROVIDERS)
def case(request: pytest.FixtureRequest, settings: Settings, servers: dict[str, Server]) -> Case:
    return Case(request.param, settings, servers)


@pytest.fixture(params=REMOTE)
def remote(request: pytest.FixtureRequest, settings: Settings, servers: dict[str, Server]) -> Case:
    return Case(request.param, settings, servers)


class TestSending:
    def test_takes_a_message_and_names_it(self, case: Case) -> None:
        first, second = case.send(), case.send()
        assert first.reference and second.reference
        assert first.reference != second.reference
        assert first.status is Status.ACCEPTED

    def test_what_is_refused_is_proven(self, case: Case) -> None:
        case.fail(REFUSED.get(case.name, "0404"), Rejected)

    @pytest.mark.parametrize("ending", ["0429", "0503"])
    def test_passing_trouble_may_be_tried_again(self, case: Case, ending: str) -> None:
        case.fail(ending, Unreachable)

    @pytest.mark.parametrize("ending", ["0500", "0502"])
    def test_a_fault_of_theirs_leaves_it_unknown(self, case: Case, ending: str) -> None:
        case.fail(ending, Unknown)

    @pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://127.0.0.1:9"])
    def test_a_connection_that_was_never_made_proves_that_nothing_left(
        self, remote: Case, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look_up = socket.getaddrinfo

        def know_nobody(host: Any, *more: Any, **others: Any) -> Any:
            if str(host).endswith(".invalid"):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return look_up(host, *more, **others)

        monkeypatch.setattr(socket, "getaddrinfo", know_nobody)
        nobody = replace(getattr(remote.settings, remote.name), api_base=address)
        remote.settings = replace(remote.settings, **{remote.name: nobody})
        assert remote.fail("0001", Unreachable) == "no_connection"

    def test_what_is_no_tls_server_proves_nothing_or_less(self, remote: Case) -> None:
        address = remote.server.address.replace("http:", "https:")
        wrong = replace(getattr(remote.settings, remote.name), api_base=address)
        remote.settings = replace(remote.settings, **{remote.name: wrong})
        before = remote.count_taken()
        with pytest.raises((Unreachable, Unknown)):
            remote.send()
        assert remote.count_taken() == before

    @pytest.mark.parametrize("ending", ["0999", "0997"])
    def test_a_lost_answer_leaves_it_unknown(self, remote: Case, ending: str) -> None:
        before = remote.count_taken()
        remote.fail(ending, Unknown)
        assert remote.count_taken() == before + 1

    def test_no_answer_in_time_leaves_it_unknown(self, remote: Case) -> None:
        before, began = remote.count_taken(), time.monotonic()
        assert remote.fail("0998", Unknown, timeout=0.3) == "timeout"
        assert time.monotonic() - began < 2
        assert remote.count_taken() == before + 1

    def test_many_at_once_on_one_loop(self, case: Case) -> None:
        provider, numbers = case.make(), range(1300, 1500)

        async def send_all() -> list[Accepted]:
            return await asyncio.gather(*(provider.send(message(str(number))) for number in numbers))

        assert len({taken.reference for taken in use(provider, send_all())}) == len(numbers)

    def test_connections_are_given_back(self, remote: Case) -> None:
        case_server = remote.server
        provider = remote.make()

        async def send_and_close() -> int:
            await asyncio.gather(*(provider.send(message(str(number))) for number in range(1300, 1320)))
            opened = count_connections(case_server)
            kept.append(getattr(provider, "client", None))
            await provider.close()
            return opened

        before = count_connections(case_server)
        kept: list[object] = []  # Connections must not be left to the collector of garbage.
        assert asyncio.run(send_and_close()) > before
        deadline = time.monotonic() + 3
        while count_connections(case_server) > before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert count_connections(case_server) <= before

    def test_it_can_be_used_again_after_closing(self, case: Case) -> None:
        provider = case.make()
        assert use(provider, provider.send(message("0001"))).reference
        assert use(provider, provider.send(message("0001"))).reference

    def test_the_log_holds_nothing_of_a_message(self, case: Case, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        case.send()
        case.fail("0500", Unknown)
        for secret in ("13800000001", "13800000500", "食品许可", "%E9%A3%9F", "\\u98df", KEY, AUTH_TOKEN):
            assert secret not in caplog.text


class TestAsking:
    def lose(self, case: Case, ending: str) -> None:
        case.fail(ending, Unknown)
        if case.name == "sandbox":
            # The outbox alone knows of it, by the number that we gave it.
            contact = make_contact(phone=phone(ending))
            make_message(id=7, contact=contact, state=MessageState.UNKNOWN, provider="sandbox", text=TEXT)
            db.session.commit()

    def test_what_was_taken_is_found_and_nothing_else(self, app: Flask, case: Case) -> None:
        since = clock.now()
        assert case.look_up("110999", since=since + timedelta(hours=1)) is None
        self.lose(case, "110999")
        found = case.look_up("110999", since=since)
        assert found is not None
        assert found.reference
        assert found.status in (Status.ACCEPTED, Status.DELIVERED)
        assert case.look_up("110999", since=since, known={found.reference}) is None
        assert case.look_up("8888", since=since) is None
        if case.name in ("twilio", "sandbox"):  # The others tell no texts.
            assert case.look_up("110999", since=since, text=f"{TEXT}!") is None

    def test_a_message_of_another_text_or_name_is_not_taken_for_it(self, app: Flask, case: Case) -> None:
        since = clock.now()
        case.send("7777", reference="8", text=f"{TEXT}!")
        assert case.look_up("7777", since=since) is None

    def test_what_was_never_taken_is_not_found(self, app: Flask, case: Case) -> None:
        self.lose(case, "0500")
        assert case.look_up("0500") is None

    @pytest.mark.parametrize(
        ("ending", "statuses"), [("0001", {Status.DELIVERED}), ("0406", {Status.FAILED}), ("0405", {Status.ACCEPTED})]
    )
    def test_what_became_of_it_is_told(self, case: Case, ending: str, statuses: set[Status]) -> None:
        since = clock.now()
        taken = case.send(ending)
        provider = case.make()
        asked: dict[str, Any] = {"reference": taken.reference, "to": phone(ending), "since": since}
        events = use(provider, provider.ask(**asked))
        assert {event.reference for event in events} <= {taken.reference}
        assert {event.status for event in events} | ({Status.ACCEPTED} if ending == "0405" else set()) == statuses
        assert [bool(event.error_code) for event in events] == [ending == "0406"] * len(events)
        assert use(provider, provider.ask(**asked)) == events
        unknown = asked | {"reference": "SMunknown", "to": phone("6666")}
        try:
            assert {event.status for event in use(provider, provider.ask(**unknown))} <= {Status.DELIVERED}
        except Unreachable:
            assert case.name == "twilio"

    @pytest.mark.parametrize("verb", ["look_up", "ask"])
    def test_a_provider_that_is_away_may_be_asked_later(self, remote: Case, verb: str) -> None:
        nobody = replace(getattr(remote.settings, remote.name), api_base="http://127.0.0.1:9")
        remote.settings = replace(remote.settings, **{remote.name: nobody})
        provider = remote.make()
        work: Coroutine[Any, Any, object] = (
            provider.ask(reference="1", to=phone("0001"), since=clock.now())
            if verb == "ask"
            else provider.look_up(to=phone("0001"), text=TEXT, since=clock.now(), known=(), own_reference="7")
        )
        with pytest.raises(Unreachable) as caught:
            use(provider, work)
        assert caught.value.code.startswith(verb)

    def test_what_is_asked_and_what_is_called_in_have_one_name(self, remote: Case) -> None:
        """Or a message that is asked about would keep two receipts of one thing."""
        since, taken = clock.now(), remote.send()
        provider = remote.make()
        (asked,) = use(provider, provider.ask(reference=taken.reference, to=phone("0001"), since=since))
        told: dict[str, Any] = {
            "twilio": {"MessageSid": taken.reference, "MessageStatus": "delivered"},
            "tencent": [{"report_status": "SUCCESS", "sid": taken.reference}],
            "aliyun": [{"success": True, "biz_id": taken.reference}],
        }
        (called,) = provider.read_receipts(told[remote.name])
        assert called.event_key == asked.event_key


class TestPulling:
    def test_whoever_calls_is_not_asked(self, app: Flask, case: Case) -> None:
        pulled = case.make().pull()
        assert (list(pulled.receipts), list(pulled.replies)) == ([], [])


@pytest.mark.parametrize(
    ("public_url", "api_base", "callback"),
    [
        ("https://portal.example", "", "https://portal.example/hooks/sms/twilio/receipts"),
        ("http://127.0.0.1:8000", "", None),
        ("http://localhost:8000", "", None),
        ("http://[::1]:8000", "", None),
        ("http://127.0.0.1:8000", "http://127.0.0.1:4010", "http://127.0.0.1:8000/hooks/sms/twilio/receipts"),
    ],
)
def test_receipts_are_asked_for_where_they_can_arrive(
    tmp_path: Path, public_url: str, api_base: str, callback: str | None
) -> None:
    settings = make_settings(tmp_path, "sqlite://", public_url=public_url, twilio=twilio_settings(api_base))
    assert get_callback("twilio", settings) == callback
    for told_elsewhere in ("sandbox", "tencent", "aliyun", ""):
        assert get_callback(told_elsewhere, settings) is None


def test_an_unknown_provider_is_refused(settings: Settings) -> None:
    with pytest.raises(LookupError):
        get_provider("carrier-pigeon", settings)


def test_the_sandbox_can_be_slow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SLOW_SECONDS", 0.05)
    began = time.monotonic()
    assert Case("sandbox", settings, {}).send("0408").reference
    assert time.monotonic() - began >= 0.05
