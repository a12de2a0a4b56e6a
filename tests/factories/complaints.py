"""Complaints for tests: what a sender types, page by page, and cases that stand at a certain point."""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import count
from typing import Any

from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from portal.complaints import service
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState
from portal.complaints.queries import find_next_due
from portal.complaints.service import Filing
from portal.db import db

CODE = "K7MQ2XDT9H4W"
PHONE = "13800138000"
_numbers = count(1)

PAGES: tuple[dict[str, str], ...] = (
    {"kind": "conduct", "category": "card"},
    {"organ": "0", "officer": ""},
    {
        "facts": "检查人员没有出示证件",
        "year": "2026",
        "month": "11",
        "day": "20",
        "place": "会昌街道",
        "wants": "请说明",
    },
    {"how": "named", "name": "王虚构", "phone": PHONE, "sms_wanted": "y"},
    {},
)


def make_complaint(
    *,
    kind: ComplaintKind = ComplaintKind.REPORT,
    organ_id: int | None = None,
    phone: str = "",
    state: ComplaintState = ComplaintState.SUBMITTED,
    **changes: Any,
) -> Complaint:
    """Create a complaint at a state; its query code is whatever its seal says."""
    values: dict[str, Any] = {
        "key": f"factory-{next(_numbers)}",
        "kind": kind,
        "category": "card",
        "organ_id": organ_id,
        "officer": "",
        "facts": "检查人员没有出示证件",
        "wants": "",
        "happened_on": None,
        "place": "",
        "anonymous": not phone,
        "sender_name": "王虚构" if phone else "",
        "phone": phone,
        "sms_wanted": bool(phone),
    }
    complaint = service.file_complaint(filing=Filing(**(values | changes)), code=service.make_code())
    complaint.state = state
    complaint.next_due_on = find_next_due(complaint)
    db.session.flush()
    return complaint


def code_of(complaint: Complaint) -> str:
    """Return the query code of a complaint that has not been confirmed."""
    code = service.show_code(complaint)
    assert code
    return code


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a small picture that tells where it was taken and by whom."""
    image = Image.new("RGB", size, "green")
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    exif[0x8825] = {1: "N", 2: (IFDRational(34), IFDRational(54), IFDRational(0))}
    out = BytesIO()
    image.save(out, kind, exif=exif)
    return out.getvalue()


def pdf() -> bytes:
    """Return a very small PDF."""
    return b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def hidden(html: str) -> dict[str, str]:
    """Return the hidden fields of the complaint form on a page."""
    form = BeautifulSoup(html, "html.parser").select_one("form#complaint")
    assert form is not None, html
    return {str(field["name"]): str(field.get("value", "")) for field in form.select("input[type=hidden]")}


class Sender:
    """Somebody who fills in the form, a page at a time, as a browser without JavaScript does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.answer: Any = client.get("/complaints/new")

    def turn(
        self, typed: Mapping[str, str], go: str = "next", files: Sequence[tuple[str, bytes]] = (), query: str = ""
    ) -> Any:
        """Send the page that is open with what was typed; return the answer."""
        data: dict[str, Any] = hidden(self.answer.text) | dict(typed) | {"go": go}
        data["files"] = [(BytesIO(content), name) for name, content in files]
        self.answer = self.client.post(f"/complaints/new{query}", data=data, content_type="multipart/form-data")
        return self.answer

    def fill(self, changes: Mapping[int, Mapping[str, str]] | None = None, **files: Any) -> Any:
        """Fill in the first four pages; return the last page."""
        for number, page in enumerate(PAGES[:4], start=1):
            typed = page | dict((changes or {}).get(number, {}))
            self.turn(typed, files=files.get("files", ()) if number == 3 else ())
        return self.answer

    def send(self) -> tuple[str, str]:
        """Send the last page; return number and code as the receipt shows them."""
        self.turn({})
        assert self.answer.status_code == 302, self.answer.text
        page = BeautifulSoup(self.client.get("/complaints/receipt").text, "html.parser")
        number, code = page.select_one("#number"), page.select_one("#code")
        assert number is not None
        assert code is not None
        return number.text, code.text


def errors(html: str) -> str:
    """Return the words of a page's error summary."""
    box = BeautifulSoup(html, "html.parser").select_one("#errors")
    return re.sub(r"\s+", " ", box.text).strip() if box else ""
