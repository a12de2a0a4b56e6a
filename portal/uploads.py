"""Files that strangers send: judged by content, kept as sealed originals, with a clean copy of pictures and videos.

A file is first staged under a random name while its form is being filled in, and forgotten after a day. Once the form
is sent it is kept under that name. It is never on a disk but encrypted; its SHA-256, in the database, is the seal on
what was sent: a file that no longer fits is not handed out.
"""

import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from portal import clock, file_kinds, sealed_files, virus_scanner
from portal.disk import sync_folder, write_new
from portal.errors import Conflict, NotFound, Refusal, TooMany
from portal.file_kinds import IMAGES, SUFFIXES, Caution, Damaged
from portal.settings import Settings
from portal.vault import BrokenSeal
from portal.virus_scanner import Verdict

__all__ = ["SUFFIXES", "Caution"]

MAX_FILES = 5
MAX_MEGABYTES = 10
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024
MAX_PIXELS = 52_000_000  # The largest sensor that phones use without being asked has 50 million.
CLEAN_EDGE = 2560
STAGED_FOR = 24 * 3600
MAX_STAGED_BYTES = 2 * 1024**3  # Of everybody together, so that nobody fills the disk with forms never sent.
ACCEPT = ".jpg,.jpeg,.png,.pdf,.mp4,image/jpeg,image/png,application/pdf,video/mp4"

CLEAN = ".clean"
TOKEN = re.compile(r"[0-9a-f]{32}")

# One picture at a time: decoding takes far more memory than the file has bytes.
_decoding = Lock()


@dataclass(frozen=True)
class Staged:
    """A judged file that waits for its form to be sent; `caution` is what staff are told of it, if anything."""

    token: str
    name: str
    media_type: str
    size: int
    sha256: str
    clean_sha256: str | None
    caution: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return what travels in a signed field."""
        return asdict(self)


def stage(sent: FileStorage) -> Staged:
    """Judge a file and keep it for a day.

    Raises Refusal, naming the file, when it is empty, too big, of another type, damaged, two types at once, infected,
    or cannot be scanned although it should be; TooMany when there is no room for more unsent files.
    """
    name = clean_name(sent.filename or "")
    data = sent.stream.read(MAX_BYTES + 1)
    if getattr(sent.stream, "cut", False) and len(data) <= MAX_BYTES:
        raise Refusal(_("“%(name)s” was not added: too much was sent at once. Add fewer files at a time.", name=name))
    media_type = judge(name, data)
    scan(name, data)
    clean, caution = make_clean(name, data, media_type)
    if sweep() + len(data) > MAX_STAGED_BYTES:
        raise TooMany(_("“%(name)s” was not added: too many files are waiting here. Try again later.", name=name))
    token = secrets.token_hex(16)
    for path, content in ((_staging() / token, data), (_staging() / f"{token}{CLEAN}", clean)):
        if content is not None:
            sealed_files.write_sealed(path, content)
            os.utime(path, (clock.now().timestamp(),) * 2)
    sha256, clean_sha256 = _digest(data), _digest(clean) if clean is not None else None
    return Staged(token, name, media_type, len(data), sha256, clean_sha256, caution)


def judge(name: str, data: bytes) -> str:
    """Return the media type a file's content has.

    Raises Refusal when it may not be sent here.
    """
    if not data:
        raise Refusal(_("“%(name)s” is empty.", name=name))
    if len(data) > MAX_BYTES:
        limit = MAX_MEGABYTES
        raise Refusal(_("“%(name)s” is over %(limit)d MB. Choose a smaller file.", name=name, limit=limit))
    media_type = file_kinds.sniff(data)
    if media_type is None:
        raise Refusal(_("“%(name)s” is not a JPG, PNG, PDF or MP4 file.", name=name))
    if file_kinds.is_two_things(data, media_type):
        raise Refusal(
            _("“%(name)s” holds something besides what it shows. Save it anew and choose it again.", name=name)
        )
    try:
        file_kinds.check_whole(data, media_type)
    except Damaged as problem:
        raise Refusal(_("“%(name)s” is damaged and cannot be opened.", name=name)) from problem
    return media_type


def scan(name: str, data: bytes) -> None:
    """Have a file scanned where a scanner is set up.

    Raises Refusal when something is found, and as well when the scanner gives no answer: nothing unseen is taken.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.clamd:
        return
    verdict = virus_scanner.scan(settings.clamd, data)
    if verdict is Verdict.INFECTED:
        raise Refusal(_("“%(name)s” was not added: the virus scanner found something in it.", name=name))
    if verdict is not Verdict.CLEAN:
        words = _("“%(name)s” was not added: files cannot be scanned just now. Try again later, or send without it.")
        raise Refusal(words % {"name": name})


