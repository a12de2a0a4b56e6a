"""Files that strangers send: judged by content, kept as sealed originals, with a clean copy of every picture.

A file is first staged under a random name while its form is being filled in, and forgotten after a day. Once the form
is sent it is kept for good under its own SHA-256, which is its seal: a file that no longer fits is not handed out.
"""

import hashlib
import os
import re
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.errors import Conflict, NotFound, Refusal, TooMany
from portal.settings import Settings

MAX_FILES = 5
MAX_MEGABYTES = 10
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024
MAX_PIXELS = 52_000_000  # The largest sensor that phones use without being asked has 50 million.
CLEAN_EDGE = 2560
STAGED_FOR = 24 * 3600
MAX_STAGED_BYTES = 2 * 1024**3  # Of everybody together, so that nobody fills the disk with forms never sent.
ACCEPT = ".jpg,.jpeg,.png,.pdf,.mp4,image/jpeg,image/png,application/pdf,video/mp4"

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf", "video/mp4": "mp4"}
IMAGES = {"image/jpeg": "JPEG", "image/png": "PNG"}
HEAD, TAIL = 1024, 66_000
MARKUP = (b"<html", b"<!doctype", b"<script", b"<svg", b"<?php", b"<body", b"<iframe")
ZIP_END = b"PK\x05\x06"

# One picture at a time: decoding takes far more memory than the file has bytes.
_decoding = Lock()


@dataclass(frozen=True)
class Staged:
    """A judged file that waits for its form to be sent."""

    token: str
    name: str
    media_type: str
    size: int
    sha256: str
    clean_sha256: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return what travels in a signed field."""
        return asdict(self)


def stage(sent: FileStorage) -> Staged:
    """Judge a file and keep it for a day.

    Raises Refusal, naming the file, when it is empty, too big, of another type, damaged, or two types at once;
    TooMany when there is no room for more unsent files.
    """
    name = clean_name(sent.filename or "")
    data = sent.stream.read(MAX_BYTES + 1)
    media_type = judge(name, data)
    clean = make_clean_copy(name, data, IMAGES[media_type]) if media_type in IMAGES else None
    if sweep() + len(data) > MAX_STAGED_BYTES:
        raise TooMany(_("“%(name)s” was not added: too many files are waiting here. Try again later.", name=name))
    token = secrets.token_hex(16)
    _write(_staging() / token, data)
    if clean is not None:
        _write(_staging() / f"{token}.clean", clean)
    return Staged(token, name, media_type, len(data), _digest(data), _digest(clean) if clean is not None else None)


def judge(name: str, data: bytes) -> str:
    """Return the media type a file's content has.

    Raises Refusal when it may not be sent here.
    """
    if not data:
        raise Refusal(_("“%(name)s” is empty.", name=name))
    if len(data) > MAX_BYTES:
        limit = MAX_MEGABYTES
        raise Refusal(_("“%(name)s” is over %(limit)d MB. Choose a smaller file.", name=name, limit=limit))
    media_type = sniff(data)
    if media_type is None:
        raise Refusal(_("“%(name)s” is not a JPG, PNG, PDF or MP4 file.", name=name))
    if is_two_things(data, media_type):
        raise Refusal(
            _("“%(name)s” holds something besides what it shows. Save it anew and choose it again.", name=name)
        )
    return media_type


def sniff(data: bytes) -> str | None:
    """Return the media type of allowed content, whatever the file is called."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data[4:8] == b"ftyp" and data[8:12] in (b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"iso5", b"iso6"):
        return "video/mp4"
    return None


def is_two_things(data: bytes, media_type: str) -> bool:
    """Whether a file could also be opened as a page, an archive or a document (a polyglot)."""
    head = data[:HEAD].lower()
    if any(mark in head for mark in MARKUP) or ZIP_END in data[-TAIL:]:
        return True
    if media_type in IMAGES:
        rest = data[_end_of_image(data, media_type) :].lower()
        return b"%pdf-" in head or b"%pdf-" in rest or any(mark in rest for mark in MARKUP)
    return media_type == "application/pdf" and b"%%EOF" not in data[-HEAD * 2 :]


