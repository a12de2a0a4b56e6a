"""Aliyun (Alibaba Cloud) SMS, through its SDK; nothing else imports the SDK. It sends approved templates alone.

What an answer proves: `OK` says the message was taken; a code of ours (`isv.`) says it was not, for good (the number,
the words) or until somebody mends it (limits, balance, signature, template, keys). A fault of theirs (`isp.`, 5xx) and
a timeout leave it unknown: nothing there is idempotent, and Aliyun warns that a request that timed out may still be
sent. The SDK's asynchronous client builds a TLS context for every request (30 ms of CPU), so its other one is used.

Receipts and replies come by webhook. Their queues (MNS) need an SDK of their own and are not read: an office that
nobody can call has its messages asked for one by one (`ask`), and gets no replies.
"""

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from requests import Session

from notifiers.providers import (
    BY_OWN_REFERENCE,
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
    THREADS,
    TIMEOUT,
    Adapter,
    DomesticProvider,
    explain,
    explain_status,
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

NAME = "aliyun"
HOST = "dysmsapi.aliyuncs.com"
PAGE = 50
CLOCK_SKEW = timedelta(minutes=2)
REFUSED = frozenset(
    {
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.CUSTOMER_REFUSED",  # The reader refused texts at the provider.
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
    }
)
# Codes that turn a request away before anything is passed on, at the gateway or behind it, begin like these.
TURNED_AWAY = (
    "isv.",
    "isp.RAM_PERMISSION_DENY",
    "Forbidden",
    "IncompleteSignature",
    "Invalid",
    "Missing",
    "NoPermission",
    "SignatureDoesNotMatch",
    "Throttling",
    "Unsupported",
)
# The same request came before, and was perhaps taken: something in between has sent it again.
REPEATED = "SignatureNonceUsed"
STATUSES = {"1": Status.ACCEPTED, "2": Status.FAILED, "3": Status.DELIVERED}
RECEIVED = Answer(json.dumps({"code": 0, "msg": "\u63a5\u6536\u6210\u529f"}), JSON)


class AliyunProvider(DomesticProvider):
    """Hands messages to Aliyun and reads what it tells."""

    name = NAME
    receipt_answer = RECEIVED
    reply_answer = RECEIVED

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT) -> None:
        self.settings = own = settings.aliyun
        super().__init__(settings, keys=(own.access_key_id, own.access_key_secret), timeout=timeout)
        self.session: Session | None = None

    async def _send(self, message: Outgoing) -> Accepted:
        request = {
            "phone_numbers": _domestic(message.to),
            "sign_name": strip_signature(self.all_settings.sms_signature),
            "template_code": message.template_id,
            "template_param": json.dumps(dict(message.parameters), ensure_ascii=False),
            "out_id": message.reference or None,
            "sms_up_extend_code": message.extension or None,
        }
        answer = await self.threads.run(self._prepare("SendSms", "send_sms", request))
        if not isinstance(answer.biz_id, str) or not answer.biz_id:
            raise Unknown("no_reference")
        return Accepted(answer.biz_id)

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
        """Find the message to this number that carries our own reference; without one, nothing is proven."""
        for item in await self._details(to, since, "", "look_up") if own_reference else ():
            if item.own_reference == own_reference and item.reference not in known:
                return Accepted(item.reference, item.status)
        return None

    async def ask(self, *, reference: str, to: str, since: datetime) -> Sequence[ReceiptEvent]:
        """Read the message's details: what a webhook would have told."""
        if reference.startswith(BY_OWN_REFERENCE):
            return [item for item in await self._details(to, since, "", "ask") if item.reference == reference]
        return await self._details(to, since, reference, "ask")

    def read_receipts(self, payload: Any) -> Sequence[ReceiptEvent]:
        """Read an array of reports."""
        return read_items(payload, _read_report)

    def read_replies(self, payload: Any) -> Sequence[ReplyEvent]:
        """Read an array of replies."""
        return read_items(payload, _read_reply)

    def pull(self) -> Pulled:
        """Nothing is pulled: see above."""
        return Pulled()

    async def _details(self, to: str, since: datetime, biz_id: str, purpose: str) -> Sequence[ReceiptEvent]:
        # It asks for the day of sending, which may be either one around midnight.
        days = {clock.local(moment).strftime("%Y%m%d") for moment in (since - CLOCK_SKEW, since + CLOCK_SKEW)}
        events: list[ReceiptEvent] = []
        for day in sorted(days):
            request = {
                "phone_number": _domestic(to),
                "send_date": day,
                "biz_id": biz_id or None,
                "current_page": 1,
                "page_size": PAGE,
            }
            with only_asking(purpose):
                answer = await self.threads.run(self._prepare("QuerySendDetails", "query_send_details", request))
            try:
                items = answer.sms_send_detail_dtos.sms_send_detail_dto
                events += [_detail(item, biz_id) for item in items]
            except (AttributeError, TypeError):
                raise Unreachable(f"{purpose}:unreadable") from None
        return events

    def _prepare(self, model: str, method: str, request: dict[str, Any]) -> Callable[[], Any]:
        """Return a call that brings the answer's body or raises what is known; everything is set up before it runs."""
        client = self._open()
        from alibabacloud_dysmsapi20170525 import models
        from darabonba.runtime import RuntimeOptions

        act = getattr(client, f"{method}_with_options")
        filled = getattr(models, f"{model}Request")(**request)

        def ask() -> tuple[str, Any]:
            body = act(filled, RuntimeOptions()).body
            return "" if body.code == "OK" else str(body.code or "unnamed"), body

        return self._judged(ask)

    def _connect(self) -> Any:
        # Webhooks need no SDK, and the web should not load one.
        from alibabacloud_dysmsapi20170525.client import Client
        from alibabacloud_tea_openapi.utils_models import Config
        from darabonba.core import DaraCore

        # Numbers and parameters travel in the address, which is logged below.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        logging.getLogger("darabonba-core").setLevel(logging.CRITICAL)
        address = split_address(self.settings.api_base, HOST)
        config = Config(
            access_key_id=self.settings.access_key_id,
            access_key_secret=self.settings.access_key_secret,
            endpoint=address.netloc,
            protocol=address.scheme,
            connect_timeout=int(min(CONNECT_TIMEOUT, self.timeout) * 1000),
            read_timeout=int(self.timeout * 1000),
            max_idle_conns=THREADS,
        )
        # The session that it will find under this name: made once, before many threads each make their own.
        self.session = DaraCore._get_session(
            f"{address.scheme}://{address.netloc}:80:pool={THREADS}", address.scheme, pool_size=THREADS
        )
        self.session.mount(f"{address.scheme}://", Adapter(reads_errors=True))
        return Client(config)

    def _disconnect(self) -> None:
        if self.session is not None:
            self.session.close()  # The SDK keeps it for all; it opens again when it is used.
            self.session = None

    def _explain(self, problem: Exception) -> ProviderFailure:
        # An answer of 4xx or 5xx, or none that could be read.
        status = getattr(problem, "status_code", None)
        if not isinstance(status, int):
            return explain(problem)
        code = tidy_code(getattr(problem, "code", None) or status)
        if isinstance(explain_status(status), Unknown):
            return Unknown(code)
        if code in REFUSED or code.startswith(("isp.", REPEATED)):
            return self._explain_code(code)
        return Unreachable(code)

    def _explain_code(self, code: str) -> ProviderFailure:
        word = tidy_code(code)
        if word in REFUSED:
            return Rejected(word)
        return Unreachable(word) if word.startswith(TURNED_AWAY) else Unknown(word)


