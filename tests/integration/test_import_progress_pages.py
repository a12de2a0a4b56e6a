"""Staff follow a large import: how far it is, that nothing runs it, and what came of it; alone who began it."""

import os
import re
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient

from notifiers import runs, worker
from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.db import db, read_only
from portal.imports import importer, staff
from portal.imports.models import SpreadsheetImport
from portal.permit_imports import service as permits
from portal.permits.models import Permit
from portal.settings import Settings
from tests.factories.imports import run_waiting
from tests.factories.organs import make_organ
from tests.factories.spreadsheets import ORGAN, as_table, make_row, write_csv

SignIn = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything above three rows is large, and written three by three."""
    monkeypatch.setattr(importer, "PIECE", 3)
    monkeypatch.setattr(staff, "SMALL", 3)


def upload(client: FlaskClient, folder: Path, count: int = 8) -> str:
    """Upload a file of so many good rows and a bad one; return the address of its import."""
    rows = [make_row(number) for number in range(1, count + 1)] + [make_row(99, 联系电话="0391-1234567")]
    path = write_csv(folder / "permits.csv", as_table(rows))
    answer = client.post("/staff/permits/import", data={"file": (BytesIO(path.read_bytes()), "许可.csv")})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def see(client: FlaskClient, address: str) -> str:
    answer = client.get(f"{address}?lang=en")
    assert answer.status_code == 200
    return " ".join(BeautifulSoup(answer.text, "html.parser").select_one("main").text.split())  # type: ignore[union-attr]


def figures(text: str) -> tuple[int, ...]:
    """Return new, changed, unchanged and left out, as a page says them."""
    found = re.search(r"New ?(\d+) Changed ?(\d+) Unchanged ?(\d+) Left out ?(\d+)", text)
    assert found is not None, text
    return tuple(map(int, found.groups()))


@pytest.fixture
def piece(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a worker write one piece and be told to end."""
    real = permits.write_rows

    def write() -> None:
        stopping = threading.Event()

        def once(*args: Any) -> object:
            stopping.set()
            return real(*args)

        with monkeypatch.context() as patched:
            patched.setattr(permits, "write_rows", once)
            run_waiting("worker", stopping)

    return write


def test_a_large_import_is_handed_over_followed_and_done(
    sign_in: SignIn, tmp_path: Path, piece: Callable[[], None]
) -> None:
    client = sign_in(Role.SUPERVISOR)
    address = upload(client, tmp_path)
    assert "written piece by piece" in see(client, address)
    answer = client.post(f"{address}?lang=en")
    assert (answer.status_code, answer.location) == (303, address)
    assert db.session.scalar(sa.select(sa.func.count(Permit.id))) == 0
    page = see(client, address)
    assert "Import under way" in page
    assert "0 of 8 rows" in page
    assert "Nothing runs the import now" in page
    assert "permits.csv" not in page
    assert "许可.csv 0 of 8 rows" in see(client, "/staff/permits/import")
    runs.beat("worker")
    db.session.commit()
    assert "The file is read and compared first" in see(client, address)
    piece()
    page = see(client, address)
    assert "3 of 8 rows" in page
    assert figures(page) == (3, 0, 0, 1)
    assert "Nothing runs" not in page
    worker.JOBS["imports"]()
    page = see(client, address)
    assert "Import finished" in page
    assert figures(page) == (8, 0, 0, 1)
    assert "landline" in client.get(f"{address}/errors.csv").text
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "permits.import")).one()
    assert entry.details == {"imported": 8, "changed": 0, "unchanged": 0, "rejected": 1}
    assert entry.staff_id == db.session.scalars(sa.select(SpreadsheetImport.staff_id)).one()
    assert "Imports under way" not in see(client, "/staff/permits/import")