def _end_of_image(data: bytes, media_type: str) -> int:
    if media_type == "image/png":
        end = data.find(b"IEND")
        return end + 8 if end >= 0 else len(data)
    # Inside the scan every FF byte is followed by 00 or a restart mark, so the first FFD9 after it ends the picture.
    end = data.find(b"\xff\xd9", max(0, data.find(b"\xff\xda")))
    return end + 2 if end >= 0 else len(data)


def make_clean_copy(name: str, data: bytes, kind: str) -> bytes:
    """Return a picture drawn anew, upright, without place, camera or comments, at most 2560 pixels wide or high.

    Raises Refusal when it is damaged or far larger than any camera makes.
    """
    # Loaded on demand: most processes never see a picture, and Pillow weighs as much as the whole framework.
    from PIL import Image, ImageOps

    try:
        with _decoding, Image.open(BytesIO(data), formats=[kind]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Refusal(_("“%(name)s” has too many pixels. Choose a smaller picture.", name=name))
            image.draft("RGB", (CLEAN_EDGE, CLEAN_EDGE))
            image.load()
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((CLEAN_EDGE, CLEAN_EDGE))
            bare = upright.convert("RGB" if kind == "JPEG" else "RGBA")
            bare.info.clear()
            out = BytesIO()
            bare.save(out, kind, quality=85)
            return out.getvalue()
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as problem:
        raise Refusal(_("“%(name)s” is damaged and cannot be opened.", name=name)) from problem


def clean_name(raw: str) -> str:
    """Return a file's own name for showing: no folders, no control or direction characters, at most 80 characters."""
    last = PurePosixPath(raw.replace("\\", "/")).name
    text = "".join(letter for letter in last if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return text.strip()[-80:] or "file"


def is_staged(file: Staged) -> bool:
    """Whether a staged file is still there, or kept already."""
    return (_staging() / file.token).is_file() or path_of(file.sha256).is_file()


def discard(file: Staged) -> None:
    """Forget a staged file."""
    for suffix in ("", ".clean"):
        (_staging() / f"{file.token}{suffix}").unlink(missing_ok=True)


def keep(file: Staged) -> None:
    """Move a staged file to where it stays; twice is the same as once.

    Raises Conflict when it is no longer staged.
    """
    for suffix, sha256 in (("", file.sha256), (".clean", file.clean_sha256)):
        if sha256 is None:
            continue
        source, target = _staging() / f"{file.token}{suffix}", path_of(sha256)
        if target.is_file():
            source.unlink(missing_ok=True)
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            source.replace(target)
        except FileNotFoundError as problem:
            if not target.is_file():  # Else the same form, sent twice, has just moved it.
                raise Conflict(_("“%(name)s” is no longer here. Please add it again.", name=file.name)) from problem


def read_kept(sha256: str) -> bytes:
    """Return a kept file's content after checking its seal.

    Raises NotFound when it is gone, Conflict when it is not what was sent.
    """
    try:
        data = path_of(sha256).read_bytes()
    except FileNotFoundError as problem:
        raise NotFound(_("This file is no longer stored.")) from problem
    if _digest(data) != sha256:
        raise Conflict(_("This file is not what was sent: its seal is broken."))
    return data


def path_of(sha256: str) -> Path:
    """Return where a file of this digest is kept."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("not a SHA-256")
    return _data_dir() / "files" / sha256


def sweep() -> int:
    """Forget staged files whose form was never sent; return how many bytes are left waiting."""
    oldest = clock.now().timestamp() - STAGED_FOR
    waiting = 0
    for path in _staging().iterdir():
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if found.st_mtime < oldest:
            path.unlink(missing_ok=True)
        else:
            waiting += found.st_size
    return waiting


def _data_dir() -> Path:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.data_dir


def _staging() -> Path:
    folder = _data_dir() / "staging"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, (clock.now().timestamp(),) * 2)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
