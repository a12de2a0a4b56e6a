"""Versions of a text: which one held when, what changed, what ended; and the staff who keep them."""

from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.bases import importer
from portal.bases.models import Article, Basis, BasisStatus
from portal.bases.queries import stands
from portal.bases.rules import Standing, standing
from portal.db import db
from tests.factories.bases import LAW, make_basis, write_law

pytestmark = pytest.mark.every_case_on_postgresql

SignIn = Callable[..., FlaskClient]
TITLE = "虚构市测试条例"
NEWER = LAW.replace("2020年5月1日", "2022年5月1日").replace("一千元", "三千元")


@pytest.fixture
def two(app: Flask, tmp_path: Path) -> tuple[Basis, Basis]:
    """An older and a newer version of one text."""
    return make_basis(tmp_path, title=TITLE), make_basis(tmp_path, title=TITLE, text=NEWER)


@pytest.mark.parametrize(
    ("status", "start", "end", "on", "expected"),
    [
        ("in_force", None, None, 10, Standing.IN_FORCE),
        ("in_force", 11, None, 10, Standing.NOT_YET),
        ("in_force", 1, 11, 10, Standing.IN_FORCE),
        ("in_force", 1, 10, 10, Standing.LAPSED),
        ("amended", 1, 11, 10, Standing.IN_FORCE),
        ("amended", 1, 10, 10, Standing.AMENDED),
        ("repealed", 1, None, 10, Standing.REPEALED),
    ],
)
def test_standing_on_a_day_is_the_same_in_python_and_in_the_database(
    app: Flask, tmp_path: Path, status: str, start: int | None, end: int | None, on: int, expected: Standing
) -> None:
    days = [date(2024, 1, day) if day else None for day in (start, end)]
    assert standing(status, days[0], days[1], date(2024, 1, on)) is expected
    basis = make_basis(tmp_path, title=TITLE)
    basis.version_on, basis.effective_on, basis.ended_on = None, days[0], days[1]
    basis.status = BasisStatus(status)
    db.session.flush()
    for one in Standing:
        found = db.session.scalar(sa.select(Basis.id).where(stands(one, date(2024, 1, on))))
        assert (found is not None) is (one is expected), one


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("2021-01-01", "/bases/虚构市测试条例-2020-05-01"),
        ("2022-05-01", "/bases/虚构市测试条例"),
        ("2019-12-31", ""),
        ("2022年4月30日", "/bases/虚构市测试条例-2020-05-01"),
    ],
)
def test_page_tells_which_version_held_on_a_day(
    client: FlaskClient, two: tuple[Basis, Basis], on: str, words: str
) -> None:
    panel = BeautifulSoup(client.get(f"/bases/{TITLE}?on={on}").text, "html.parser").select_one(
        "#on ~ *, .panel[role=status]"
    )
    assert panel is not None
    link = panel.find("a")
    assert (unquote(str(link["href"])) if link else "") == words


@pytest.mark.parametrize("on", ["nonsense", "2026-13-45", "%00", "²", "9" * 500])
def test_nonsense_is_no_day(client: FlaskClient, two: tuple[Basis, Basis], on: str) -> None:
    assert client.get(f"/bases/{TITLE}?on={on}").status_code == 200


def test_ended_version_says_so_and_leads_on(client: FlaskClient, two: tuple[Basis, Basis]) -> None:
    for address in ("", "/articles/3", "/chapters/2"):
        page = BeautifulSoup(client.get(f"/bases/{TITLE}-2020-05-01{address}?lang=en").text, "html.parser")
        panel = page.select_one("main .panel--warn")
        assert panel is not None, address
        assert "It held until 30 April 2022" in panel.text
        assert panel.select_one('a[href^="/bases/"]') is not None
    assert not BeautifulSoup(client.get(f"/bases/{TITLE}").text, "html.parser").select("main .panel--warn")
    # A version's own address leads to the plain one while it is the newest.
    assert client.get(f"/bases/{TITLE}-2022-05-01").status_code == 302
    assert client.get(f"/bases/{TITLE}-2022-05-01/articles/3?slug=x").status_code == 302


def test_comparison_marks_words_for_eyes_and_ears(client: FlaskClient, two: tuple[Basis, Basis]) -> None:
    page = BeautifulSoup(client.get(f"/bases/{TITLE}/compare/{TITLE}-2020-05-01?lang=en").text, "html.parser")
    assert [tag.text for tag in page.select("main del")] == ["[deleted: 一]"]
    assert [tag.text for tag in page.select("main ins")] == ["[inserted: 三]"]
    assert "1 changed, 0 new, 0 deleted, 0 with another number, 4 unchanged" in page.text
    assert [" ".join(tag.text.split()) for tag in page.select("summary") if "unchanged" in tag.text] == [
        "第一条 to 第二条, unchanged",
        "第三条之一 to 第四条, unchanged",
    ]


def test_only_versions_of_one_text_are_compared(client: FlaskClient, two: tuple[Basis, Basis], tmp_path: Path) -> None:
    other = make_basis(tmp_path)
    for one, another in ((TITLE, other.slug), (TITLE, TITLE), (TITLE, "none")):
        assert client.get(f"/bases/{one}/compare/{another}").status_code == 404


