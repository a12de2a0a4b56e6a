"""Laws come in from Markdown files, any number of times, and bad files say why they stay out."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

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


def test_older_version_never_replaces_a_newer_one(app: Flask, tmp_path: Path) -> None:
    make_basis(tmp_path, title="虚构市测试条例")
    old = write_law(tmp_path, title="虚构市测试条例", text=LAW.replace("2020年5月1日", "2010年5月1日"))
    code, outcome = run(app, old)
    assert code == 0
    assert outcome["rejected"] == [
        {"row": 1, "field": old.name, "reason": "A newer version of this law is published already."}
    ]


def test_later_of_two_versions_in_a_folder_stands(app: Flask, tmp_path: Path) -> None:
    write_law(tmp_path, title="虚构市测试条例", name="a.md", text=LAW.replace("2020年5月1日", "2022年5月1日"))
    write_law(tmp_path, title="虚构市测试条例", name="b.md")
    assert run(app, tmp_path)[0] == 0
    version = db.session.scalars(sa.select(Basis.version_on)).one()
    assert version is not None
    assert version.year == 2022


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
