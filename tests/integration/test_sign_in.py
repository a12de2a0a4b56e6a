"""Staff sign in, are locked out after five wrong tries, and are sent to sign in from everywhere else."""

from collections.abc import Callable

from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.db import db
from tests.factories.accounts import PASSWORD, make_staff


def test_staff_page_sends_to_sign_in(client: FlaskClient) -> None:
    answer = client.get("/staff/")
    assert answer.status_code == 302
    assert answer.location.startswith("/staff/sign-in")


def test_right_password_opens(sign_in: Callable[..., FlaskClient]) -> None:
    assert sign_in(Role.SUPERVISOR).get("/staff/").status_code == 200


def test_five_wrong_tries_lock_even_the_right_password(client: FlaskClient) -> None:
    staff = make_staff()
    db.session.commit()
    for _ in range(5):
        assert client.post("/staff/sign-in", data={"email": staff.email, "password": "wrong"}).status_code == 422
    answer = client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert client.get("/staff/").status_code == 302
