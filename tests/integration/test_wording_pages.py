"""The legal office words the texts, sees what they cost, and keeps what each provider has approved."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from notifiers.compose import preview
from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.messages.models import MessageState
from portal.settings import Settings
from portal.wordings import service
from portal.wordings.models import Approval, ProviderTemplate, Wording
from portal.wordings.queries import get_shipped
from portal.wordings.rules import TEXTS
from tests.conftest import make_settings
from tests.factories.messages import make_contact, make_message

SignIn = Callable[..., FlaskClient]
ADDRESS = "/staff/wordings/started/zh_Hans"
TENCENT = f"{ADDRESS}/tencent"
OWN = "提醒又开了。退订回T"


@pytest.fixture
def settings(database_url: str, tmp_path: Any) -> Settings:
    return make_settings(tmp_path, database_url, sms_providers=("tencent", "sandbox"))


@pytest.fixture
def office(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.SUPERVISOR)


def read(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


def seen(office: FlaskClient, address: str = ADDRESS) -> str:
    field = read(office.get(address)).select_one("input[name=seen]")
    assert field is not None
    return str(field["value"])


def save(office: FlaskClient, body: str, **data: str) -> Any:
    return office.post(f"{ADDRESS}?lang=en", data={"body": body, "go": "save", "seen": ""} | data)


def file(office: FlaskClient, **data: str) -> Any:
    full = {"body": "许可提醒已恢复。退订回T", "template_id": "1001", "status": "approved", "decided_on": "2026-01-05"}
    return office.post(f"{TENCENT}?lang=en", data=full | {"seen": seen(office, TENCENT)} | data)


def on_file() -> ProviderTemplate:
    return db.session.scalars(sa.select(ProviderTemplate)).one()


def trail() -> list[tuple[str, str, dict[str, Any]]]:
    wanted = AuditEntry.action.in_(["wording.changed", "wording.restored", "template.filed"])
    rows = db.session.scalars(sa.select(AuditEntry).where(wanted).order_by(AuditEntry.id))
    return [(row.action, row.subject, row.details) for row in rows]


def test_other_roles_have_no_way_in(sign_in: SignIn) -> None:
    for role in (Role.CLERK, Role.REVIEWER):
        client = sign_in(role)
        assert [client.get(path).status_code for path in ("/staff/wordings/", ADDRESS, TENCENT)] == [403] * 3
        assert client.post(ADDRESS, data={"body": OWN, "go": "save"}).status_code == 403
        assert client.post(TENCENT).status_code == 403
        assert client.post(f"{ADDRESS}/restore").status_code == 403


def test_every_text_is_listed_in_both_languages_with_its_cost_and_approval(office: FlaskClient) -> None:
    file(office)
    answer = office.get("/staff/wordings/?lang=en")
    page = read(answer)
    assert len(page.select("td .bubble")) == 2 * len(TEXTS)
    assert preview("started", {}, "zh_Hans") in answer.text
    row = page.select_one(f'tr:has(a[href="{ADDRESS}"])')
    assert row is not None
    cells = [cell.get_text(" ", strip=True) for cell in row.select("td")]
    assert "18 characters · 1 segment" in cells[0]
    assert "Tencent Cloud Approved" in cells[0]
    assert "Tencent Cloud Not handed in" in cells[1]
    assert "Alibaba" not in answer.text
    assert 'href="/staff/wordings/"' in office.get("/staff/messages/").text


@pytest.mark.parametrize("path", ["nothing/zh_Hans", "started/fr", "started/zh_Hans/twilio", "../etc/zh_Hans"])
def test_what_is_no_text_is_not_found(office: FlaskClient, path: str) -> None:
    assert office.get(f"/staff/wordings/{path}").status_code == 404


def test_a_preview_counts_and_saves_nothing(office: FlaskClient) -> None:
    answer = office.post(f"{ADDRESS}?lang=en", data={"body": OWN + "字" * 60, "go": "preview", "seen": ""})
    page = read(answer)
    assert answer.status_code == 200
    counted = {cell["data-out"]: cell.text for cell in page.select("[data-counted=usual] [data-out]")}
    assert counted == {"length": "76", "segments": "2"}
    assert not page.select_one("[data-over]").has_attr("hidden")  # type: ignore[union-attr]
    assert page.select_one("[data-over] strong").text == "6"  # type: ignore[union-attr]
    assert page.select_one("[data-text]").text == "【孟州执法】" + OWN + "字" * 60  # type: ignore[union-attr]
    assert page.select_one("textarea[name=body]").text.strip() == OWN + "字" * 60  # type: ignore[union-attr]
    assert db.session.scalars(sa.select(Wording)).all() == []


def test_a_citys_own_words_are_sent_recorded_and_taken_back(office: FlaskClient) -> None:
    sent = make_message(contact=make_contact(), state=MessageState.DELIVERED, text="【孟州执法】旧的")
    assert save(office, OWN).status_code == 303
    assert preview("started", {}, "zh_Hans") == f"【孟州执法】{OWN}"
    page = office.get(f"{ADDRESS}?lang=en").text
    assert "These are our own words, changed by 李测试" in page
    assert office.post(f"{ADDRESS}/restore", data={"seen": seen(office)}).status_code == 303
    assert preview("started", {}, "zh_Hans") == "【孟州执法】许可提醒已恢复。退订回T"
    assert trail() == [
        ("wording.changed", "wording:started:zh_Hans", {"body": OWN}),
        ("wording.restored", "wording:started:zh_Hans", {"body": OWN}),
    ]
    db.session.refresh(sent)
    assert sent.text == "【孟州执法】旧的"


def test_what_is_wrong_is_told_at_the_field_and_nothing_is_lost(office: FlaskClient) -> None:
    answer = save(office, "★{shop}恢复了{")
    page = read(answer)
    error = page.select_one("#body-error")
    assert answer.status_code == 422
    assert error is not None
    for words in ("Carriers refuse the character “★”", "“shop” is no variable", "what the reply “T” does"):
        assert words in error.text
    assert page.select_one("textarea[name=body]").text.strip() == "★{shop}恢复了{"  # type: ignore[union-attr]
    assert "4 things need fixing" in page.text
    assert db.session.scalars(sa.select(Wording)).all() == []


def test_two_at_once_never_overwrite_each_other(office: FlaskClient) -> None:
    before = seen(office)
    assert save(office, OWN, seen=before).status_code == 303
    late = save(office, "另一种。退订回T", seen=before)
    assert late.status_code == 409
    assert "Somebody else has changed this" in late.text
    assert "另一种。退订回T" in late.text
    assert preview("started", {}, "zh_Hans") == f"【孟州执法】{OWN}"
    assert office.post(f"{ADDRESS}/restore", data={"seen": before}).status_code == 303
    assert preview("started", {}, "zh_Hans") == f"【孟州执法】{OWN}"
    shown = read(late).select_one("input[name=seen]")
    assert save(office, "另一种。退订回T", seen=str(shown["value"])).status_code == 303  # type: ignore[index]


def test_two_first_ones_never_overwrite_each_other(office: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    save(office, OWN)
    file(office)
    monkeypatch.setattr(service, "find_wording", lambda *_place, **_how: None)
    monkeypatch.setattr(service, "find_template", lambda *_place, **_how: None)
    assert save(office, "另一种。退订回T").status_code == 409
    assert file(office, body="许可提醒又开。退订回T", seen="").status_code == 409
    assert preview("started", {}, "zh_Hans") == f"【孟州执法】{OWN}"
    assert on_file().body == "许可提醒已恢复。退订回T"


def test_the_console_gets_the_text_in_its_own_words(office: FlaskClient) -> None:
    page = read(office.get("/staff/wordings/permit_soon/zh_Hans/tencent?lang=en"))
    console = page.select_one("#console")
    assert console is not None
    assert console.text.startswith("您的{1}还有{2}天可申请延续，{3}截止")
    assert "咨询0391-0000000" in console.text
    named = read(office.get("/staff/wordings/permit_soon/zh_Hans/aliyun"))
    assert "${permit}" in named.select_one("#console").text  # type: ignore[union-attr]
    risky = "{advice} may be longer than the 6 characters"
    assert risky in office.get("/staff/wordings/risk_notice/zh_Hans/tencent?lang=en").text
    assert risky not in page.text


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"template_id": ""}, "template_id", "Enter the number"),
        ({"template_id": "SMS 1"}, "template_id", "letters, digits and hyphens"),
        ({"decided_on": ""}, "decided_on", "Enter the day"),
        ({"decided_on": "2999-01-01"}, "decided_on", "has not come yet"),
        ({"status": "refused"}, "note", "Write down the reason"),
        ({"body": "许可提醒{shop}"}, "body", "“shop” is no variable"),
        ({"body": "许可提醒{hotline}"}, "body", "Write the number itself"),
    ],
)
def test_a_status_says_all_that_goes_with_it(office: FlaskClient, data: dict[str, str], field: str, words: str) -> None:
    answer = file(office, **data)
    error = read(answer).select_one(f"#{field}-error")
    assert answer.status_code == 422
    assert error is not None
    assert words in error.text
    assert db.session.scalars(sa.select(ProviderTemplate)).all() == []


def test_an_approval_is_kept_from_draft_to_decision(office: FlaskClient) -> None:
    course = ("draft", "submitted", "refused", "submitted", "approved")
    for status in course:
        assert file(office, status=status, note="too short").status_code == 303
        assert on_file().status is Approval(status)
    template = on_file()
    assert (template.template_id, template.decided_on.isoformat()) == ("1001", "2026-01-05")  # type: ignore[union-attr]
    steps = [(action, details["status"]) for action, _subject, details in trail()]
    assert steps == [
        ("template.filed", status) for status in ("draft", "submitted", "refused", "submitted", "approved")
    ]
    assert trail()[-1][1] == "template:tencent:started:zh_Hans"


def test_what_is_approved_never_changes_under_its_number(office: FlaskClient) -> None:
    file(office)
    changed = file(office, body="许可提醒已恢复。退订请回T")
    assert changed.status_code == 409
    assert "A new text has a new template number" in read(changed).select_one("#template_id-error").text  # type: ignore[union-attr]
    assert "许可提醒已恢复。退订请回T" in changed.text
    assert file(office, status="draft").status_code == 409
    assert (on_file().body, on_file().status) == ("许可提醒已恢复。退订回T", Approval.APPROVED)
    successor = {"body": "许可提醒已恢复。退订请回T", "template_id": "1002"}
    assert file(office, **successor).status_code == 303
    assert (on_file().body, on_file().template_id) == ("许可提醒已恢复。退订请回T", "1002")
    assert file(office, **successor, status="refused", note="x").status_code == 303


def test_late_news_of_a_provider_never_overwrite_another(office: FlaskClient) -> None:
    file(office, status="submitted")
    assert file(office, status="approved", seen="").status_code == 409
    assert on_file().status is Approval.SUBMITTED


def test_a_text_that_differs_from_what_is_approved_says_so(office: FlaskClient) -> None:
    words = "What is approved differs from your text"
    file(office)
    assert words not in office.get(f"{ADDRESS}?lang=en").text
    save(office, OWN)
    assert words in office.get(f"{ADDRESS}?lang=en").text
    page = read(office.get(f"{TENCENT}?lang=en"))
    assert words in page.text
    assert page.select_one("#console").text.strip() == OWN  # type: ignore[union-attr]
    assert page.select_one("textarea[name=body]").text.strip() == "许可提醒已恢复。退订回T"  # type: ignore[union-attr]
    file(office, status="refused", note="withdrawn")
    assert words not in office.get(f"{ADDRESS}?lang=en").text


def test_typed_text_never_becomes_markup(office: FlaskClient) -> None:
    answer = save(office, '<b>{shop}</b>"><script>alert(1)</script>退订回T')
    assert "<script>alert(1)" not in answer.text
    assert "<b>" not in answer.text


def test_a_link_is_named_as_what_providers_refuse(office: FlaskClient) -> None:
    page = office.get("/staff/wordings/revisit/en?lang=en").text
    assert "take no link from a variable" in page
    assert "take no link from a variable" not in office.get(f"{ADDRESS}?lang=en").text
    console = read(office.get("/staff/wordings/revisit/zh_Hans/aliyun")).select_one("#console")
    assert console is not None
    assert "link" not in console.text
    assert "{link}" in get_shipped("revisit", "zh_Hans")


def test_changes_are_dated(office: FlaskClient) -> None:
    save(office, OWN)
    wording = db.session.scalars(sa.select(Wording)).one()
    assert clock.now() - wording.changed_at < timedelta(minutes=1)
    assert wording.changed_by_id is not None
