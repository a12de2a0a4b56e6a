"""Local servers in the shapes of Tencent's and Aliyun's APIs, for tests.

They check signatures in full (TC3-HMAC-SHA256, ACS3-HMAC-SHA256), keep what they took, and misbehave for numbers with
the same endings as the server in Twilio's shape. Run them with `tests.twilio_server.running`.
"""

import asyncio
import hashlib
import hmac
import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import web

from portal import clock
from portal.settings import AliyunSettings, TencentSettings
from tests.twilio_server import DROPS, FAILS, GARBAGE, HANGS, SILENT

KEY_ID, KEY = "test-key-id", "test-key-secret"
APP_ID, SIGN, TEMPLATE = "1400000000", "孟州执法", "TEMPLATE_1"
STATUSES = {"0429": 429, "0500": 500, "0502": 502, "0503": 503}
BLACKLISTED = "0404"


@dataclass
class DomesticServer(ABC):
    """What both servers do and have seen; safe to read from another thread.

    `only_code`, `only_status` and `only_answer` answer every request; `echo_reference` is off where reports leave out
    what we called a message; `taken` says nothing of what was answered.
    """

    latency: float = 0.0
    only_code: str = ""
    only_status: int = 0
    only_answer: dict[str, Any] | None = None
    echo_reference: bool = True
    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """The address for the provider's API_BASE."""
        return f"http://127.0.0.1:{self.port}"

    def application(self) -> web.Application:
        """Return the server's application."""
        app = web.Application()
        app.router.add_post("/", self.handle)
        return app

    @abstractmethod
    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""

    async def take(self, request: web.Request, message: dict[str, Any], answer: web.Response) -> web.StreamResponse:
        """Keep a message and answer, or take it and misbehave."""
        self.taken.append(message)
        ending = str(message["phone"])[-4:]
        await asyncio.sleep(self.latency)
        if ending == DROPS and request.transport is not None:
            request.transport.close()
        if ending == HANGS:
            await asyncio.sleep(60)
        if ending == GARBAGE:
            return web.Response(text="<html>OK</html>", content_type="text/html")
        return answer

    def reported(self, phone: object) -> list[dict[str, Any]]:
        """Return the messages to a number that a carrier has reported on."""
        return [item for item in self.taken if item["phone"] == phone and not str(phone).endswith(SILENT)]


def tencent_settings(address: str, **changes: str) -> TencentSettings:
    """Return settings that Tencent's server, at its address, accepts."""
    values = {"secret_id": KEY_ID, "secret_key": KEY, "app_id": APP_ID, "api_base": address}
    return TencentSettings(**(values | changes))  # type: ignore[arg-type]


def aliyun_settings(address: str, **changes: str) -> AliyunSettings:
    """Return settings that Aliyun's server, at its address, accepts."""
    values = {"access_key_id": KEY_ID, "access_key_secret": KEY, "api_base": address}
    return AliyunSettings(**(values | changes))  # type: ignore[arg-type]


def _page(status: int) -> web.Response:
    return web.Response(status=status, text=f"<html>{status}</html>", content_type="text/html")


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _mac(key: bytes, words: str) -> bytes:
    return hmac.new(key, words.encode(), hashlib.sha256).digest()


