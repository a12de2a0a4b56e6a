"""The import contracts of pyproject.toml hold."""

import subprocess
import sys
import tomllib
from pathlib import Path

from portal.settings import ROOT

PROGRAM = Path(sys.executable).parent / "lint-imports"


def test_import_contracts_are_kept() -> None:
    done = subprocess.run([PROGRAM, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_feature_is_under_the_contract_of_its_files() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    inside = [contract["containers"] for contract in contracts if contract["name"].startswith("Inside")]
    features = {f"portal.{path.parent.name}" for path in (ROOT / "portal").glob("*/__init__.py")}
    assert {feature for containers in inside for feature in containers} == features
