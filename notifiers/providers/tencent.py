"""Tencent Cloud SMS, through its SDK; nothing else imports the SDK. It sends approved templates alone.

What an answer proves: `Ok` for the number says it was taken; a code says it was not, for good (the number, the words)
or until somebody mends it (limits, balance, signature, template, keys). Internal errors that may have struck after
the text was passed on leave it unknown, as a timeout does, and so does a code of no class that is known to refuse.
Codes: cloud.tencent.com/document/api/382/59177 and 382/52068

Receipts and replies come by webhook, or are pulled where nobody can call (an office behind NAT; Tencent opens that on
request). A lost message is looked up among the reports for its number: see `look_up`.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import Request

from notifiers.providers import (
    JSON,
    Accepted,
    Answer,
    Outgoing,
    ProviderFailure,
    Pulled,
    ReceiptEvent,
    Rejected,
    ReplyEvent,
    Status,
    Unknown,
    Unreachable,
)
from notifiers.providers.domestic import (
    CONNECT_TIMEOUT,
    TIMEOUT,
    Adapter,
    Threads,
    as_object,
    explain,
    has_token,
    read_items,
    read_text,
    read_word,
    split_address,
    strip_signature,
    tidy_code,
)
from portal import clock
from portal.settings import Settings
from portal.wordings.rules import NO_TEMPLATE

log = logging.getLogger(__name__)

NAME = "tencent"
HOST = "sms.tencentcloudapi.com"
PAGE = 100
CLOCK_SKEW = timedelta(minutes=2)
KEPT_FOR = timedelta(days=7)  # Tencent tells of a number's last seven days.
REFUSED = frozenset(
    {
        "FailedOperation.ContainSensitiveWord",
        "FailedOperation.PhoneNumberInBlacklist",  # The reader refused texts at the provider.
        "FailedOperation.PhoneNumberParseFail",
        "InvalidParameterValue.ContentLengthLimit",
        "InvalidParameterValue.IncorrectPhoneNumber",
        "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
        "InvalidParameterValue.TemplateParameterFormatError",
        "InvalidParameterValue.TemplateParameterLengthLimit",
        "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
        "UnsupportedOperation.UnsupportedRegion",
    }
)
# Classes of codes with which a request is turned away before anything is passed on.
TURNED_AWAY = frozenset(
    {
        "AuthFailure",
        "FailedOperation",
        "InvalidAction",
        "InvalidParameter",
        "InvalidParameterValue",
        "InvalidRequest",
        "IpInBlacklist",
        "IpNotInWhitelist",
        "LimitExceeded",
        "MissingParameter",
        "NoSuchProduct",
        "NoSuchVersion",
        "RequestLimitExceeded",
        "RequestSizeLimitExceeded",
        "ResourceInsufficient",
        "ResourceNotFound",
        "ResourceUnavailable",
        "UnauthorizedOperation",
        "UnknownParameter",
        "UnsupportedOperation",
        "UnsupportedProtocol",
        "UnsupportedRegion",
    }
)
# Their name for what they cannot explain themselves.
UNEXPLAINED = "FailedOperation.OtherError"
# Internal errors that strike before anything is passed on: the request itself was not in order.
NOT_PASSED_ON = frozenset(
    {
        "InternalError.JsonParseFail",
        "InternalError.RequestTimeException",
        "InternalError.RestApiInterfaceNotExist",
        "InternalError.SigFieldMissing",
        "InternalError.SigVerificationFail",
    }
)
# The SDK's own words for a request that failed underneath.
OF_THE_SDK = ("ClientNetworkError", "ServerNetworkError")
STATUSES = {"SUCCESS": Status.DELIVERED, "FAIL": Status.FAILED}
RECEIVED = Answer('{"result":0,"errmsg":"OK"}', JSON)
Event = TypeVar("Event")


class TencentProvider:
    """Hands messages to Tencent and reads what it tells."""

    name = NAME
    templated = True
    media_type = JSON
    receipt_answer = RECEIVED
    reply_answer = RECEIVED

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT) -> None:
        self.all_settings = settings
        self.settings = settings.tencent
        self.timeout = timeout
        self.threads = Threads(NAME, timeout)
        self.client: Any = None

    async def send(self, message: Outgoing) -> Accepted:
        """Hand one number, template and parameters over."""
        if not message.template_id:
            raise Unreachable(NO_TEMPLATE)
        request = {
            "PhoneNumberSet": [message.to],
            "SmsSdkAppId": self.settings.app_id,
            "SignName": strip_signature(self.all_settings.sms_signature),
            "TemplateId": message.template_id,
            "TemplateParamSet": list(message.parameters.values()),
            "ExtendCode": message.extension,
            "SessionContext": message.reference,
        }
        return _taken(await self.threads.run(self._prepare("SendSms", request)))

    async def look_up(
        self,
        *,
        to: str,
        text: str,
        since: datetime,
        known: Collection[str],
        own_reference: str = "",
        alone: bool = True,
    ) -> Accepted | None:
        """Find a report for this number, since that moment, that belongs to no other message of ours.

        A report carries no text. Where it carries our own reference (Tencent opens `SessionContext` on request) that
        alone proves it ours. Else the only report that is nobody else's is taken for it, unless it may be that of
        another message whose reference is not known; of two reports none is. Nothing is found before the carrier has
        reported, nor after seven days.
        """
        reports = [item for item in await self._reports(to, since, "look_up") if item.reference not in known]
        if any(item.own_reference for item in reports):
            reports = [item for item in reports if item.own_reference == own_reference]
        elif not alone:
            return None
        if len({item.reference for item in reports}) != 1:
            return None
        return Accepted(reports[-1].reference, reports[-1].status)

    async def ask(self, *, reference: str, to: str, since: datetime) -> Sequence[ReceiptEvent]:
        """Read the number's reports for this message's: what a webhook would have told."""
        return [item for item in await self._reports(to, since, "ask") if item.reference == reference]

    async def close(self) -> None:
        """Close threads and connections."""
        self.threads.close()
        if self.client is not None:
            self.client.request.conn._session.close()
            self.client = None

    def verify(self, request: Request) -> bool:
        """Whether the webhook's address carries our token: Tencent signs nothing."""
        return has_token(request, self.all_settings)

    def read_receipts(self, payload: Any) -> Sequence[ReceiptEvent]:
        """Read an array of reports."""
        return read_items(payload, _read_report)

    def read_replies(self, payload: Any) -> Sequence[ReplyEvent]:
        """Read one reply: it comes as an object."""
        item = as_object(payload)
        phone = _international(read_word(item, "nationcode", optional=True), read_word(item, "mobile"))
        extension = read_word(item, "extend", optional=True)
        return [_reply(phone, extension, read_word(item, "time"), read_text(item, "text"))]

    def pull(self) -> Pulled:
        """Fetch a page of receipts and one of replies. Tencent tells each of them once: record them before the next.

        Raises Unreachable when neither can be had.
        """
        failures: list[ProviderFailure] = []
        receipts = self._pull("PullSmsSendStatus", _read_pulled_report, failures)
        replies = self._pull("PullSmsReplyStatus", _read_pulled_reply, failures)
        if len(failures) == 2:
            raise Unreachable(f"pull:{failures[0].code}")
        for failure in failures:
            log.warning("%s tells only half of what it has (%s)", NAME, failure.code)
        return Pulled(receipts, replies)

    def _pull(
        self, action: str, read: Callable[[Mapping[str, Any]], Event], failures: list[ProviderFailure]
    ) -> Sequence[Event]:
        try:
            answer = self._prepare(action, {"Limit": PAGE, "SmsSdkAppId": self.settings.app_id})()
        except ProviderFailure as failure:
            failures.append(failure)
            return []
        return _read_whole(answer.get(f"{action}Set"), read)

    async def _reports(self, to: str, since: datetime, purpose: str) -> Sequence[ReceiptEvent]:
        begin = max(since - CLOCK_SKEW, clock.now() - KEPT_FOR)
        request = {
            "BeginTime": int(begin.timestamp()),
            "Offset": 0,
            "Limit": PAGE,
            "PhoneNumber": to,
            "SmsSdkAppId": self.settings.app_id,
        }
        try:
            answer = await self.threads.run(self._prepare("PullSmsSendStatusByPhoneNumber", request))
        except ProviderFailure as failure:
            # Asking changes nothing, so whatever went wrong it may be asked again.
            raise Unreachable(f"{purpose}:{failure.code}") from None
        return _read_whole(answer.get("PullSmsSendStatusSet"), _read_pulled_report)

    def _prepare(self, action: str, request: dict[str, Any]) -> Callable[[], Mapping[str, Any]]:
        """Return a call that brings the answer or raises what is known; everything is set up before it runs."""
        client = self._open()

        def call() -> Mapping[str, Any]:
            try:
                answer = as_object(client.call_json(action, request)["Response"])
                code = answer["Error"]["Code"] if "Error" in answer else None
            except Exception as problem:
                raise _explain(problem) from None
            if "Error" in answer:
                raise _explain_code(code)
            return answer

        return call

    def _open(self) -> Any:
        if not (self.settings.secret_id and self.settings.secret_key and self.settings.app_id):
            raise Unreachable("not_configured")
        if self.client is None:
            try:
                self.client = self._connect()
            except ImportError:
                raise Unreachable("not_installed") from None
        return self.client

    def _connect(self) -> Any:
        # Webhooks need no SDK, and the web should not load one.
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile
        from tencentcloud.sms.v20210111.sms_client import SmsClient

        # It writes numbers and parameters into its log.
        logging.getLogger("tencentcloud_sdk_common").setLevel(logging.CRITICAL)
        address = split_address(self.settings.api_base, HOST)
        limits = (min(CONNECT_TIMEOUT, self.timeout), self.timeout)
        http = HttpProfile(protocol=address.scheme, endpoint=address.netloc, reqTimeout=limits)
        keys = Credential(self.settings.secret_id, self.settings.secret_key)
        client = SmsClient(keys, self.settings.region, ClientProfile(httpProfile=http))
        client.request.conn._session.mount(f"{address.scheme}://", Adapter(reads_errors=False))
        return client