def make_clean(name: str, data: bytes, media_type: str) -> tuple[bytes | None, str]:
    """Return a copy that tells nothing but what it shows, where one can be made, and what staff are told instead."""
    if media_type in IMAGES:
        return make_clean_copy(name, data, IMAGES[media_type]), ""
    if media_type == "video/mp4":
        clean = file_kinds.blank_video(data)
        return clean, "" if clean is not None else Caution.PLACE.value
    caution = file_kinds.find_caution(data, media_type)
    return None, caution.value if caution else ""


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
            image.thumbnail((CLEAN_EDGE, CLEAN_EDGE))  # Before it is turned: a second one of full size costs memory.
            upright = ImageOps.exif_transpose(image)
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
    return path_of(file.token, folder="staging").is_file() or path_of(file.token).is_file()


def discard(file: Staged) -> None:
    """Forget a staged file."""
    for suffix in ("", CLEAN):
        sealed_files.erase(path_of(file.token, suffix, folder="staging"))


def keep(file: Staged) -> None:
    """Move a staged file to where it stays, for good once this returns; twice is the same as once.

    Raises Conflict when it is no longer staged.
    """
    folder = _folder("files")
    for suffix in ("", CLEAN) if file.clean_sha256 else ("",):
        source, target = path_of(file.token, suffix, folder="staging"), path_of(file.token, suffix)
        try:
            source.replace(target)
        except FileNotFoundError as problem:
            if not target.is_file():  # Else the same form, sent twice, has just moved it.
                raise Conflict(_("“%(name)s” is no longer here. Please add it again.", name=file.name)) from problem
    sync_folder(folder)


def read_kept(token: str, sha256: str, *, clean: bool = False) -> bytes:
    """Return the content of a kept file, or of its clean copy, after checking its seal, the SHA-256 given.

    Raises NotFound when it is gone, Conflict when it is not what was sent.
    """
    try:
        data = sealed_files.read_sealed(path_of(token, CLEAN if clean else ""))
    except FileNotFoundError as problem:
        raise NotFound(_("This file is no longer stored.")) from problem
    except BrokenSeal:
        data = b""
    if _digest(data) != sha256:
        raise Conflict(_("This file is not what was sent: its seal is broken."))
    return data


def forget(token: str) -> None:
    """Erase a kept file and its clean copy; twice is the same as once."""
    for suffix in ("", CLEAN):
        sealed_files.erase(path_of(token, suffix))


def path_of(token: str, suffix: str = "", *, folder: str = "files") -> Path:
    """Return where a file of this token is kept, or staged; ValueError when the token is none."""
    if not TOKEN.fullmatch(token):
        raise ValueError("not a file's token")
    return _data_dir() / folder / f"{token}{suffix}"


def seal_plain(rows: Iterable[tuple[str, str, str | None]]) -> None:
    """Seal what an earlier version kept in clear, named by digest; may be cut off at any moment and run again.

    `rows` are tokens, and the digests of original and clean copy. One digest may have been kept for several rows, so
    files in clear go last.
    """
    for path in sealed_files.list_sealed(_staging()):
        sealed_files.seal_in_place(path)
    plain = [path for path in _folder("files").iterdir() if re.fullmatch(r"[0-9a-f]{64}", path.name)]
    if not plain:
        return
    present = {path.name: path for path in plain}
    for token, *digests in rows:
        for suffix, digest in zip(("", CLEAN), digests, strict=True):
            target = path_of(token, suffix)
            if digest in present and not target.exists():
                fresh = target.with_name(f"{target.name}.new")
                fresh.unlink(missing_ok=True)
                write_new(fresh, sealed_files.seal_for(target.name, present[digest].read_bytes()))
                fresh.replace(target)
    sync_folder(_folder("files"))
    for path in plain:
        sealed_files.erase(path)


def open_plain(rows: Iterable[tuple[str, str, str | None]]) -> None:
    """Undo `seal_plain`, for a version that knows no sealed files; may be cut off at any moment and run again."""
    kept = [row for row in rows if path_of(row[0]).exists()]
    for token, *digests in kept:
        for suffix, digest in zip(("", CLEAN), digests, strict=True):
            target = _folder("files") / (digest or "")
            if digest and not target.exists():
                fresh = target.with_name(f"{target.name}.new")
                fresh.unlink(missing_ok=True)
                write_new(fresh, sealed_files.read_sealed(path_of(token, suffix)))
                fresh.replace(target)
    sync_folder(_folder("files"))
    for token, *_digests in kept:
        forget(token)


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
            sealed_files.erase(path)
        else:
            waiting += found.st_size
    return waiting


def _data_dir() -> Path:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.data_dir


def _staging() -> Path:
    return _folder("staging")


def _folder(name: str) -> Path:
    folder = _data_dir() / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
