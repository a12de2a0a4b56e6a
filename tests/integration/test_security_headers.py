"""Every answer carries the security headers, once each; private ones stay out of every cache."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.security import HEADERS


@pytest.mark.parametrize(
    ("path", "status", "private"),
    [
        ("/decisions", 200, False),
        ("/decisions?lang=en", 200, False),
        ("/sitemap.xml", 200, False),
        ("/nothing", 404, False),
        ("/broken", 500, False),
        ("/staff/permits/", 302, True),
        ("/staff/nothing", 404, True),
        ("/complaints/track", 200, True),
    ],
)
def test_every_answer_has_the_headers(app: Flask, path: str, status: int, private: bool) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/broken", view_func=lambda: 1 / 0)
    answer = app.test_client().get("http://portal.test" + path)
    names = [name.lower() for name, _value in answer.headers]
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert all(names.count(name.lower()) == 1 for name in HEADERS)
    assert (answer.headers.get("Cache-Control") == "no-store") is private
    assert (answer.headers.get("X-Robots-Tag") == "noindex") is private


def test_what_an_answer_says_itself_stays(app: Flask) -> None:
    own = {"Referrer-Policy": "no-referrer", "vary": "Accept"}
    app.add_url_rule("/own", view_func=lambda: ("", 200, own))
    headers = app.test_client().get("/own").headers
    assert headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert headers.getlist("Vary") == ["Accept"]


def test_who_has_no_cookie_gets_none(client: FlaskClient) -> None:
    assert "Set-Cookie" not in client.get("/decisions").headers
    assert "lang=en" in client.get("/decisions?lang=en").headers["Set-Cookie"]
    assert "Site map" in client.get("/decisions").text
