"""`flask backup` and `flask restore`: the database and everything beside it in the data directory, in one file.

But for the vault: what opens sealed records never lies in the same archive as they do (`flask vault export`).
"""

import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from portal import rotation, vault
from portal.cli import current_settings, find_schema_problem, refusals_exit
from portal.db import db
from portal.errors import Refusal

SQLITE_NAME = "portal.db"
POSTGRESQL_NAME = "portal.dump"
# Without the keys nobody could check any more what the public log has signed, nor sign on.
FOLDERS = ("files", "keys")


@click.command("backup")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
@refusals_exit
def backup(path: Path) -> None:
    """Write database and uploads to PATH (.tar.gz), readable by you alone, while the portal runs."""
    if path.exists():
        raise Refusal(f"{path} exists already; a backup overwrites nothing.")
    settings = current_settings()
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
        dump = dump_database(Path(folder))
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target, tarfile.open(fileobj=target, mode="w:gz") as archive:
            archive.add(dump, arcname=dump.name)
            for name in FOLDERS:
                if (settings.data_dir / name).exists():
                    archive.add(settings.data_dir / name, arcname=name, filter=leave_out_vault)
    click.echo(f"Wrote {path} ({path.stat().st_size:,} bytes). It holds personal data: keep it as safe as the portal.")
    click.echo("The vault is not in it, and without the vault complaints, files and phone numbers open no more.")
    click.echo("Keep it elsewhere, once and after each rotation: flask vault export")


@click.command("restore")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace a database that holds data.")
@with_appcontext
@refusals_exit
def restore(path: Path, force: bool) -> None:
    """Bring database and uploads back from PATH; stop the portal first."""
    settings = current_settings()
    if not force and holds_data():
        raise Refusal("The database holds data already. Stop the portal and add --force to replace them.")
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
        unpack(path, Path(folder))
        load_database(Path(folder))
        for name in FOLDERS:
            if (Path(folder) / name).is_dir():
                replace_folder(Path(folder) / name, settings.data_dir / name)
    click.echo(f"Restored {path}. Run flask db upgrade if it was written by an older version.")
    click.echo(find_missing_vault())


def leave_out_vault(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave the vault out of an archive, and what is written beside it while it changes."""
    return None if is_vault(Path(member.name).name) else member


def is_vault(name: str) -> bool:
    """Whether a file of this name is the vault, or part of changing it."""
    return name.startswith((vault.FILE_NAME, vault.vault_path().name))


def replace_folder(fresh: Path, target: Path) -> None:
    """Put a folder in the place of another one; a vault that lies in that stays."""
    for path in target.iterdir() if target.is_dir() else ():
        if is_vault(path.name):
            shutil.move(path, fresh / path.name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(fresh, target)


def find_missing_vault() -> str:
    """Return a sentence on whether this portal's vault opens what was restored."""
    mend = f"Put what flask vault export printed at the time into {vault.vault_path()} (chmod 600)."
    if find_schema_problem():
        return "Whether the vault fits can be told after flask db upgrade: flask doctor"
    try:
        vault.get_vault()
    except vault.VaultMissing:
        return f"The vault is missing: nothing sealed can be read. {mend}"
    failed = rotation.find_unopened()[1]
    return (
        f"The vault is another one, or lacks a key: {failed} records do not open. {mend}"
        if failed
        else "The vault fits."
    )


def database_file() -> Path | None:
    """Return the file of a SQLite database, or None for a server."""
    url = db.engine.url
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def holds_data() -> bool:
    """Whether there is anything that a restore would destroy."""
    present = set(sa.inspect(db.session.connection()).get_table_names())
    return any(
        db.session.scalar(sa.select(sa.exists().select_from(sa.table(name))))
        for name in ("staff", "permit", "complaint", "message")
        if name in present
    )


def dump_database(folder: Path) -> Path:
    """Copy the database into a folder, in one consistent state."""
    source = database_file()
    if source is None:
        target = folder / POSTGRESQL_NAME
        run_tool("pg_dump", "--format=custom", "--no-owner", f"--file={target}")
        return target
    target = folder / SQLITE_NAME
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    return target


def load_database(folder: Path) -> None:
    """Replace the database by the one in a folder."""
    db.session.rollback()
    target = database_file()
    wanted = folder / (POSTGRESQL_NAME if target is None else SQLITE_NAME)
    if not wanted.exists():
        raise Refusal("This backup is of the other kind of database.")
    if target is None:
        run_tool("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname=", str(wanted))
        return
    with closing(sqlite3.connect(wanted)) as copy, closing(sqlite3.connect(target, timeout=30)) as live:
        copy.backup(live)


def unpack(path: Path, folder: Path) -> None:
    """Unpack a backup; Refusal when the file is none."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as problem:
        raise Refusal(f"{path} is not a backup of this portal.") from problem


def run_tool(tool: str, *options: str) -> None:
    """Run one of PostgreSQL's own tools on our database; the password travels in the environment."""
    if shutil.which(tool) is None:
        raise Refusal(f"{tool} is not installed; backups of PostgreSQL need it (Debian: postgresql-client).")
    url = db.engine.url
    name = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    known = {key: str(value) for key, value in name.items() if value}
    words = [f"--dbname={url.database}" if word == "--dbname=" else word for word in options]
    done = subprocess.run(
        [tool, *words],
        env=os.environ | known | {"PGDATABASE": url.database or ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal(
            f"{tool} failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no reason given'}"
        )
