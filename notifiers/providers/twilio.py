"""Twilio, through its SDK; nothing else imports the SDK.

What an answer proves: 4xx says the message was not taken, a connection that was never made or 429 and 503 say the same
for a reason that passes. Anything else that goes wrong after the request left leaves it unknown.
"""

import logging
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote_plus, urlsplit

import aiohttp
from flask import Request
from twilio.base import values
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from notifiers.providers import (
    FORM,
    Accepted,
    Answer,
    Outgoing,
    Pulled,
    ReceiptEvent,
    Rejected,
    ReplyEvent,
    Status,
    Unknown,
    Unreachable,
)
from portal.contacts.rules import BadPhone, normalise_phone
from portal.settings import Settings, TwilioSettings

NAME = "twilio"
TIMEOUT = 10
CONNECT_TIMEOUT = 5
CONNECTIONS = 256
# So many messages to one number are looked through for one that was lost.
LISTED = 100
# The window in which a lost message may appear in Twilio's own list.
CLOCK_SKEW = timedelta(minutes=2)
PASSING_STATUSES = frozenset({401, 403, 404, 429, 503})
# Faults of the account or the sender, not of the message: the same for every message until somebody mends them.
# https://www.twilio.com/docs/api/errors
ACCOUNT_CODES = frozenset(
    {14107, 20003, 20404, 20429, 21212, 21603, 21606, 21611, 21659, 21660, 21661, 21703, 30002, 63038}
)
FAILED_STATUSES = frozenset({"failed", "undelivered", "canceled"})
DELIVERED_STATUSES = frozenset({"delivered", "read"})
EMPTY_ANSWER = Answer('<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")

# The SDK writes addresses, numbers and texts into its log.
_silent = logging.Logger("twilio-silent", logging.CRITICAL)


class HttpClient(AsyncHttpClient):
    """The SDK's way out: one session with room for every hand-over in flight, redirected where settings say so."""

    def __init__(self, api_base: str, timeout: float) -> None:
        super().__init__(_silent, True, timeout)
        self.base = urlsplit(api_base) if api_base else None
        self.session: aiohttp.ClientSession | None = None

    def redirect(self, url: str) -> str:
        """Return an address at the configured base instead of any of Twilio's hosts."""
        if self.base is None:
            return url
        parts = urlsplit(url)
        path = self.base.path.rstrip("/") + parts.path
        return parts._replace(scheme=self.base.scheme, netloc=self.base.netloc, path=path).geturl()

    def open_session(self) -> aiohttp.ClientSession:
        """Return the session, made inside the loop that uses it."""
        if self.session is None:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=self.timeout, sock_connect=CONNECT_TIMEOUT),
            )
        return self.session

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make one request; raises what aiohttp raises."""
        if auth:
            headers = (headers or {}) | {"Authorization": _basic(auth)}
        answer = await self.open_session().request(
            method,
            self.redirect(uri),
            params=params or None,
            data=_form(data) if data else None,
            headers=headers,
            allow_redirects=allow_redirects,
        )
        async with answer:
            return Response(answer.status, (await answer.read()).decode(), answer.headers)

    async def close(self) -> None:
        """Close the session."""
        if self.session is not None:
            await self.session.close()
            self.session = None


def _form(data: Mapping[str, object]) -> bytes:
    """Encode a form; aiohttp would take a fifth of a hand-over to encode the same texts again and again."""
    return "&".join(
        f"{name}={quote_plus(str(value)) if name == 'To' else _quoted(str(value))}" for name, value in data.items()
    ).encode()


# What many messages share: sender, addresses, texts; no phones.
@lru_cache(maxsize=512)
def _quoted(value: str) -> str:
    return quote_plus(value)


@cache
def _basic(auth: tuple[str, str]) -> str:
    return f"Basic {b64encode(':'.join(auth).encode()).decode()}"


class TwilioProvider:
    """Hands messages to Twilio and reads what it tells."""

    name = NAME
    templated = False
    media_type = FORM
    receipt_answer = Answer(status=204)
    reply_answer = EMPTY_ANSWER

    def __init__(self, settings: TwilioSettings, public_url: str, *, timeout: float = TIMEOUT) -> None:
        self.settings = settings
        self.public_url = public_url
        self.http = HttpClient(settings.api_base, timeout)
        # `environment` keeps the SDK from reading variables of its own (edge, region) behind our back.
        self.client = Client(
            settings.account_sid, settings.auth_token, http_client=self.http, environment={"TWILIO": "settings"}
        )

    async def send(self, message: Outgoing) -> Accepted:
        """Create a message resource."""
        if not (self.settings.account_sid and self.settings.auth_token and self.settings.sender):
            raise Unreachable("not_configured")
        try:
            taken = await self.client.messages.create_async(
                to=message.to,
                from_=self.settings.sender,
                body=message.text,
                status_callback=message.callback or values.unset,
                validity_period=message.valid_for or values.unset,
            )
        except (TwilioException, aiohttp.ClientError, OSError) as problem:
            raise _explain(problem) from None
        except Exception as problem:
            # Whatever the answer was, it could not be read, and the message may be on its way.
            raise Unknown(f"unreadable:{type(problem).__name__}") from None
        return _taken(taken)

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
        """Search Twilio's list, the newest first, for a message with this text to this number.

        It is not narrowed to days of sending: what still waits at Twilio has none.
        """
        try:
            listed = await self.client.messages.list_async(to=to, limit=LISTED, page_size=LISTED)
        except Exception as problem:
            # Asking changes nothing, so whatever went wrong it may be asked again.
            raise Unreachable(f"look_up:{type(problem).__name__}") from None
        for found in listed:
            if found.sid and found.sid not in known and _matches(found, to, text, since):
                return _taken(found)
        return None

    async def ask(self, *, reference: str, to: str, since: datetime) -> Sequence[ReceiptEvent]:
        """Fetch the message itself: what a callback would have told."""
        try:
            found = await self.client.messages(reference).fetch_async()
        except Exception as problem:
            raise Unreachable(f"ask:{type(problem).__name__}") from None
        word = str(found.status or "").lower()
        return [ReceiptEvent(reference, _status(word), str(found.error_code or ""), f"{reference}:{word}")]

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()

    def verify(self, request: Request) -> bool:
        """Check `X-Twilio-Signature` over the public address, which proxies cannot change."""
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        address = f"{self.public_url}{request.path}{query}"
        signature = request.headers.get("X-Twilio-Signature", "")
        validator = RequestValidator(self.settings.auth_token)
        return bool(signature and self.settings.auth_token and validator.validate(address, request.form, signature))

    def read_receipts(self, payload: Mapping[str, str]) -> Sequence[ReceiptEvent]:
        """Read a status callback."""
        reference = payload.get("MessageSid") or payload.get("SmsSid") or ""
        word = (payload.get("MessageStatus") or payload.get("SmsStatus") or "").lower()
        if not reference or not word:
            return []
        return [ReceiptEvent(reference, _status(word), payload.get("ErrorCode") or "", f"{reference}:{word}")]

    def read_replies(self, payload: Mapping[str, str]) -> Sequence[ReplyEvent]:
        """Read an incoming message."""
        key = payload.get("MessageSid") or payload.get("SmsSid") or payload.get("SmsMessageSid") or ""
        sender = payload.get("From") or ""
        if not key or not sender:
            return []
        try:
            phone = normalise_phone(sender)
        except BadPhone:
            phone = sender
        return [ReplyEvent(phone, payload.get("Body") or "", key)]

    def pull(self) -> Pulled:
        """Twilio calls; nothing is pulled."""
        return Pulled()


def _taken(message: MessageInstance) -> Accepted:
    if not isinstance(message.sid, str) or not message.sid:
        raise Unknown("no_reference")
    return Accepted(message.sid, _status(str(message.status or "").lower()))


def _status(word: str) -> Status:
    if word in FAILED_STATUSES:
        return Status.FAILED
    return Status.DELIVERED if word in DELIVERED_STATUSES else Status.ACCEPTED


def _matches(found: MessageInstance, to: str, text: str, since: datetime) -> bool:
    created: Any = found.date_created
    early = isinstance(created, datetime) and created.astimezone(UTC) < since - CLOCK_SKEW
    return found.body == text and found.to == to and not early


def _explain(problem: Exception) -> Unreachable | Rejected | Unknown:
    if isinstance(problem, TwilioRestException | TwilioServiceException):
        return _explain_answer(int(problem.status), problem.code)
    if isinstance(problem, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL):
        return Unreachable("no_connection")
    if isinstance(problem, TimeoutError):
        return Unknown("timeout")
    return Unknown(f"connection:{type(problem).__name__}")


def _explain_answer(status: int, code: int | str | None) -> Unreachable | Rejected | Unknown:
    word = str(code or status)
    if status in PASSING_STATUSES or (400 <= status < 500 and code in ACCOUNT_CODES):
        return Unreachable(word)
    if 400 <= status < 500 and status != 408:
        return Rejected(word)
    return Unknown(word)


def make(settings: Settings) -> TwilioProvider:
    """Build the provider for these settings."""
    return TwilioProvider(settings.twilio, settings.public_url)
