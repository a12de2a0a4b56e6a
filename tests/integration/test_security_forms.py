"""No form is taken that this portal did not hand out."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role

EXEMPT = {"hooks.receipts", "hooks.replies"}  # Signed by the provider instead.
# Its pages only carry what was typed; the last one checks the token itself and keeps the text when it is stale.
CHECKS_ITSELF = {"complaints.turn_page"}

LONG = "写了一个多小时的长文，谁也不想再写一遍。写了一个多小时的长文，谁也不想再写一遍。"


@pytest.fixture
def checked(app: Flask) -> Flask:
    """The application as readers meet it."""
    app.config["WTF_CSRF_ENABLED"] = True
    return app


@pytest.mark.parametrize("lang", ["en", "zh_Hans"])
def test_form_without_token_is_refused_with_a_way_out(checked: Flask, lang: str) -> None:
    answer = checked.test_client().post(f"/staff/sign-in?lang={lang}", data={"email": "a@b.c", "password": "x"})
    assert answer.status_code == 400
    assert ("open for too long" in answer.text) == (lang == "en")


def test_every_route_that_writes_wants_the_token_and_keeps_what_was_typed(
    app: Flask, sign_in: Callable[..., FlaskClient]
) -> None:
    client = sign_in(Role.ADMIN)
    app.config["WTF_CSRF_ENABLED"] = True
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint in EXEMPT | CHECKS_ITSELF:
            continue
        values = dict.fromkeys(rule.arguments, 1)
        with app.test_request_context():
            built = rule.build(values)
        assert built is not None
        answer = client.post(built[1], data={"text": LONG})
        assert answer.status_code == 400, f"{rule.endpoint} answered {answer.status_code}"
        assert LONG in answer.text, f"{rule.endpoint} lost what was typed"


def test_token_of_one_session_is_no_good_in_another(checked: Flask) -> None:
    one, other = checked.test_client(), checked.test_client()
    token = one.get("/staff/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    other.get("/staff/sign-in")
    answer = other.post("/staff/sign-in", data={"csrf_token": token, "email": "a@b.c", "password": "x"})
    assert answer.status_code == 400
    assert one.post("/staff/sign-in", data={"csrf_token": token, "email": "a@b.c", "password": "x"}).status_code == 422
