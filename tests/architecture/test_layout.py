"""Where things live: the vocabulary of files, what every module says of itself, and what nobody but one may do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.settings import ROOT
from tests.architecture.source import modules, name, parse, templates

VOCABULARY = {
    "__init__", "public", "staff", "business", "cli", "guard", "forms", "service", "importer", "outbox", "queries",
    "models", "rules",
}  # fmt: skip
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
CHINESE_DATA = ("/data/", "portal/demo/")
# The languages' own names and the forms of dates and money; the city's own name and signature; what a statute's
# chapters and articles are called where one is read in.
CHINESE_FACTS = {"portal/i18n.py", "portal/settings.py", "portal/wordings/rules.py"}
TIME = re.compile(r"datetime\.now\(|datetime\.utcnow\(|datetime\.today\(|date\.today\(|time\.time\(")
OWN = ("portal", "notifiers", "tests", "wsgi")
MAX_LINES = 400


@pytest.mark.parametrize("feature", sorted(path.parent for path in (ROOT / "portal").glob("*/__init__.py")), ids=name)
def test_feature_holds_only_files_of_the_vocabulary(feature: Path) -> None:
    assert {path.stem for path in feature.glob("*.py")} <= VOCABULARY
    assert {path.name for path in feature.iterdir() if path.is_dir()} <= {"data", "__pycache__"}


def test_modules_say_what_they_are_for() -> None:
    silent = [name(path) for path in modules("portal", "notifiers", "tests") if not ast.get_docstring(parse(path))]
    assert silent == []


def test_init_files_hold_a_docstring_and_nothing_else() -> None:
    # The notifiers' providers keep their protocol there, as the architecture says.
    allowed = {"notifiers/providers/__init__.py"}
    full = [
        name(path)
        for path in modules("portal", "notifiers", "tests")
        if path.name == "__init__.py" and len(parse(path).body) != 1
    ]
    assert set(full) <= allowed


def test_nothing_is_called_utils_or_helpers() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [name(path) for path in modules("portal", "notifiers", "tests") if path.stem in vague] == []


def test_files_stay_short() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in modules("portal", "notifiers", "tests")}
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def docstrings(tree: ast.Module) -> set[int]:
    """Return the ids of the nodes that are docstrings."""
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    firsts = (owner.body[0] for owner in owners if owner.body)
    return {id(first.value) for first in firsts if isinstance(first, ast.Expr)}


def chinese_strings(path: Path) -> Iterator[str]:
    """Yield the Chinese text that a module would show or store; docstrings may name a statute's term."""
    source = path.read_text()
    tree = ast.parse(source)
    spared = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spared:
            written = ast.get_source_segment(source, node) or node.value
            if HAN.search(written):
                yield f"{name(path)}:{node.lineno}: {written[:60]}"


def test_code_speaks_english() -> None:
    files = [path for path in modules("portal", "notifiers") if not any(part in name(path) for part in CHINESE_DATA)]
    assert [found for path in files if name(path) not in CHINESE_FACTS for found in chinese_strings(path)] == []


def test_templates_speak_english() -> None:
    assert [name(path) for path in templates() if HAN.search(path.read_text())] == []


def test_only_the_clock_asks_the_time() -> None:
    asking = [
        f"{name(path)}:{number}"
        for path in modules("portal", "notifiers")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if TIME.search(line) and name(path) != "portal/clock.py"
    ]
    assert asking == []


def own_imports_inside_functions(tree: ast.Module) -> Iterator[int]:
    """Yield the lines on which a function imports from this project."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in (inner for function in functions for inner in ast.walk(function)):
        if isinstance(node, ast.Import) and any(item.name.split(".")[0] in OWN for item in node.names):
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] in OWN):
            yield node.lineno


def test_no_function_hides_an_import_of_our_own() -> None:
    hidden = [
        f"{name(path)}:{line}"
        for path in modules("portal", "notifiers")
        for line in own_imports_inside_functions(parse(path))
    ]
    assert hidden == []


def imported(tree: ast.Module) -> set[str]:
    """Return the top-level names of everything a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {item.name.split(".")[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def test_only_the_adapter_of_a_provider_knows_its_sdk() -> None:
    users = [name(path) for path in modules("portal", "notifiers") if "twilio" in imported(parse(path))]
    assert users == ["notifiers/providers/twilio.py"] or users == []


@pytest.mark.parametrize(
    "path", [p for p in modules("portal") if p.stem == "rules" and "demo" not in p.parts], ids=name
)
def test_rules_are_pure(path: Path) -> None:
    assert not imported(parse(path)) & {"flask", "flask_babel", "sqlalchemy", "wtforms", "flask_wtf"}
    assert "portal.clock" not in path.read_text() and "import clock" not in path.read_text()


@pytest.mark.parametrize("path", [p for p in modules("portal") if p.stem == "forms"], ids=name)
def test_forms_never_touch_the_database(path: Path) -> None:
    source = path.read_text()
    assert "sqlalchemy" not in imported(parse(path))
    assert not re.search(r"\bdb\.session\b|import queries|import service|from portal\.db", source)


def test_services_leave_the_commit_to_the_edge() -> None:
    committing = [
        name(path)
        for path in modules("portal")
        if path.stem in {"service", "queries", "outbox"} and "demo" not in path.parts and ".commit(" in path.read_text()
    ]
    assert committing == []


def test_every_environment_variable_is_read_in_one_place() -> None:
    reading = [
        name(path) for path in modules("portal", "notifiers") if re.search(r"os\.environ|os\.getenv", path.read_text())
    ]
    # Programs that start other programs hand the environment on.
    settings, programs = {"portal/settings.py", "notifiers/wakeups.py"}, {"portal/serve.py", "portal/backup.py"}
    assert set(reading) <= settings | programs | {"notifiers/worker.py"}
