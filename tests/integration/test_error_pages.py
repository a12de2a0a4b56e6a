"""Every failure is a page in the reader's language with the right status, and tells nothing of the inside."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.errors import Gone, TooMany
from tests.conftest import make_app, make_settings

HEADINGS = {
    400: ("Request incomplete", "请求不完整"),
    403: ("You may not see this page", "您没有权限看这一页"),
    404: ("Page not found", "没有找到这一页"),
    405: ("Request incomplete", "请求不完整"),
    410: ("No longer published", ""),
    413: ("File too large", "文件太大"),
    429: ("Too many requests", "操作太频繁"),
    500: ("Something went wrong", "系统出错了"),
    503: ("Under maintenance", "正在维护"),
}
SECRET = "the password of the database"


@pytest.fixture
def failing(app: Flask) -> FlaskClient:
    """A client of an application that fails on request."""

    def fail(status: int) -> str:
        if status == 500:
            raise RuntimeError(SECRET)
        if status == 429:
            raise TooMany("", retry_at=clock.now())
        if status == 410:
            raise Gone("")
        abort(status)

    app.add_url_rule("/fail/<int:status>", view_func=fail)
    return app.test_client()


@pytest.mark.parametrize("status", sorted(HEADINGS))
@pytest.mark.parametrize("lang", ["en", "zh_Hans"])
def test_status_has_its_page(failing: FlaskClient, status: int, lang: str) -> None:
    answer = failing.get(f"/fail/{status}?lang={lang}")
    assert answer.status_code == status
    heading = re.findall(r"<h1>(.*?)</h1>", answer.text, re.S)
    assert len(heading) == 1
    english, chinese = HEADINGS[status]
    assert (english if lang == "en" else chinese) in heading[0]
    assert f'<html lang="{"en" if lang == "en" else "zh-Hans"}"' in answer.text
    assert "Traceback" not in answer.text


def test_failure_is_logged_under_the_number_the_reader_sees(
    failing: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = failing.get("/fail/500?lang=en")
    incident = re.search(r'class="code">([0-9a-f]{10})<', answer.text)
    assert incident is not None
    assert incident.group(1) in caplog.text
    assert SECRET not in answer.text


def test_wrong_method_is_told_apart_from_a_wrong_address(client: FlaskClient) -> None:
    assert client.delete("/decisions").status_code == 405
    assert client.get("/decisionss").status_code == 404


def test_form_that_is_too_large_is_refused(client: FlaskClient) -> None:
    answer = client.post("/staff/sign-in", data={"email": "x" * 3_000_000}, content_type="multipart/form-data")
    assert answer.status_code == 413


def test_missing_staff_page_stays_on_the_staff_side(sign_in: Callable[..., FlaskClient]) -> None:
    answer = sign_in(Role.SUPERVISOR).get("/staff/nothing?lang=en")
    assert answer.status_code == 404
    assert "· staff" in answer.text


def test_unreachable_database_gives_the_page_without_it(tmp_path: Path) -> None:
    app = make_app(make_settings(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing"))
    with app.app_context():
        client = app.test_client()
        with client.session_transaction() as session:
            session["_user_id"] = "1.0"
        for path in ("/decisions?lang=en", "/staff/?lang=en"):
            answer = client.get(path)
            assert answer.status_code == 500
            assert "Something went wrong" in answer.text
            assert "127.0.0.1" not in answer.text
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
