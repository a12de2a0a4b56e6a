"""The commands of the portal; each feature's own commands live in its `cli.py`."""

import json
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import AppGroup

from portal import data_version, schema, vault
from portal.db import db
from portal.errors import Refusal
from portal.i18n import speaking
from portal.settings import Settings


class CommandTable(AppGroup):
    """A group of commands that are loaded when they are called: whoever serves pages needs none of them.

    `places` says where each command is, as `module:name`.
    """

    def __init__(self, name: str, *, places: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.places = dict(places)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self.places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _colon, name = place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


database_group = AppGroup("db", help="The database's schema.")


def current_settings() -> Settings:
    """Return the settings of the running application."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def tell(result: dict[str, Any], *, as_json: bool) -> None:
    """Print a command's result: one JSON object for scripts, `name: value` lines for people."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    for name, value in result.items():
        if isinstance(value, list):
            for item in value:
                click.echo(f"  {item}")
        else:
            click.echo(f"{name}: {value}")


def refusals_exit(command: Callable[..., Any]) -> Callable[..., Any]:
    """End a command with status 1 and one plain sentence when it is refused."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            with speaking("en"):
                return command(*args, **kwargs)
        except Refusal as refusal:
            # A refusal's words are looked up when it is printed, not when it is raised.
            with speaking("en"):
                click.echo(str(refusal.message), err=True)
        except sa.exc.DBAPIError:
            problem = find_schema_problem()
            if not problem:
                raise
            click.echo(problem, err=True)
        sys.exit(1)

    return wrapped


def find_schema_problem() -> str:
    """Return why the database cannot serve this portal, in one sentence that says the mend, or an empty text."""
    db.session.rollback()
    try:
        current = schema.is_current()
    except sa.exc.SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        return f"The database cannot be reached ({reason}). Check DATABASE_URL and that the server runs."
    return "" if current else "The database does not have this portal's schema. Run: flask db upgrade"


def alembic_config() -> Any:
    """Return Alembic's configuration for this application's database."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def run_upgrade() -> None:
    """Bring the schema to the newest version and load the facts that ship with the portal."""
    from alembic import command

    current_settings().data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made or missed before the first table is locked: migrations seal what was written before there was a vault.
    vault.get_vault()
    command.upgrade(alembic_config(), "head")
    data_version.watch()
    for load in current_app.extensions["facts"]:
        load()
    db.session.commit()


@database_group.command("upgrade")
def upgrade() -> None:
    """Bring the schema to the newest version and load the facts that ship with the portal."""
    run_upgrade()


@database_group.command("downgrade")
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the schema back to a revision."""
    from alembic import command

    vault.get_vault()
    command.downgrade(alembic_config(), revision)


@database_group.command("revision")
@click.option("-m", "message", required=True)
def revision(message: str) -> None:
    """Write a new migration from what the models say."""
    from alembic import command

    command.revision(alembic_config(), message, autogenerate=True, version_path=str(schema.MIGRATIONS / "versions"))


def register_commands(app: Flask, *, commands: Mapping[str, str], imports: Mapping[str, str]) -> None:
    """Give an application its commands and those of `flask import`, by their places."""
    app.cli = CommandTable(app.name, places=commands)
    app.cli.add_command(database_group)
    app.cli.add_command(CommandTable("import", places=imports, help="Bring records in from files."))


def add_command(app: Flask, name: str, place: str) -> None:
    """Add one more command to an application, by its place."""
    assert isinstance(app.cli, CommandTable)
    app.cli.places[name] = place
