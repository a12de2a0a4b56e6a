"""Staff import decisions in the browser: they see what would change, agree, and find drafts; within their own organ."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from notifiers import worker
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.imports import staff
from portal.imports.models import SpreadsheetImport
from tests.factories.dual_publication import make_penalty
from tests.factories.organs import make_organ
from tests.factories.spreadsheets import ORGAN, as_table, make_row, write_csv, write_xlsx

SignIn = Callable[..., FlaskClient]
ADDRESS = "/staff/decisions/import"


@pytest.fixture
def client(sign_in: SignIn) -> FlaskClient:
    """A clerk of the organ whose decisions the files hold."""
    return sign_in(Role.CLERK, organ_id=make_organ(name=ORGAN).id)


def upload(client: FlaskClient, folder: Path, *rows: dict[str, Any], to: str = ADDRESS) -> str:
    """Upload rows as a file; return the address of their preview."""
    path = write_xlsx(folder / "decisions.xlsx", as_table(rows))
    answer = client.post(to, data={"file": (BytesIO(path.read_bytes()), "处罚.xlsx")})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def see(client: FlaskClient, address: str, lang: str = "en") -> str:
    """Return the words of a page."""
    answer = client.get(f"{address}?lang={lang}")
    assert answer.status_code == 200
    main = BeautifulSoup(answer.text, "html.parser").select_one("main")
    assert main is not None
    return " ".join(main.get_text(" ").split())


def count() -> int:
    """Return how many decisions there are."""
    return db.session.scalar(sa.select(sa.func.count(Decision.id))) or 0


def test_preview_agree_and_find_drafts(client: FlaskClient, tmp_path: Path) -> None:
    rows = [
        make_penalty(1),
        make_penalty(2, **{"罚款金额（万元）": "5000"}),
        make_penalty(3, 处罚决定日期="昨天"),
        make_penalty(4, 自然人证件号码="110101199003078515"),
    ]
    assert "Import decisions" in see(client, "/staff/decisions/")
    assert "becomes a draft" in see(client, ADDRESS)
    preview = upload(client, tmp_path, *rows)
    page = see(client, preview)
    assert "Nothing has been changed yet" in page
    assert "New 3 Changed 0 Unchanged 0 Left out 1" in page
    assert "4 处罚决定日期 This is not a day" in page
    assert "3 罚款金额（万元） The decision's own words name another sum" in page
    assert "经营超过保质期的食品：罚款、没收非法财物" in page
    assert "50,000,000.00" in page
    assert "110101199003078515" not in page
    assert count() == 0
    assert client.post(preview).status_code == 303
    assert set(db.session.scalars(sa.select(Decision.state))) == {DecisionState.DRAFT}
    assert count() == 3
    assert "Import finished" in see(client, preview)
    report = client.get(f"{preview}/errors.csv?lang=en").get_data(as_text=True)
    assert "4,处罚决定日期,This is not a day. Write it like 2026-12-31.,Left out" in report
    assert "3,罚款金额（万元）," in report
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "decisions.import")).one()
    assert entry.details == {"imported": 3, "changed": 0, "unchanged": 0, "rejected": 1}
    authors = db.session.scalars(sa.select(Decision.created_by_id).distinct()).all()
    assert authors == [entry.staff_id]
    assert "no row is new or changed" in see(client, upload(client, tmp_path, *rows))


def test_a_published_decision_is_named_before_and_after(client: FlaskClient, tmp_path: Path) -> None:
    client.post(upload(client, tmp_path, make_penalty(1)))
    db.session.execute(sa.update(Decision).values(state=DecisionState.PUBLISHED))
    address = upload(client, tmp_path, make_penalty(1, 违法事实="别的"), make_penalty(2))
    assert "2 行政处罚决定书文号 This decision is published." in see(client, address)
    client.post(address)
    assert "New 1 Changed 0 Unchanged 0 Left out 1" in see(client, address)
    assert "This decision is published." in client.get(f"{address}/errors.csv?lang=en").get_data(as_text=True)


def test_whoever_imports_sees_originals_so_only_those_of_the_own_organ(sign_in: SignIn, tmp_path: Path) -> None:
    own, other = make_organ(name=ORGAN).id, make_organ().id
    rows = (make_penalty(1), make_penalty(2, 处罚机关="虚构市别局"))
    for role, organ_id, new in (
        (Role.CLERK, own, 1),
        (Role.SUPERVISOR, own, 1),
        (Role.SUPERVISOR, other, 0),
        (Role.SUPERVISOR, None, 0),
        (Role.ADMIN, None, 2),
    ):
        page = see(client := sign_in(role, organ_id=organ_id), upload(client, tmp_path, *rows))
        assert f"New {new} Changed 0 Unchanged 0 Left out {2 - new}" in page
    reviewer = sign_in(Role.REVIEWER, organ_id=own)
    assert reviewer.get(ADDRESS).status_code == 403
    assert "Import decisions" not in see(reviewer, "/staff/decisions/")


def test_imports_of_permits_and_of_decisions_are_kept_apart(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(Role.ADMIN)
    permits = upload(client, tmp_path, make_row(1), to="/staff/permits/import")
    decisions = upload(client, tmp_path, make_penalty(1))
    for address in (permits.replace("permits", "decisions"), decisions.replace("decisions", "permits")):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404
    assert count() == 0
    assert sorted(db.session.scalars(sa.select(SpreadsheetImport.kind))) == ["decisions", "permits"]


def test_a_file_with_many_rows_is_left_to_the_worker(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff, "SMALL", 3)
    rows = [make_penalty(number) for number in range(1, 6)] + [make_penalty(9, 处罚决定日期="无")]
    address = upload(client, tmp_path, *rows)
    client.post(f"{address}?lang=en")
    assert "0 of 5 rows" in see(client, address)
    assert count() == 0
    worker.JOBS["imports"]()
    assert "New 5 Changed 0 Unchanged 0 Left out 1" in see(client, address)
    assert (count(), "Nothing is entered" in client.get(f"{address}/errors.csv?lang=en").text) == (5, True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([["a", "b"], ["1", "2"]], "No row of headings"),
        (
            [["行政相对人名称", "处罚类别", "违法事实"], ["a", "b", "c"]],
            "missing: 行政处罚决定书文号, 处罚决定日期, 处罚机关",
        ),
    ],
)
def test_files_that_are_no_decisions_are_refused_on_the_form(
    client: FlaskClient, tmp_path: Path, table: list[list[str]], words: str
) -> None:
    path = write_csv(tmp_path / "a.csv", table)
    answer = client.post(f"{ADDRESS}?lang=en", data={"file": (BytesIO(path.read_bytes()), "a.csv")})
    assert answer.status_code == 422
    assert words in answer.text
    assert client.get(f"{ADDRESS}/99999").status_code == 404
