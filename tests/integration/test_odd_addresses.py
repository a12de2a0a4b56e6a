"""Addresses that nobody's page ever links to: cut, mistyped or made up."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role

# ² and ① are digits to `str.isdigit` and no numbers to `int`.
ODD = ("²", "①", "-1", "abc", "9" * 30, "\x00")
HUGE = 10**26
NUMBERS = ("page", "organ", "type", "article")


def test_odd_numbers_in_a_query_show_the_list(app: Flask, sign_in: Callable[..., FlaskClient]) -> None:
    client = sign_in(Role.ADMIN)
    lists = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.endswith(".index") and not rule.arguments and "GET" in (rule.methods or ())
    ]
    assert len(lists) > 8
    for address in lists:
        for value in ODD:
            answer = client.get(
                address, query_string=dict.fromkeys(NUMBERS, value) | {"q": "12"}, follow_redirects=True
            )
            assert answer.status_code == 200, f"{address} with {value!r}"


def test_numbers_that_no_record_can_have_are_not_found(app: Flask, sign_in: Callable[..., FlaskClient]) -> None:
    client = sign_in(Role.ADMIN)
    rules = [rule for rule in app.url_map.iter_rules() if any(name.endswith("_id") for name in rule.arguments)]
    assert len(rules) > 20
    for rule in rules:
        for number in (HUGE, 2**31):
            address = rule.rule
            for name in rule.arguments:
                address = address.replace(f"<int:{name}>", str(number))
            method = "GET" if "GET" in (rule.methods or ()) else "POST"
            # 405 where another method has the same path: werkzeug compares methods first.
            assert client.open(address, method=method).status_code in (404, 405), f"{method} {address}"


def test_the_character_that_postgresql_refuses_breaks_no_page(
    app: Flask, sign_in: Callable[..., FlaskClient], client: FlaskClient
) -> None:
    staff = sign_in(Role.ADMIN)
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or any(name.endswith("_id") for name in rule.arguments):
            continue
        address = rule.rule
        for name in rule.arguments:
            address = address.replace(f"<{name}>", "%00").replace(f"<path:{name}>", "%00")
        for reader in (staff, client):
            answer = reader.get(
                address, query_string=dict.fromkeys(("q", "level", "state", "number", "phone"), "ab\x00")
            )
            assert answer.status_code < 500, f"{address} answered {answer.status_code}"


def test_the_same_character_in_forms_is_left_out(
    app: Flask, sign_in: Callable[..., FlaskClient], client: FlaskClient
) -> None:
    staff = sign_in(Role.ADMIN)
    names = ("email", "password", "number", "code", "comment", "result", "note", "answer", "text", "reason", "facts")
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()):
            continue
        with app.test_request_context():
            built = rule.build(dict.fromkeys(rule.arguments, 1))
        assert built is not None
        for reader in (client, staff):
            answer = reader.post(built[1], data=dict.fromkeys(names, "a\x00b"))
            assert answer.status_code < 500, f"{rule.rule} answered {answer.status_code}"
