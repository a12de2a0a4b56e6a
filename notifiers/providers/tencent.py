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
    DomesticProvider,
    as_object,
    explain,
    only_asking,
    read_items,
    read_text,
    read_word,
    split_address,
    strip_signature,
    tidy_code,
)
from portal import clock
from portal.settings import Settings

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


class TencentProvider(DomesticProvider):
    """Hands messages to Tencent and reads what it tells."""

    name = NAME
    receipt_answer = RECEIVED
    reply_answer = RECEIVED

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT) -> None:
        self.settings = own = settings.tencent
        super().__init__(settings, keys=(own.secret_id, own.secret_key, own.app_id), timeout=timeout)

    async def _send(self, message: Outgoing) -> Accepted:
        request = {
            "PhoneNumberSet": [message.to],
            "SmsSdkAppId": self.settings.app_id,
            "SignName": strip_signature(self.all_settings.sms_signature),
            "TemplateId": message.template_id,
            "TemplateParamSet": list(message.parameters.values()),
            "ExtendCode": message.extension,
            "SessionContext": message.reference,
        }
        return self._taken(await self.threads.run(self._prepare("SendSms", request)))

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
        with only_asking(purpose):
            answer = await self.threads.run(self._prepare("PullSmsSendStatusByPhoneNumber", request))
        return _read_whole(answer.get("PullSmsSendStatusSet"), _read_pulled_report)

    def _prepare(self, action: str, request: dict[str, Any]) -> Callable[[], Mapping[str, Any]]:
        """Return a call that brings the answer or raises what is known; everything is set up before it runs."""
        client = self._open()

        def ask() -> tuple[str, Mapping[str, Any]]:
            answer = as_object(client.call_json(action, request)["Response"])
            return str(answer["Error"]["Code"] or "unnamed") if "Error" in answer else "", answer

        return self._judged(ask)

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

    def _disconnect(self) -> None:
        self.client.request.conn._session.close()

    def _taken(self, answer: Mapping[str, Any]) -> Accepted:
        try:
            (item,) = answer["SendStatusSet"]
            code, reference = str(item["Code"]), item.get("SerialNo")
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise Unknown(f"unreadable:{type(problem).__name__}") from None
        if code.lower() != "ok":
            raise self._explain_code(code)
        if not isinstance(reference, str) or not reference:
            raise Unknown("no_reference")
        return Accepted(reference)

    def _explain(self, problem: Exception) -> ProviderFailure:
        # A code that the SDK has read, or an answer that nobody could read.
        code = getattr(problem, "code", None)
        return explain(problem) if not code or code in OF_THE_SDK else self._explain_code(code)

    def _explain_code(self, code: str) -> ProviderFailure:
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
