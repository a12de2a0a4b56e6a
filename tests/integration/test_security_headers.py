"""What an answer says of itself stays beside the headers that every answer gets, and nobody gets a cookie unasked."""

from flask import Flask
from flask.testing import FlaskClient


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