def test_the_page_refreshes_itself_with_and_without_scripts(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(Role.SUPERVISOR)
    address = upload(client, tmp_path)
    client.post(address)
    page = BeautifulSoup(client.get(f"{address}?lang=en").text, "html.parser")
    refresh = page.select_one("head noscript meta[http-equiv=refresh]")
    assert isinstance(refresh, Tag)
    assert refresh["content"] == "5"
    bar = page.select_one("progress")
    assert isinstance(bar, Tag)
    assert (bar["value"], bar["max"]) == ("0", "8")
    assert page.select_one(f"#{bar['aria-labelledby']}").text == "0 of 8 rows"  # type: ignore[union-attr]
    live = page.select_one("[data-live]")
    assert isinstance(live, Tag)
    part = client.get(f"{live['data-live']}?lang=en").text
    assert "<html" not in part
    assert "0 of 8 rows" in part
    assert "data-over" not in part
    worker.JOBS["imports"]()
    over = client.get(f"{live['data-live']}?lang=en").text
    assert "data-over" in over
    assert "Nothing runs" not in over


def test_a_second_post_is_a_conflict(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(Role.SUPERVISOR)
    address = upload(client, tmp_path)
    assert client.post(address).status_code == 303
    answer = client.post(f"{address}?lang=en")
    assert answer.status_code == 409
    assert "being imported already" in answer.text


def test_nobody_else_sees_or_starts_it(sign_in: SignIn, tmp_path: Path) -> None:
    address = upload(sign_in(Role.SUPERVISOR), tmp_path)
    stranger, reviewer = sign_in(Role.SUPERVISOR), sign_in(Role.REVIEWER, organ_id=make_organ().id)
    for path in (address, f"{address}/progress"):
        assert stranger.get(path).status_code == 404
        assert reviewer.get(path).status_code == 403
    assert stranger.post(address).status_code == 404
    assert reviewer.post(address).status_code == 403
    assert db.session.scalars(sa.select(SpreadsheetImport.handed_over_at)).all() == [None]


def test_the_worker_keeps_to_the_organ_of_who_handed_it_over(sign_in: SignIn, tmp_path: Path) -> None:
    organ_id = make_organ(name=ORGAN).id
    client = sign_in(Role.CLERK, organ_id=organ_id)
    rows = [make_row(number) for number in range(1, 6)] + [make_row(7, 许可机关="虚构市农业农村局")]
    path = write_csv(tmp_path / "permits.csv", as_table(rows))
    address = client.post("/staff/permits/import", data={"file": (BytesIO(path.read_bytes()), "a.csv")}).location
    client.post(f"{address}?lang=en")
    # Whoever moves to another organ meanwhile has still agreed to this one's rows.
    db.session.execute(sa.update(Staff).values(organ_id=make_organ().id))
    db.session.commit()
    worker.JOBS["imports"]()
    assert set(db.session.scalars(sa.select(Permit.organ_id))) == {organ_id}
    assert figures(see(client, address)) == (5, 0, 0, 1)
    assert "belongs to another organ" in client.get(f"{address}/errors.csv").text


def test_a_file_that_waits_is_not_forgotten_after_a_day(sign_in: SignIn, settings: Settings, tmp_path: Path) -> None:
    client = sign_in(Role.SUPERVISOR)
    waiting, other = upload(client, tmp_path), upload(client, tmp_path)
    client.post(waiting)
    for kept in (settings.data_dir / "imports").iterdir():
        os.utime(kept, (time.time() - 90_000, time.time() - 90_000))
    upload(client, tmp_path, 2)
    assert client.post(other).status_code == 404
    worker.JOBS["imports"]()
    assert figures(see(client, waiting)) == (8, 0, 0, 1)


def test_a_lost_file_is_said(sign_in: SignIn, settings: Settings, tmp_path: Path, piece: Callable[[], None]) -> None:
    client = sign_in(Role.SUPERVISOR)
    address = upload(client, tmp_path)
    client.post(address)
    piece()
    for kept in (settings.data_dir / "imports").iterdir():
        kept.unlink()
    run_waiting("worker", threading.Event())
    page = see(client, address)
    assert "The import has stopped: the file is no longer there" in page
    assert "3 of 8 rows" in page
    assert "refresh" not in client.get(address).text
    again = upload(client, tmp_path)
    client.post(again)
    worker.JOBS["imports"]()
    assert figures(see(client, again)) == (5, 0, 3, 1)


def test_an_idle_worker_writes_nothing(sign_in: SignIn, tmp_path: Path) -> None:
    address = upload(sign_in(Role.SUPERVISOR), tmp_path)
    writing = []

    @sa.event.listens_for(db.engine, "begin")
    def note(_connection: object) -> None:
        writing.append(not read_only.get())

    worker.JOBS["imports"]()
    sa.event.remove(db.engine, "begin", note)
    assert address
    assert writing == [False]
