"""The other side of the figures of dispatch: the same HTTP client and nothing else.

`Bare` is a provider that is no more than that client, so that what the outbox costs shows alone; `post_all` is a loop
that keeps no outbox either.
"""

import asyncio
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import aiohttp

from notifiers.dispatch import IN_FLIGHT
from notifiers.providers import Accepted, Outgoing
from notifiers.providers.twilio import TwilioProvider
from portal.settings import Settings
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN

SENDER = "+15005550006"
CALLBACK = "http://portal.test/hooks/sms/twilio/receipts"
# What the SDK sends.
HEADERS = {
    "User-Agent": "twilio-python/9.0.0 (Linux x86_64) Python/3.11.0",
    "X-Twilio-Client": "python-9.0.0",
    "Accept-Charset": "utf-8",
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": f"Basic {b64encode(f'{ACCOUNT_SID}:{AUTH_TOKEN}'.encode()).decode()}",
}


def _url(address: str) -> str:
    return f"{address}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"


def _form(to: str, text: str) -> dict[str, str]:
    return {"To": to, "StatusCallback": CALLBACK, "ValidityPeriod": "36000", "From": SENDER, "Body": text}


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT))


class Bare(TwilioProvider):
    """Posts the form that Twilio's SDK posts, without it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.twilio, settings.public_url)
        self.session: aiohttp.ClientSession | None = None

    async def send(self, message: Outgoing) -> Accepted:
        """Post one form and read the answer."""
        if self.session is None:
            self.session = _session()
        form = _form(message.to, message.text)
        async with self.session.post(_url(self.settings.api_base), data=form, headers=HEADERS) as answer:
            assert answer.status == 201
            taken = await answer.json()
        return Accepted(taken["sid"])

    async def close(self) -> None:
        """Close the session."""
        if self.session is not None:
            await self.session.close()
            self.session = None


@contextmanager
def without_sdk() -> Iterator[None]:
    """Send without Twilio's SDK inside."""
    with patch("notifiers.providers.twilio.make", Bare):
        yield


async def post_all(address: str, texts: Sequence[tuple[str, str]]) -> None:
    """Send texts to phones with nothing but the HTTP client."""
    waiting = iter(texts)

    async def work(session: aiohttp.ClientSession) -> None:
        for to, text in waiting:
            async with session.post(_url(address), data=_form(to, text), headers=HEADERS) as answer:
                assert answer.status == 201
                taken: dict[str, Any] = await answer.json()
                assert taken["sid"]

    async with _session() as session:
        await asyncio.gather(*(work(session) for _ in range(IN_FLIGHT)))
