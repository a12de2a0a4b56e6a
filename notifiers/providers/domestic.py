"""What the domestic providers share: SDKs that know no event loop, and webhooks that carry no signature.

Their SDKs wait for each answer, so every call gets a thread, and all that is not proven by an answer stays unknown:
only a connection that was never made says for certain that nothing left this house.
"""

import asyncio
import hmac
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3
from flask import Request
from requests.adapters import HTTPAdapter

from notifiers.providers import JSON, Accepted, Outgoing, ProviderFailure, Unknown, Unreachable
from portal.settings import Settings
from portal.wordings.rules import NO_TEMPLATE

THREADS = 32
TIMEOUT = 10.0
CONNECT_TIMEOUT = 5.0
NEVER_CONNECTED = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    ssl.SSLCertVerificationError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
)
CODE = re.compile(r"[A-Za-z0-9_.:+/-]{1,80}")
WORD = re.compile(r"[\x21-\x7e]{1,128}")
Event = TypeVar("Event")
Result = TypeVar("Result")


class Threads:
    """Runs an SDK's calls beside the event loop: so many at once, each within its seconds."""

    def __init__(self, name: str, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        self._open()

    def _open(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix=self.name)
        # Time runs from when a call may start, not from when it queued up.
        self.turn = asyncio.Semaphore(THREADS)

    async def run(self, call: Callable[[], Result]) -> Result:
        """Run a call; raises what it raises, Unknown when it is late, Unreachable when it was never begun."""
        async with self.turn:
            future = self.pool.submit(call)
            try:
                return await asyncio.wait_for(asyncio.wrap_future(future), self.timeout)
            except TimeoutError:
                raise (Unreachable("busy") if future.cancel() else Unknown("timeout")) from None

    def close(self) -> None:
        """Let go of the threads; a call that is late ends by its own timeout."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self._open()


class Adapter(HTTPAdapter):
    """The connections of one SDK; tells what a status proves while it is known, for the SDK forgets it.

    `reads_errors` says that the SDK reads JSON of any status itself.
    """

    def __init__(self, *, reads_errors: bool) -> None:
        super().__init__(pool_maxsize=THREADS)
        self.reads_errors = reads_errors

    def send(self, *args: Any, **options: Any) -> requests.Response:
        """Make one request, and none where it is redirected to; raises what its status proves when nobody else will."""
        answer = super().send(*args, **options)
        readable = self.reads_errors and not answer.is_redirect and "json" in answer.headers.get("Content-Type", "")
        if answer.status_code != 200 and not readable:
            raise explain_status(answer.status_code)
        return answer


class DomesticProvider(ABC):
    """A provider behind such an SDK; `keys` are the settings without which it cannot be used."""

    name: str
    templated = True
    media_type = JSON

    def __init__(self, settings: Settings, *, keys: Sequence[str], timeout: float) -> None:
        self.all_settings = settings
        self.keys = keys
        self.timeout = timeout
        self.threads = Threads(self.name, timeout)
        self.client: Any = None

    async def send(self, message: Outgoing) -> Accepted:
        """Hand one number, template and parameters over."""
        if not message.template_id:
            raise Unreachable(NO_TEMPLATE)
        return await self._send(message)

    @abstractmethod
    async def _send(self, message: Outgoing) -> Accepted:
        """Hand over a message that has a template."""

    async def close(self) -> None:
        """Close threads and connections."""
        self.threads.close()
        if self.client is not None:
            self._disconnect()
            self.client = None

    def verify(self, request: Request) -> bool:
        """Whether the webhook's address carries our token: none of them signs anything."""
        return has_token(request, self.all_settings)

    @abstractmethod
    def _connect(self) -> Any:
        """Return the SDK's client; raises ImportError when the SDK is not installed."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Close the connections of the client."""

    def _open(self) -> Any:
        """Return the client, connected once for all threads."""
        if not all(self.keys):
            raise Unreachable("not_configured")
        if self.client is None:
            try:
                self.client = self._connect()
            except ImportError:
                raise Unreachable("not_installed") from None
        return self.client

    def _judged(self, ask: Callable[[], tuple[str, Result]]) -> Callable[[], Result]:
        """Return a call that brings an answer or raises what is known; `ask` brings it with its code of refusal."""

        def call() -> Result:
            try:
                refusal, answer = ask()
            except Exception as problem:
                raise self._explain(problem) from None
            if refusal:
                raise self._explain_code(refusal)
            return answer

        return call

    @abstractmethod
    def _explain(self, problem: Exception) -> ProviderFailure:
        """Return what a call proves that ended in an exception."""

    @abstractmethod
    def _explain_code(self, code: str) -> ProviderFailure:
        """Return what a code of refusal proves."""


@contextmanager
def only_asking(purpose: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into Unreachable: asking changes nothing, so it may be asked again."""
    try:
        yield
    except ProviderFailure as failure:
        raise Unreachable(f"{purpose}:{failure.code}") from None


def split_address(api_base: str, host: str) -> SplitResult:
    """Return where a provider is: its own host, or the one that the settings redirect it to."""
    return urlsplit(api_base or f"https://{host}")


def explain(problem: BaseException) -> ProviderFailure:
    """Return what a call that brought no readable answer proves."""
    links = list(_unwrap(problem))
    for link in links:
        if isinstance(link, ProviderFailure):
            return link
    if any(isinstance(link, NEVER_CONNECTED) for link in links):
        return Unreachable("no_connection")
    if any(isinstance(link, requests.exceptions.Timeout | TimeoutError) for link in links):
        return Unknown("timeout")
    for link in links:
        if isinstance(link, requests.exceptions.RequestException):
            return Unknown(f"connection:{type(link).__name__}")
    return Unknown(f"unreadable:{type(links[0]).__name__}")


def _unwrap(problem: object, seen: frozenset[int] = frozenset()) -> Iterator[BaseException]:
    """Yield an exception and whatever SDK, requests and urllib3 have wrapped in it."""
    if not isinstance(problem, BaseException) or id(problem) in seen:
        return
    yield problem
    inner = [problem.__cause__, problem.__context__, *problem.args]
    inner += [getattr(problem, name, None) for name in ("reason", "inner_exception")]
    for item in inner:
        yield from _unwrap(item, seen | {id(problem)})


def explain_status(status: int) -> ProviderFailure:
    """Return what an HTTP status without a readable code proves."""
    if status in (429, 503) or (400 <= status < 500 and status != 408):
        return Unreachable(f"http:{status}")
    return Unknown(f"http:{status}")


def tidy_code(code: object) -> str:
    """Return a provider's code as it may be logged and stored: neither words nor anything as long as a number."""
    word = str(code)
    return word if CODE.fullmatch(word) and not re.search(r"\d{7}", word) else "unnamed"


def strip_signature(signature: str) -> str:
    """Return a signature as providers keep it on file, without its brackets."""
    return signature.strip().removeprefix("【").removesuffix("】")


def has_token(request: Request, settings: Settings) -> bool:
    """Whether a webhook's address carries our token; without a token of ours none is right."""
    given = request.args.get("token", "").encode("utf-8", "replace")
    wanted = settings.sms_hook_token.encode()
    return bool(wanted) and hmac.compare_digest(given, wanted)


def read_items(payload: Any, read: Callable[[Mapping[str, Any]], Event]) -> Sequence[Event]:
    """Read every item of an array; ValueError when one is broken, so that the provider sends all of them again."""
    if not isinstance(payload, list):
        raise ValueError("no array")
    return [read(as_object(item)) for item in payload]


def as_object(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; ValueError when it is something else."""
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def read_text(item: Mapping[str, Any], name: str) -> str:
    """Return a field that people wrote; ValueError when it is no text."""
    value = item.get(name)
    if not isinstance(value, str):
        raise ValueError(name)
    return value


def read_word(item: Mapping[str, Any], name: str, *, optional: bool = False) -> str:
    """Return a field of printable ASCII, up to 128 characters; whole numbers count. ValueError when it is neither."""
    value = item.get(name)
    if optional and value in (None, ""):
        return ""
    word = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not WORD.fullmatch(word):
        raise ValueError(name)
    return word
