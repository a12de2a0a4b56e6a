"""What Tencent and Aliyun are sent, and what their answers are taken to prove; see also test_provider_contract."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from requests.exceptions import ChunkedEncodingError, ConnectTimeout, ProxyError, ReadTimeout, SSLError
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from notifiers.providers import Outgoing, ProviderFailure, Rejected, Status, Unknown, Unreachable, domestic
from notifiers.providers.aliyun import AliyunProvider
from notifiers.providers.domestic import Threads, explain, explain_status, tidy_code
from notifiers.providers.tencent import TencentProvider
from portal import clock
from portal.settings import Settings
from tests.conftest import make_settings
from tests.domestic_servers import (
    APP_ID,
    TEMPLATE,
    AliyunServer,
    DomesticServer,
    TencentServer,
    aliyun_settings,
    tencent_settings,
)
from tests.integration.test_provider_contract import use
from tests.twilio_server import running

Domestic = TencentProvider | AliyunProvider
FINE = "+8613800000001"
MESSAGE = Outgoing(
    FINE,
    "【孟州执法】…",
    template_id=TEMPLATE,
    parameters={"permit": "食品", "days": "7"},
    extension="07",
    reference="107",
)


@pytest.fixture(params=["tencent", "aliyun"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(name: str) -> Iterator[DomesticServer]:
    with running(TencentServer() if name == "tencent" else AliyunServer()) as server:
        yield server


@pytest.fixture
def tencent_server() -> Iterator[TencentServer]:
    with running(TencentServer()) as server:
        yield server


@pytest.fixture
def aliyun_server() -> Iterator[AliyunServer]:
    with running(AliyunServer()) as server:
        yield server


def settings_for(server: DomesticServer) -> Settings:
    given: dict[str, Any] = {"tencent": tencent_settings(server.address), "aliyun": aliyun_settings(server.address)}
    return make_settings(Path(), "sqlite://", **given)


def make(server: DomesticServer, *, timeout: float = 5.0, **changes: Any) -> Domestic:
    settings = replace(settings_for(server), **changes)
    kind = TencentProvider if isinstance(server, TencentServer) else AliyunProvider
    return kind(settings, timeout=timeout)


def send(provider: Domestic, **changes: Any) -> str:
    return use(provider, provider.send(MESSAGE._replace(**changes))).reference


def test_tencent_gets_number_template_and_parameters_in_order(tencent_server: TencentServer) -> None:
    send(make(tencent_server))
    assert tencent_server.asked == [
        (
            "SendSms",
            {
                "PhoneNumberSet": [FINE],
                "SmsSdkAppId": APP_ID,
                "SignName": "孟州执法",
                "TemplateId": TEMPLATE,
                "TemplateParamSet": ["食品", "7"],
                "ExtendCode": "07",
                "SessionContext": "107",
            },
        )
    ]


def test_aliyun_gets_number_template_and_parameters_by_name(aliyun_server: AliyunServer) -> None:
    send(make(aliyun_server))
    ((action, asked),) = aliyun_server.asked
    assert json.loads(asked["TemplateParam"]) == {"permit": "食品", "days": "7"}
    assert (action, {key: value for key, value in asked.items() if key != "TemplateParam"}) == (
        "SendSms",
        {
            "PhoneNumbers": "13800000001",
            "SignName": "孟州执法",
            "TemplateCode": TEMPLATE,
            "OutId": "107",
            "SmsUpExtendCode": "07",
        },
    )


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("FailedOperation.PhoneNumberInBlacklist", Rejected),
        ("FailedOperation.ContainSensitiveWord", Rejected),
        ("InvalidParameterValue.IncorrectPhoneNumber", Rejected),
        ("InvalidParameterValue.TemplateParameterLengthLimit", Rejected),
        ("LimitExceeded.PhoneNumberThirtySecondLimit", Unreachable),
        ("LimitExceeded.PhoneNumberDailyLimit", Unreachable),
        ("FailedOperation.InsufficientBalanceInSmsPackage", Unreachable),
        ("FailedOperation.SignatureIncorrectOrUnapproved", Unreachable),
        ("FailedOperation.TemplateIncorrectOrUnapproved", Unreachable),
        ("UnauthorizedOperation.ServiceSuspendDueToArrears", Unreachable),
        ("RequestLimitExceeded", Unreachable),
        ("AuthFailure.SecretIdNotFound", Unreachable),
        ("InternalError.SigVerificationFail", Unreachable),
        ("InternalError.Timeout", Unknown),
        ("InternalError.SendAndRecvFail", Unknown),
        ("InternalError", Unknown),
        ("FailedOperation.SomethingNew", Unreachable),
        ("FailedOperation.OtherError", Unknown),
        ("SomethingNew", Unknown),
    ],
)
def test_what_tencents_codes_prove(tencent_server: TencentServer, code: str, failure: type[ProviderFailure]) -> None:
    tencent_server.only_code = code
    with pytest.raises(failure) as caught:
        send(make(tencent_server))
    assert (type(caught.value), caught.value.code) == (failure, code)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", Rejected),
        ("isv.BLACK_KEY_CONTROL_LIMIT", Rejected),
        ("isv.CUSTOMER_REFUSED", Rejected),
        ("isv.PARAM_LENGTH_LIMIT", Rejected),
        ("isv.BUSINESS_LIMIT_CONTROL", Unreachable),
        ("isv.AMOUNT_NOT_ENOUGH", Unreachable),
        ("isv.SMS_SIGNATURE_ILLEGAL", Unreachable),
        ("isv.SMS_TEMPLATE_ILLEGAL", Unreachable),
        ("isv.TEMPLATE_MISSING_PARAMETERS", Unreachable),
        ("isp.RAM_PERMISSION_DENY", Unreachable),
        ("Throttling.User", Unreachable),
        ("isp.SYSTEM_ERROR", Unknown),
        ("isv.SOMETHING_NEW", Unreachable),
        ("SomethingNew", Unknown),
        ("SignatureDoesNotMatch", Unreachable),
    ],
)
def test_what_aliyuns_codes_prove(aliyun_server: AliyunServer, code: str, failure: type[ProviderFailure]) -> None:
    aliyun_server.only_code = code
    with pytest.raises(failure) as caught:
        send(make(aliyun_server))
    assert (type(caught.value), caught.value.code) == (failure, code)


@pytest.mark.parametrize(("field", "code"), [("Code", None), ("Code", {}), ("Code", "有错"), ("code", "isv.X")])
def test_an_answer_whose_code_cannot_be_read_proves_nothing(server: DomesticServer, field: str, code: object) -> None:
    server.only_answer = {"SendStatusSet": [{field: code}], field: code}
    with pytest.raises(Unknown):
        send(make(server))
    server.only_answer = {"Error": {field: code, "Message": "..."}, field: code}
    with pytest.raises(Unknown):
        send(make(server))


def test_nothing_is_sent_after_a_redirection(aliyun_server: AliyunServer) -> None:
    aliyun_server.only_answer, aliyun_server.only_status = {"Code": "Moved"}, 307
    with pytest.raises(Unknown, match="http:307"):
        send(make(aliyun_server))
    assert len(aliyun_server.asked) == 1


def test_a_request_that_came_twice_may_have_been_taken(aliyun_server: AliyunServer) -> None:
    """A machine in between that tries again meets this answer after a first try that was taken."""
    aliyun_server.only_answer, aliyun_server.only_status = {"Code": "SignatureNonceUsed"}, 400
    with pytest.raises(Unknown, match="SignatureNonceUsed"):
        send(make(aliyun_server))


@pytest.mark.parametrize(
    ("status", "failure"), [(429, Unreachable), (503, Unreachable), (403, Unreachable), (408, Unknown), (504, Unknown)]
)
def test_what_a_page_of_a_machine_in_between_proves(
    server: DomesticServer, status: int, failure: type[ProviderFailure]
) -> None:
    server.only_status = status
    with pytest.raises(failure) as caught:
        send(make(server))
    assert (type(caught.value), caught.value.code) == (failure, f"http:{status}")


@pytest.mark.parametrize("wrong", ["", "wrong"])
def test_wrong_or_missing_keys_hold_messages(server: DomesticServer, name: str, wrong: str) -> None:
    fields = ("secret_id", "secret_key", "app_id") if name == "tencent" else ("access_key_id", "access_key_secret")
    for field in fields:
        bad = replace(getattr(settings_for(server), name), **{field: wrong})
        with pytest.raises(Unreachable) as caught:
            send(make(server, **{name: bad}))
        assert (caught.value.code == "not_configured") == (wrong == "")
    assert server.taken == []


def test_what_has_no_template_waits(server: DomesticServer) -> None:
    with pytest.raises(Unreachable, match="no_template"):
        send(make(server), template_id="")
    assert server.asked == []


def test_a_wrong_signature_waits(server: DomesticServer) -> None:
    with pytest.raises(Unreachable, match=r"SignatureIncorrect|SIGNATURE_ILLEGAL"):
        send(make(server, sms_signature="【别的】"))


def test_an_sdk_that_is_not_installed_holds_messages(
    server: DomesticServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {
        "tencent": "tencentcloud.sms.v20210111.sms_client",
        "aliyun": "alibabacloud_dysmsapi20170525.client",
    }
    monkeypatch.setitem(sys.modules, modules[name], None)
    with pytest.raises(Unreachable, match="not_installed"):
        send(make(server))


def test_webhooks_load_no_sdk(name: str) -> None:
    import subprocess

    program = (
        "import sys; from pathlib import Path; from notifiers.providers.registry import get_provider;"
        "from tests.conftest import make_settings;"
        f"get_provider({name!r}, make_settings(Path(), 'sqlite://', sms_hook_token='t')).read_receipts([]);"
        "print(sorted({'tencentcloud', 'alibabacloud_dysmsapi20170525', 'darabonba', 'twilio'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_whose_turn_did_not_come_is_proven_unsent() -> None:
    """A thread that hangs must not make others unknown that never began."""
    threads = Threads("test", 0.2)

    async def crowd() -> list[object]:
        calls = [threads.run(lambda: time.sleep(1.0)) for _ in range(domestic.THREADS + 8)]
        return await asyncio.gather(*calls, return_exceptions=True)

    ended = asyncio.run(crowd())
    threads.close()
    assert {type(item) for item in ended} == {Unknown, Unreachable}
    assert sum(isinstance(item, Unreachable) for item in ended) == 8


def test_time_does_not_run_while_a_turn_is_waited_for() -> None:
    threads = Threads("test", 0.6)

    async def crowd() -> list[None]:
        return await asyncio.gather(*(threads.run(lambda: time.sleep(0.1)) for _ in range(domestic.THREADS * 8)))

    assert len(asyncio.run(crowd())) == domestic.THREADS * 8
    threads.close()


def test_what_went_wrong_underneath_decides() -> None:
    refused = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    for never in (ConnectTimeout(), ProxyError(MaxRetryError(None, "/", refused))):  # type: ignore[arg-type]
        assert explain(never) == explain(RuntimeError(never)) or type(explain(RuntimeError(never))) is Unreachable
        assert type(explain(never)) is Unreachable
    for perhaps in (ReadTimeout(), SSLError("EOF"), ChunkedEncodingError(ProtocolError()), KeyError("Response")):
        assert type(explain(perhaps)) is Unknown
    assert explain(ReadTimeout()).code == "timeout"


def test_a_code_of_theirs_may_be_logged() -> None:
    assert [tidy_code(code) for code in ("isv.A_B", "DB:0103", "4:-1")] == ["isv.A_B", "DB:0103", "4:-1"]
    assert {tidy_code(code) for code in ("x13800000001", "有敏感词", "", "a b", "x" * 81)} == {"unnamed"}
    assert explain_status(404).code == "http:404"


class TestLookUp:
    def look_up(self, provider: Domestic, **changes: Any) -> str | None:
        asked: dict[str, Any] = {"to": FINE, "text": "", "since": clock.now(), "known": (), "own_reference": "107"}
        found = use(provider, provider.look_up(**(asked | changes)))
        return found.reference if found else None

    def test_our_own_reference_decides_between_two(self, server: DomesticServer) -> None:
        send(make(server), reference="106")
        wanted = send(make(server))
        found = self.look_up(make(server))
        assert found in (wanted, "own:107")
        assert self.look_up(make(server), own_reference="108") is None

    def test_found_failed_is_told(self, server: DomesticServer) -> None:
        send(make(server), to="+8613800000406")
        provider = make(server)
        found = use(
            provider,
            provider.look_up(to="+8613800000406", text="", since=clock.now(), known=(), own_reference="107"),
        )
        assert found is not None
        assert found.status is Status.FAILED

    def test_without_it_only_a_sole_report_proves_anything_to_tencent(self, tencent_server: TencentServer) -> None:
        tencent_server.echo_reference = False
        first = send(make(tencent_server))
        assert self.look_up(make(tencent_server)) == first
        second = send(make(tencent_server))
        assert self.look_up(make(tencent_server)) is None
        assert self.look_up(make(tencent_server), known={second}) == first
        assert self.look_up(make(tencent_server), known={first, second}) is None

    def test_without_it_nothing_is_proven_by_aliyun(self, aliyun_server: AliyunServer) -> None:
        aliyun_server.echo_reference = False
        send(make(aliyun_server))
        assert self.look_up(make(aliyun_server)) is None
        assert self.look_up(make(aliyun_server), own_reference="") is None

    def test_what_aliyun_found_by_our_reference_is_asked_by_it(self, aliyun_server: AliyunServer) -> None:
        send(make(aliyun_server), reference="106")
        send(make(aliyun_server))
        provider = make(aliyun_server)
        (event,) = use(provider, provider.ask(reference="own:107", to=FINE, since=clock.now()))
        assert (event.reference, event.status, event.own_reference) == ("own:107", Status.DELIVERED, "107")

    def test_aliyun_is_asked_for_both_days_around_midnight(self, aliyun_server: AliyunServer) -> None:
        with time_machine.travel(datetime(2026, 11, 20, 16, 0, 30, tzinfo=UTC), tick=False):
            send(make(aliyun_server))
            assert self.look_up(make(aliyun_server), since=clock.now() - timedelta(minutes=1)) == "own:107"
        days = [asked["SendDate"] for action, asked in aliyun_server.asked if action == "QuerySendDetails"]
        assert days == ["20261120", "20261121"]

    def test_tencent_is_asked_for_seven_days_at_most(self, tencent_server: TencentServer) -> None:
        self.look_up(make(tencent_server), since=clock.now() - timedelta(days=30))
        begin = tencent_server.asked[-1][1]["BeginTime"]
        assert abs(begin - (clock.now() - timedelta(days=7)).timestamp()) < 60