class TencentServer(DomesticServer):
    """Tencent's SMS API of 2021-01-11."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = await request.read()
        asked = json.loads(body)
        action = request.headers.get("X-TC-Action", "")
        self.asked.append((action, asked))
        if self.only_answer is not None:
            return _tencent(self.only_answer)
        if self.only_status:
            return _page(self.only_status)
        if not self._is_signed(request, body):
            return _tencent({"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "wrong"}})
        if asked.get("SmsSdkAppId") != APP_ID or request.headers.get("X-TC-Version") != "2021-01-11":
            return _tencent({"Error": {"Code": "InvalidParameterValue.SdkAppIdNotExist", "Message": "wrong"}})
        if action == "SendSms":
            return await self._send(request, asked)
        return _tencent({f"{action.removesuffix('ByPhoneNumber')}Set": self._list(action, asked)})

    async def _send(self, request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        (phone,) = asked["PhoneNumberSet"]
        if phone[-4:] in STATUSES:
            return _page(STATUSES[phone[-4:]])
        if self.only_code.startswith(("InternalError", "RequestLimit", "AuthFailure")):
            return _tencent({"Error": {"Code": self.only_code, "Message": f"for {phone}"}})
        code = self.only_code or self._refuse(phone, asked)
        status = {"PhoneNumber": phone, "Fee": 1, "SessionContext": asked["SessionContext"], "IsoCode": "CN"}
        if code:
            refusal = status | {"SerialNo": "", "Code": code, "Message": f"for {phone}"}
            return _tencent({"SendStatusSet": [refusal]})
        number = f"2028:{uuid.uuid4().hex[:20]}"
        message = {"phone": phone, "reference": number, "own": asked["SessionContext"], "at": clock.now().timestamp()}
        taken = status | {"SerialNo": number, "Code": "Ok", "Message": "send success"}
        return await self.take(request, message, _tencent({"SendStatusSet": [taken]}))

    def _refuse(self, phone: str, asked: Mapping[str, Any]) -> str:
        if asked["SignName"] != SIGN:
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        if asked["TemplateId"] != TEMPLATE:
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if not all(isinstance(value, str) for value in asked["TemplateParamSet"]):
            return "InvalidParameterValue.TemplateParameterFormatError"
        return "FailedOperation.PhoneNumberInBlacklist" if phone.endswith(BLACKLISTED) else ""

    def _list(self, action: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        if action == "PullSmsSendStatusByPhoneNumber":
            found = self.reported(asked["PhoneNumber"])
            return [self._report(item) for item in found if item["at"] >= asked["BeginTime"]][: asked["Limit"]]
        queue = self.reports if action == "PullSmsSendStatus" else self.replies
        told = queue[: asked["Limit"]]
        del queue[: asked["Limit"]]
        return told

    def _report(self, item: Mapping[str, Any]) -> dict[str, Any]:
        failed = str(item["phone"]).endswith(FAILS)
        return {
            "UserReceiveTime": int(item["at"]),
            "CountryCode": "86",
            "SubscriberNumber": str(item["phone"])[3:],
            "PhoneNumber": item["phone"],
            "SerialNo": item["reference"],
            "ReportStatus": "FAIL" if failed else "SUCCESS",
            "Description": "MK:0001" if failed else "DELIVRD",
            "SessionContext": item["own"] if self.echo_reference else "",
        }

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        headers, stamp = request.headers, request.headers.get("X-TC-Timestamp", "0")
        parts = headers.get("Authorization", "").split("Credential=")[-1].split("/")
        day = parts[1] if len(parts) > 1 else ""
        signed = f"content-type:{headers['Content-Type']}\nhost:{headers['Host']}\n"
        canonical = f"POST\n/\n\n{signed}\ncontent-type;host\n{_hex(body)}"
        scope = f"{day}/sms/tc3_request"
        key = _mac(_mac(_mac(f"TC3{KEY}".encode(), day), "sms"), "tc3_request")
        signature = _mac(key, f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{_hex(canonical.encode())}").hex()
        return headers.get("Authorization") == (
            f"TC3-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
        )


def _tencent(content: dict[str, Any]) -> web.Response:
    # Without a character set, as Tencent sends it: the SDK looks for exactly that.
    body = json.dumps({"Response": content | {"RequestId": str(uuid.uuid4())}}).encode()
    return web.Response(body=body, headers={"Content-Type": "application/json"})


class AliyunServer(DomesticServer):
    """Aliyun's dysmsapi of 2017-05-25."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        asked = dict(request.query)
        action = request.headers.get("x-acs-action", "")
        self.asked.append((action, asked))
        if self.only_answer is not None:
            return _aliyun(self.only_answer, self.only_status or 200)
        if self.only_status:
            return _page(self.only_status)
        if not self._is_signed(request):
            return _aliyun({"Code": "SignatureDoesNotMatch"}, 400)
        if action == "SendSms":
            return await self._send(request, asked)
        return _aliyun({"Code": "OK", "TotalCount": 1, "SmsSendDetailDTOs": {"SmsSendDetailDTO": self._list(asked)}})

    async def _send(self, request: web.Request, asked: Mapping[str, str]) -> web.StreamResponse:
        phone = asked["PhoneNumbers"]
        if phone[-4:] in STATUSES:
            return _aliyun({"Code": "ServiceUnavailable"}, STATUSES[phone[-4:]])
        if self.only_code.startswith("Throttling"):
            return _aliyun({"Code": self.only_code}, 400)
        code = self.only_code or self._refuse(phone, asked)
        if code:
            return _aliyun({"Code": code, "Message": f"for {phone}"})
        now = clock.now()
        number = f"{uuid.uuid4().int % 10**15}^0"
        message = {
            "phone": phone,
            "reference": number,
            "own": asked.get("OutId", ""),
            "day": f"{clock.local(now):%Y%m%d}",
        }
        return await self.take(request, message, _aliyun({"Code": "OK", "BizId": number}))

    def _refuse(self, phone: str, asked: Mapping[str, str]) -> str:
        if asked["SignName"] != SIGN:
            return "isv.SMS_SIGNATURE_ILLEGAL"
        if asked["TemplateCode"] != TEMPLATE:
            return "isv.SMS_TEMPLATE_ILLEGAL"
        if not all(isinstance(value, str) for value in json.loads(asked["TemplateParam"]).values()):
            return "isv.INVALID_JSON_PARAM"
        return "isv.MOBILE_NUMBER_ILLEGAL" if phone.endswith(BLACKLISTED) else ""

    def _list(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        return [
            {
                "PhoneNum": item["phone"],
                "SendStatus": 2 if str(item["phone"]).endswith(FAILS) else 3,
                "ErrCode": "MK:0001" if str(item["phone"]).endswith(FAILS) else "DELIVERED",
                "OutId": item["own"] if self.echo_reference else "",
                "Content": "【孟州执法】…",
            }
            for item in self.reported(asked["PhoneNumber"])
            if item["day"] == asked["SendDate"] and asked.get("BizId") in (None, item["reference"])
        ]

    def _is_signed(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        names = given.split("SignedHeaders=")[-1].split(",")[0]
        headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names.split(";"))
        query = "&".join(
            f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(request.query.items())
        )
        canonical = f"POST\n/\n{query}\n{headers}\n{names}\n{request.headers.get('x-acs-content-sha256')}"
        signature = _mac(KEY.encode(), f"ACS3-HMAC-SHA256\n{_hex(canonical.encode())}").hex()
        return given == f"ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders={names},Signature={signature}"


def _aliyun(content: dict[str, Any], status: int = 200) -> web.Response:
    headers = {"Location": "/"} if 300 <= status < 400 else {}
    return web.json_response({"RequestId": str(uuid.uuid4()), "Message": "…"} | content, status=status, headers=headers)
