"""Laws come in from Markdown files, any number of times, and bad files say why they stay out."""

import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from portal import clock
from portal.bases.models import Article, Basis
from portal.db import db
from portal.search.models import SearchEntry
from portal.settings import ROOT
from tests.factories.bases import LAW, article_of, make_basis, write_law
from tests.factories.decisions import make_decision


def run(app: Flask, path: Path) -> tuple[int, dict[str, object]]:
    """Run the command and return its exit code and what it printed."""
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["import", "bases", str(path), "--json"])
    db.session.expire_all()
    line = result.stdout.strip().splitlines()[-1] if result.stdout.strip() else "{}"
    return result.exit_code, json.loads(line)


def test_folder_comes_in_once(app: Flask) -> None:
    folder = ROOT / "portal" / "demo" / "data"
    files = len(list(folder.glob("*.md")))
    assert run(app, folder) == (0, {"imported": files, "changed": 0, "unchanged": 0, "rejected": []})
    articles = db.session.scalar(sa.select(sa.func.count()).select_from(Article))
    assert run(app, folder) == (0, {"imported": 0, "changed": 0, "unchanged": files, "rejected": []})
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Article)) == articles
    entries = sa.select(sa.func.count()).select_from(SearchEntry).where(SearchEntry.kind.in_(("basis", "article")))
    assert db.session.scalar(entries) == (articles or 0) + files


def test_changed_text_keeps_the_articles_that_decisions_rest_on(app: Flask, tmp_path: Path) -> None:
    basis = make_basis(tmp_path, title="虚构市测试条例")
    decision = make_decision(article=article_of(basis, 3))
    kept, dropped = article_of(basis, 3).id, article_of(basis, 3, 1).id
    write_law(
        tmp_path,
        title="虚构市测试条例",
        text=LAW.replace("一千元", "三千元").replace("第三条之一 屡教不改的，处二千元罚款。", ""),
    )
    code, outcome = run(app, tmp_path / "虚构市测试条例.md")
    assert (code, outcome["changed"]) == (0, 1)
    assert db.session.get_one(type(decision), decision.id).article_id == kept
    assert "三千元" in db.session.get_one(Article, kept).text
    assert db.session.get(Article, dropped) is None
    entries = sa.select(SearchEntry.record_id).where(SearchEntry.kind == "article")
    assert dropped not in db.session.scalars(entries).all()


def versions(title: str) -> list[tuple[str, str, str, str]]:
    """Return slug, status, first and last day of the versions of a text, oldest first."""
    rows = db.session.scalars(sa.select(Basis).where(Basis.title == title).order_by(Basis.version_on)).all()
    return [(row.slug, row.status.value, str(row.version_on), str(row.ended_on)) for row in rows]


@pytest.mark.parametrize("order", [("old.md", "new.md"), ("new.md", "old.md")])
def test_versions_of_a_text_follow_each_other_in_whatever_order_they_come(
    app: Flask, tmp_path: Path, order: tuple[str, str]
) -> None:
    title = "虚构市测试条例"
    write_law(tmp_path, title=title, name="old.md")
    write_law(tmp_path, title=title, name="new.md", text=LAW.replace("2020年5月1日", "2022年5月1日"))
    for name in order:
        assert run(app, tmp_path / name) == (0, {"imported": 1, "changed": 0, "unchanged": 0, "rejected": []})
    expected = [
        (f"{title}-2020-05-01", "amended", "2020-05-01", "2022-05-01"),
        (title, "in_force", "2022-05-01", "None"),
    ]
    assert versions(title) == expected
    assert run(app, tmp_path)[1] == {"imported": 0, "changed": 0, "unchanged": 2, "rejected": []}
    assert versions(title) == expected


def test_decisions_go_on_resting_on_the_version_that_applied(app: Flask, tmp_path: Path) -> None:
    basis = make_basis(tmp_path, title="虚构市测试条例")
    decision = make_decision(article=article_of(basis, 3))
    newer = LAW.replace("2020年5月1日", "2022年5月1日").replace("一千元", "三千元")
    run(app, write_law(tmp_path, title="虚构市测试条例", text=newer))
    article = db.session.get_one(Article, db.session.get_one(type(decision), decision.id).article_id)
    assert article.basis.version_on == date(2020, 5, 1)
    assert "一千元" in article.text


def test_undated_text_does_not_write_over_a_dated_one(app: Flask, tmp_path: Path) -> None:
    make_basis(tmp_path, title="虚构市测试条例")
    undated = write_law(tmp_path, title="虚构市测试条例", text=LAW.replace("2020年5月1日 ", ""))
    outcome = run(app, undated)[1]
    rejected = outcome["rejected"]
    assert isinstance(rejected, list)
    assert "Say of which day this one is" in rejected[0]["reason"]
    assert len(versions("虚构市测试条例")) == 1


def test_what_staff_say_of_a_text_outlives_its_file(app: Flask, tmp_path: Path) -> None:
    basis = make_basis(tmp_path, title="虚构市测试条例")
    basis.issuer, basis.edited_at = "虚构市某某机关", clock.now()
    db.session.flush()
    run(app, write_law(tmp_path, title="虚构市测试条例", text=LAW.replace("一千元", "三千元")))
    assert db.session.scalars(sa.select(Basis.issuer)).one() == "虚构市某某机关"


def test_superseded_articles_are_found_no_longer(app: Flask, tmp_path: Path) -> None:
    make_basis(tmp_path, title="虚构市测试条例", text=LAW.replace("乱测试", "乱鼓捣"))
    client = app.test_client()
    assert "乱鼓捣" in BeautifulSoup(client.get("/search?q=乱鼓捣").text, "html.parser").select("ul.list")[0].text
    make_basis(tmp_path, title="虚构市测试条例", text=LAW.replace("2020年5月1日", "2022年5月1日"))
    assert not BeautifulSoup(client.get("/search?q=乱鼓捣").text, "html.parser").select("ul.list")


def test_bad_files_get_reasons_and_the_good_one_comes_in(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "binary.md").write_bytes(b"PK\x03\x04\x00\x00")
    (tmp_path / "empty.md").write_bytes(b"")
    (tmp_path / "huge.md").write_bytes(b"x" * 3_000_000)
    (tmp_path / "letter.md").write_text("# 来信\n\n没有条文。", encoding="utf-8")
    (tmp_path / "utf16.md").write_text("# 条例\n第一条 一。", encoding="utf-16")
    (tmp_path / "office.md").write_bytes(LAW.format(title="虚构市国标码条例").encode("gb18030"))
    code, outcome = run(app, tmp_path)
    assert (code, outcome["imported"]) == (0, 1)
    rejected = outcome["rejected"]
    assert isinstance(rejected, list)
    reasons = {item["field"]: item["reason"] for item in rejected}
    assert set(reasons) == {"binary.md", "empty.md", "huge.md", "letter.md", "utf16.md"}
    assert reasons["binary.md"] == "This is not a text file."
    assert reasons["letter.md"] == "No articles were found in the text."
    assert all(item["row"] > 0 for item in rejected)


@pytest.mark.parametrize("name", ["missing", "empty-folder"])
def test_nothing_to_read_ends_with_one(app: Flask, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty-folder").mkdir()
    assert run(app, tmp_path / name)[0] == 1


def test_only_bad_files_end_with_one(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\x00")
    code, outcome = run(app, tmp_path / "bad.md")
    assert code == 1
    assert outcome["imported"] == 0
