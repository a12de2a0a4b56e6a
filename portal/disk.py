"""Files that survive a power cut: written whole and synced, readable by the portal's own account alone."""

import os
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not be there yet, down to the disk; its name is there for good after `sync_folder`."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring to the disk which names a folder lists."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
