"""Files that only the portal can read: each sealed under a data key of its own, which stands wrapped in its head.

A file is bound to its name, which is random and never changes: moving it to another folder breaks nothing, putting
another file in its place does. Writing the head anew, when a vault key is replaced, leaves the rest alone.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from portal import vault
from portal.disk import sync_folder, write_new
from portal.vault import WRAPPED_BYTES, BrokenSeal

MARK = b"PSF1"
HEAD_BYTES = len(MARK) + WRAPPED_BYTES
NAME = re.compile(r"[0-9a-f]{32}(\.clean)?")


def write_sealed(path: Path, content: bytes) -> None:
    """Write content sealed under a path that is not taken yet, down to the disk."""
    write_new(path, seal_for(path.name, content))


def read_sealed(path: Path) -> bytes:
    """Return the content of a sealed file.

    Raises FileNotFoundError when there is none, BrokenSeal when it was changed or swapped.
    """
    whole = path.read_bytes()
    try:
        return _unseal(path.name, whole)
    except BrokenSeal:
        # Its head may just have been written anew.
        return _unseal(path.name, path.read_bytes())


def is_sealed(path: Path) -> bool:
    """Whether a file begins as sealed ones do; FileNotFoundError when there is none."""
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK


def seal_in_place(path: Path) -> None:
    """Seal a file that was written in clear, under its own name; one that is sealed already stays."""
    if is_sealed(path):
        return
    found, fresh = path.stat(), path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, seal_for(path.name, path.read_bytes()))
    os.utime(fresh, ns=(found.st_atime_ns, found.st_mtime_ns))
    fresh.replace(path)


def list_sealed(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder whose names are those of sealed files."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if NAME.fullmatch(entry.name):
                    yield folder / entry.name


def read_key_number(path: Path) -> int | None:
    """Return the number of the vault key that a file's data key is wrapped with; None when it is gone or not sealed."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        return None
    return vault.wrapped_by(head[len(MARK) :]) if head.startswith(MARK) else None


def wrap_anew(path: Path) -> None:
    """Wrap a file's data key with the newest vault key, in its place: a file forgotten meanwhile stays forgotten."""
    with path.open("r+b") as file:
        head = file.read(HEAD_BYTES)
        context = f"file:{path.name}"
        fresh = vault.get_vault().wrap(vault.open_data_key(head[len(MARK) :], context), context)
        # One write inside the first sector: it is there whole, or not at all.
        os.pwrite(file.fileno(), fresh, len(MARK))
        os.fsync(file.fileno())


def erase(path: Path) -> None:
    """Forget a file: its key first, so that what a disk keeps of it opens no more. Nothing happens when it is gone."""
    try:
        with path.open("r+b") as file:
            os.pwrite(file.fileno(), bytes(HEAD_BYTES), 0)
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return


def seal_for(name: str, content: bytes) -> bytes:
    """Return what a sealed file of this name and content holds."""
    key, context = vault.new_data_key(), f"file:{name}"
    return b"".join((MARK, vault.get_vault().wrap(key, context), vault.seal(key, content, context)))


def _unseal(name: str, whole: bytes) -> bytes:
    if not whole.startswith(MARK):
        raise BrokenSeal("the seal of file is missing")
    context = f"file:{name}"
    key = vault.open_data_key(whole[len(MARK) : HEAD_BYTES], context)
    return vault.unseal(key, whole[HEAD_BYTES:], context)