def _taken(answer: Mapping[str, Any]) -> Accepted:
    try:
        (item,) = answer["SendStatusSet"]
        code, reference = item["Code"], item.get("SerialNo")
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Unknown(f"unreadable:{type(problem).__name__}") from None
    if str(code).lower() != "ok":
        raise _explain_code(code)
    if not isinstance(reference, str) or not reference:
        raise Unknown("no_reference")
    return Accepted(reference)


def _explain(problem: Exception) -> ProviderFailure:
    """Return what a call proves that ended in an exception: a code the SDK has read, or an answer nobody could read."""
    code = getattr(problem, "code", None)
    return explain(problem) if not code or code in OF_THE_SDK else _explain_code(code)


def _explain_code(code: object) -> ProviderFailure:
    word = tidy_code(code)
    if word in REFUSED:
        return Rejected(word)
    turned_away = word.split(".")[0] in TURNED_AWAY and word != UNEXPLAINED
    return Unreachable(word) if turned_away or word in NOT_PASSED_ON else Unknown(word)


def _read_whole(payload: Any, read: Callable[[Mapping[str, Any]], Event]) -> Sequence[Event]:
    """Read what can be read of a page that is told once; one broken item must not cost the others."""
    events: list[Event] = []
    for item in payload if isinstance(payload, list) else ():
        try:
            events.append(read(as_object(item)))
        except ValueError as problem:
            log.error("%s: an item of a page could not be read (%s)", NAME, problem)
    return events


