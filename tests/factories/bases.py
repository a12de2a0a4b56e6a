"""Laws for tests, imported as from a file."""

from itertools import count
from pathlib import Path

import sqlalchemy as sa

from portal.bases import importer
from portal.bases.models import Article, Basis
from portal.db import db

_numbers = count(1)
LAW = """# {title}

2020年5月1日 虚构市人民代表大会常务委员会第一次会议通过

<!-- INFO END -->

## 第一章  总则

第一条 为了测试，制定本条例。

第二条 在虚构市的测试，适用本条例。

## 第二章  罚则

第三条 违反本条例的，处一千元以下罚款：

（一）不测试的；

（二）乱测试的。

第三条之一 屡教不改的，处二千元罚款。

第四条 本条例自2020年6月1日起施行。
"""


def write_law(folder: Path, *, title: str = "", text: str = LAW, name: str = "") -> Path:
    """Write the Markdown file of a small law."""
    title = title or f"虚构市第{next(_numbers)}号测试条例"
    path = folder / (name or f"{title}.md")
    path.write_text(text.format(title=title), encoding="utf-8")
    return path


def make_basis(folder: Path, *, title: str = "", text: str = LAW) -> Basis:
    """Import a small law and return it."""
    outcome = importer.Outcome()
    importer.import_sources(importer.read_files(write_law(folder, title=title, text=text), outcome), outcome)
    assert not outcome.rejected
    return db.session.scalars(sa.select(Basis).order_by(Basis.id.desc()).limit(1)).one()


def article_of(basis: Basis, number: int, suffix: int = 0) -> Article:
    """Return an article of a law."""
    return next(item for item in basis.articles if (item.number, item.suffix) == (number, suffix))
