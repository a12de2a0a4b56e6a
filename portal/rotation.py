"""`flask vault`: changing the keys that everything sealed hangs on, while the portal runs.

A key is replaced in three steps: `rotate` adds one and wraps every data key with it, `status` shows what still hangs
on the old one, `retire` takes that out. Each may be cut off and run again. What data keys seal stays as it is.

Seals made alike (phone numbers) and blind indexes hang on the vault's `index`, which does not change: see docs/adr.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from portal import clock, sealed_files, uploads, vault
from portal.accounts.models import SecondFactor
from portal.cli import current_settings, refusals_exit
from portal.complaints.models import Complaint, ComplaintFile
from portal.contacts.models import Contact
from portal.db import db, reading
from portal.errors import Refusal
from portal.limits import NetworkKey
from portal.vault import BrokenSeal

AT_ONCE = 200
SAMPLE = 20
# Whoever wrapped something with the old key just before it was replaced has committed it by then.
SETTLED_SECONDS = 3600
FOLDERS = ("files", "staging", "imports")

group = AppGroup("vault", help="The keys that seal complaints, files and phone numbers.")


class Wrapped(NamedTuple):
    """A column that holds wrapped data keys; with the values of `named`, `context` says what each is bound to."""

    column: Any
    primary: Any
    named: Any
    context: str

    def context_of(self, value: object) -> str:
        """Return what the data key of a record is bound to."""
        return self.context.format(value)


WRAPPED = (
    Wrapped(Complaint.data_key, Complaint.id, Complaint.number, "complaint:{}"),
    Wrapped(SecondFactor.data_key, SecondFactor.staff_id, SecondFactor.staff_id, "staff_second_factor:{}"),
    Wrapped(NetworkKey.sealed, NetworkKey.id, NetworkKey.day, "network_key:{}"),
)


@group.command("status")
@refusals_exit
def status() -> None:
    """Show how many records and files hang on each key."""
    used, known = count_uses(), vault.get_vault().keys
    for number in sorted({*used, *known}):
        missing = "" if number in known else ", and is MISSING"
        click.echo(f"key {number}: {used[number]} records and files{missing}")


@group.command("rotate")
@refusals_exit
def rotate() -> None:
    """Add a key and wrap everything with it; run it again when it was cut off."""
    with vault.changing() as found:
        # What was begun is finished before another one is begun.
        if set(count_uses()) <= {found.newest}:
            if found.newest == vault.MOST_KEYS:
                raise Refusal("The vault holds as many keys as it can tell apart.")
            vault.replace_file(replace(found, keys={**found.keys, found.newest + 1: vault.new_data_key()}))
    done = wrap_records() + wrap_files()
    newest = vault.get_vault().newest
    click.echo(f"Key {newest} is in use; {done} records and files were wrapped with it.")
    click.echo("Keep it safe: flask vault export. Older backups need the older keys: keep those exports too.")


@group.command("retire")
@click.argument("number", type=int)
@refusals_exit
def retire(number: int) -> None:
    """Take a key out for good once nothing hangs on it."""
    with vault.changing() as found:
        if number not in found.keys:
            raise Refusal(f"There is no key {number}.")
        if number == found.newest:
            raise Refusal(f"Key {number} is the one in use. Add another one first: flask vault rotate")
        wait = vault.vault_path().stat().st_mtime + SETTLED_SECONDS - clock.now().timestamp()
        if wait > 0:
            raise Refusal(f"The keys were changed a moment ago. Try again in {int(wait / 60) + 1} minutes.")
        used = count_uses()[number]
        if used:
            raise Refusal(f"{used} records and files hang on key {number}. Wrap them anew first: flask vault rotate")
        vault.replace_file(replace(found, keys={kept: key for kept, key in found.keys.items() if kept != number}))
    click.echo(f"Key {number} is gone from the vault; backups older than the last rotation need it still.")


@group.command("export")
@refusals_exit
def export() -> None:
    """Print the vault, for a safe: whoever has it and a backup can read everything."""
    click.echo(vault.text_of(vault.get_vault()), nl=False)


def count_uses() -> Counter[int]:
    """Count the records and files that hang on each vault key, by its number; 0 are those that cannot be told."""
    used: Counter[int] = Counter()
    for wrapped in WRAPPED:
        # Format and number of the vault key come first, and are counted where they lie.
        head = sa.func.substr(wrapped.column, 1, vault.HEADER + 1)
        heads = sa.select(head, sa.func.count()).where(wrapped.column != b"").group_by(head)
        for row in db.session.execute(heads):
            used[vault.wrapped_by(bytes(row[0]))] += row[1]
    db.session.rollback()
    used.update(number for path in _files() if (number := sealed_files.read_key_number(path)) is not None)
    return used


def wrap_records() -> int:
    """Wrap the data keys of all records with the newest vault key, a few in each transaction; return how many."""
    done = 0
    for wrapped in WRAPPED:
        last: Any = None
        while rows := _list_rows(wrapped, last):
            done += sum(_wrap(wrapped, row) for row in rows)
            db.session.commit()
            last = rows[-1].id
    return done


def _list_rows(wrapped: Wrapped, last: Any) -> list[Any]:
    statement = sa.select(wrapped.primary.label("id"), wrapped.named.label("named"), wrapped.column.label("key"))
    if last is not None:
        statement = statement.where(wrapped.primary > last)
    with reading():
        rows = list(db.session.execute(statement.order_by(wrapped.primary).limit(AT_ONCE)))
        db.session.rollback()
    return rows


def _wrap(wrapped: Wrapped, row: Any) -> int:
    """Wrap one data key anew, unless it was replaced or forgotten since it was read."""
    if not row.key or vault.wrapped_by(row.key) == vault.get_vault().newest:
        return 0
    context = wrapped.context_of(row.named)
    fresh = vault.get_vault().wrap(vault.open_data_key(row.key, context), context)
    changed = db.session.execute(
        sa.update(wrapped.column.class_)
        .where(wrapped.primary == row.id, wrapped.column == row.key)
        .values({wrapped.column.key: fresh})
        .execution_options(synchronize_session=False)
        .returning(wrapped.primary)
    )
    return len(changed.all())


def wrap_files() -> int:
    """Wrap the data keys of all files with the newest vault key; return how many."""
    done = 0
    for path in _files():
        if sealed_files.read_key_number(path) not in (None, vault.get_vault().newest):
            try:
                sealed_files.wrap_anew(path)
            except FileNotFoundError:
                continue  # Sent or forgotten meanwhile; what was sent is found in its new place.
            done += 1
    return done


def _files() -> Iterator[Any]:
    """Yield every sealed file, staged ones first: one that is sent meanwhile is then seen among the kept."""
    for name in reversed(FOLDERS):
        yield from sealed_files.list_sealed(current_settings().data_dir / name)


def seal_files() -> None:
    """Seal what an earlier version kept in clear."""
    columns = (ComplaintFile.token, ComplaintFile.sha256, ComplaintFile.clean_sha256)
    uploads.seal_plain([(row.token, row.sha256, row.clean_sha256) for row in db.session.execute(sa.select(*columns))])


def find_unopened() -> tuple[int, int]:
    """Try to open the newest records and files; return how many were tried, and how many did not open."""
    tried = failed = 0
    for wrapped in WRAPPED:
        statement = sa.select(wrapped.named, wrapped.column).where(wrapped.column != b"")
        for row in db.session.execute(statement.order_by(wrapped.primary.desc()).limit(SAMPLE)):
            tried, failed = tried + 1, failed + (not _opens(row[1], wrapped.context_of(row[0])))
    phones = sa.select(sa.type_coerce(Contact.phone, sa.Text)).order_by(Contact.id.desc()).limit(SAMPLE)
    for phone in db.session.scalars(phones):
        tried += 1
        try:
            vault.peek_vault().unseal_alike(phone, "phone")
        except BrokenSeal:
            failed += 1
    return tried, failed


def _opens(key: bytes, context: str) -> bool:
    try:
        return bool(vault.open_data_key(key, context))
    except BrokenSeal:
        return False
