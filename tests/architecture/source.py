"""The project's own source files, for the tests that read them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from portal.settings import ROOT

MIGRATIONS = ROOT / "portal" / "migrations"


def modules(*folders: str) -> Iterator[Path]:
    """Yield the Python files of some folders, migrations left out."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.is_relative_to(MIGRATIONS):
                yield path


def templates() -> Iterator[Path]:
    """Yield every HTML template."""
    yield from sorted((ROOT / "templates").rglob("*.html"))


def name(path: Path) -> str:
    """Return a file's path as a reader of a failure wants to see it."""
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))
