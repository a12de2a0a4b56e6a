"""What the threat model promises is proven by tests that are there."""

import ast
import re

from portal.settings import ROOT

CITED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
SECTIONS = 8


def test_every_promise_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    cited = CITED.findall(text)
    assert len(cited) > 40
    for path, name in cited:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"


def test_everybody_who_is_stopped_is_told_what_is_not() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    people = [part for part in text.split("\n## ")[2:] if "on the running machine" not in part.splitlines()[0]]
    assert len(people) == SECTIONS
    for part in people:
        assert CITED.search(part), part.splitlines()[0]
        assert "*Not stopped:*" in part, part.splitlines()[0]
