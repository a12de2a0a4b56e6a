"""The workbench for tests: somebody who has a complaint open and takes steps as their browser would."""

from typing import Any

from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal.accounts.models import Staff
from portal.complaints.models import Complaint
from portal.db import db
from portal.reply_drafts.models import ReplyPurpose, ReplyTemplate


class Bench:
    """A complaint on the desk of somebody who is signed in."""

    def __init__(self, client: FlaskClient, case: Complaint) -> None:
        self.client, self.case_id = client, case.id
        self.address = f"/staff/complaints/{case.id}"

    def page(self) -> str:
        """Return the workbench as it is shown."""
        return self.client.get(self.address).text

    def seen(self) -> str:
        """Return the mark of the last event on the page."""
        field = BeautifulSoup(self.page(), "html.parser").select_one("[name=seen]")
        return str(field["value"]) if field else "0"

    def offers(self, step: str) -> bool:
        """Whether the page has a form for a step."""
        return BeautifulSoup(self.page(), "html.parser").select_one(f"form[action='{self.address}/{step}']") is not None

    def take(self, step: str, **data: Any) -> int:
        """Take a step with what is on the page now; return the status."""
        return int(self.send(step, **data).status_code)

    def send(self, step: str, **data: Any) -> Any:
        """Take a step with what is on the page now; return the answer."""
        return self.client.post(f"{self.address}/{step}", data={"seen": self.seen()} | data)


def make_reply_template(**changes: Any) -> ReplyTemplate:
    """Write a template of an answer that fits every case."""
    values: dict[str, Any] = {"purpose": ReplyPurpose.ANSWER, "name": "一般答复", "body": "您的来信{number}已办结。"}
    template = ReplyTemplate(**(values | changes))
    db.session.add(template)
    db.session.flush()
    return template


def last_staff() -> Staff:
    """Return the member of staff who was made last."""
    found = db.session.query(Staff).order_by(Staff.id.desc()).first()
    assert found is not None
    return found


def write_and_approve(writer: Bench, reviewer: Bench, reviewer_id: int, **reply: Any) -> None:
    """Write a reply, hand it over, and have it approved."""
    assert writer.take("reply", go="hand", reviewer=reviewer_id, **reply) == 302
    assert reviewer.take("review", verdict="approve") == 302
