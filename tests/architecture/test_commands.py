"""Commands are loaded when they are called; each has to be where its place says."""

from pathlib import Path

import click
import pytest

from portal.app import COMMANDS, IMPORTS
from tests.conftest import make_app, make_settings

NOTIFIERS = ("plan", "dispatch", "reconcile", "collect", "account", "run")
CALLS = [
    *([name] for name in COMMANDS),
    *(["import", name] for name in IMPORTS),
    *(["notify", name] for name in NOTIFIERS),
    ["db", "upgrade"],
    ["staff", "create"],
]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_each_command_explains_itself(tmp_path: Path, call: list[str]) -> None:
    app = make_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}"))
    result = app.test_cli_runner().invoke(args=[*call, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage:")


def test_every_command_is_listed(tmp_path: Path) -> None:
    app = make_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}"))
    with click.Context(app.cli) as context:
        assert {*COMMANDS, "db", "import", "notify"} <= set(app.cli.list_commands(context))