def _detail(item: Any, biz_id: str) -> ReceiptEvent:
    own = str(item.out_id or "")
    reference = biz_id or f"{BY_OWN_REFERENCE}{own}"
    return _receipt(reference, STATUSES.get(str(item.send_status), Status.ACCEPTED), item.err_code, own)


def _read_report(item: Mapping[str, Any]) -> ReceiptEvent:
    success = item.get("success")
    if not isinstance(success, bool):
        raise ValueError("success")
    status = Status.DELIVERED if success else Status.FAILED
    own = read_word(item, "out_id", optional=True)
    return _receipt(read_word(item, "biz_id"), status, item.get("err_code"), own)


def _receipt(reference: str, status: Status, code: object, own_reference: str) -> ReceiptEvent:
    error_code = tidy_code(code) if status is Status.FAILED else ""
    return ReceiptEvent(reference, status, error_code, f"{reference}:{status.value}", own_reference)


def _read_reply(item: Mapping[str, Any]) -> ReplyEvent:
    # Only the last digits can be ours; many lines carry none of them back.
    extension = read_word(item, "dest_code", optional=True)[-2:]
    return ReplyEvent(
        read_word(item, "phone_number"), read_text(item, "content"), read_word(item, "sequence_id"), extension
    )


def _domestic(phone: str) -> str:
    return phone.removeprefix("+86").lstrip("+")


def make(settings: Settings) -> AliyunProvider:
    """Build the provider for these settings."""
    return AliyunProvider(settings)