def _read_report(item: Mapping[str, Any]) -> ReceiptEvent:
    return _receipt(read_word(item, "sid"), read_word(item, "report_status"), item.get("errmsg"), "")


def _read_pulled_report(item: Mapping[str, Any]) -> ReceiptEvent:
    own = read_word(item, "SessionContext", optional=True)
    return _receipt(read_word(item, "SerialNo"), read_word(item, "ReportStatus"), item.get("Description"), own)


def _receipt(reference: str, word: str, code: object, own_reference: str) -> ReceiptEvent:
    status = STATUSES.get(word, Status.ACCEPTED)
    error_code = tidy_code(code) if status is Status.FAILED else ""
    return ReceiptEvent(reference, status, error_code, f"{reference}:{word}", own_reference)


def _read_pulled_reply(item: Mapping[str, Any]) -> ReplyEvent:
    phone = _international(read_word(item, "CountryCode", optional=True), read_word(item, "SubscriberNumber"))
    extension = read_word(item, "ExtendCode", optional=True)
    return _reply(phone, extension, read_word(item, "ReplyTime"), read_text(item, "ReplyContent"))


def _reply(phone: str, extension: str, moment: str, text: str) -> ReplyEvent:
    """A reply has no number of its own: who, where to, when and what name it."""
    said = "\n".join((phone, extension, moment, text)).encode("utf-8", "surrogatepass")
    return ReplyEvent(phone, text, hashlib.sha256(said).hexdigest()[:40], extension)


def _international(country: str, number: str) -> str:
    return number if number.startswith("+") or not country else f"+{country.lstrip('+')}{number}"


def make(settings: Settings) -> TencentProvider:
    """Build the provider for these settings."""
    return TencentProvider(settings)