def test_list_shows_each_text_once(client: FlaskClient, two: tuple[Basis, Basis]) -> None:
    def shown(query: str) -> int:
        return len(BeautifulSoup(client.get(f"/bases?{query}").text, "html.parser").select("ul.list > li"))

    assert (shown(""), shown("status=amended"), shown("status=in_force"), shown("status=x")) == (1, 1, 1, 1)


def upload(client: FlaskClient, text: str, name: str = "law.md") -> str:
    data = {"file": (BytesIO(text.format(title=TITLE).encode()), name)}
    answer = client.post("/staff/bases/upload", data=data)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_staff_see_what_was_recognised_before_it_is_published(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    where = upload(client, LAW.replace("第四条", "第六条") + "\n附件：表", "law(2021-02-03).md")
    page = client.get(f"{where}?lang=en").text
    assert "Numbers are missing before these articles" in page
    assert "There is an annex" in page
    assert "第三条之一" in page
    assert 'value="2021-02-03"' in page
    assert db.session.scalars(sa.select(Basis)).all() == []
    answer = client.post(where, data={"version_on": "2021-02-03", "work": TITLE})
    assert answer.status_code == 303
    basis = db.session.scalars(sa.select(Basis)).one()
    assert (basis.slug, basis.version_on, len(basis.articles)) == (TITLE, date(2021, 2, 3), 5)
    assert client.get(where).status_code == 404
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "basis.import")).one()
    assert entry.staff_id is not None


def test_renamed_law_can_be_a_version_of_the_old_one(sign_in: SignIn, two: tuple[Basis, Basis]) -> None:
    client = sign_in(Role.SUPERVISOR)
    renamed = NEWER.replace("2022年", "2025年").replace("{title}", "虚构市新名条例")
    where = upload(client, renamed)
    client.post(where, data={"version_on": "2025-05-01", "work": TITLE})
    slugs = db.session.scalars(sa.select(Basis.slug).order_by(Basis.version_on)).all()
    assert slugs == [f"{TITLE}-2020-05-01", f"{TITLE}-2022-05-01", TITLE]


def test_unreadable_uploads_get_a_reason_and_leave_nothing(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    for content, reason in ((b"\x00", "This is not a text file."), ("来信".encode(), "No articles were found")):
        answer = client.post("/staff/bases/upload?lang=en", data={"file": (BytesIO(content), "a.md")})
        assert answer.status_code == 422
        assert reason in answer.text
    for token in ("..%2f..%2fportal.db", "new-" + "0" * 32, "x"):
        assert client.get(f"/staff/bases/upload/{token}").status_code == 404
    assert sign_in(Role.CLERK, organ_id=None).get("/staff/bases/").status_code == 403


def facts(**changes: object) -> dict[str, object]:
    return {"level": "normative_document", "issuer": "", "status": "in_force", "replaced_by": "0", "seen": ""} | changes


def test_staff_repeal_a_text_and_say_what_is_in_its_place(
    app: Flask, client: FlaskClient, sign_in: SignIn, tmp_path: Path
) -> None:
    old, new = make_basis(tmp_path, title=TITLE), make_basis(tmp_path)
    staff, where = sign_in(Role.SUPERVISOR), f"/staff/bases/{old.id}"
    assert staff.post(where, data=facts(status="repealed")).status_code == 422
    assert staff.post(where, data=facts(ended_on="2019-01-01")).status_code == 422
    assert staff.post(where, data=facts(replaced_by=str(old.id))).status_code == 422
    good = facts(status="repealed", ended_on="2023-01-01", replaced_by=str(new.id))
    assert staff.post(where, data=good).status_code == 303
    assert staff.post(where, data=good).status_code == 422  # Seen before it was changed.
    page = client.get(f"/bases/{TITLE}?lang=en").text
    assert "Repealed; kept for reference" in page
    assert new.title in page
    assert f"/bases/{new.slug}/compare" not in page
    text = db.session.scalars(sa.select(Article.text).where(Article.basis_id == old.id).limit(1)).one()
    assert text in client.get(f"/bases/{TITLE}/articles/1").text
    circle = facts(replaced_by=str(old.id))
    assert staff.post(f"/staff/bases/{new.id}", data=circle).status_code == 422


def test_normative_document_lapses_with_its_validity(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    text = (
        "# {title}\n孟虚政〔2019〕3号 2019年1月1日\n\n一、为了测试，通知如下。\n（一）要测试。\n二、要常测试。\n"
        "三、本通知自2019年2月1日起施行，有效期五年。\n"
    )
    path = write_law(tmp_path, title="虚构市人民政府办公室关于测试的通知", text=text)
    outcome = importer.Outcome()
    importer.import_sources(importer.read_files(path, outcome), outcome)
    basis = db.session.scalars(sa.select(Basis)).one()
    assert (basis.level, basis.issuer) == ("normative_document", "虚构市人民政府办公室")
    assert basis.ended_on == date(2024, 2, 1)
    assert [article.label for article in basis.articles] == ["一、", "二、", "三、"]
    page = client.get(f"/bases/{basis.slug}?lang=en").text
    assert "Its validity is over; kept for reference" in page
    assert "It held until 31 January 2024" in page
