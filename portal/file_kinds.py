"""What a file is, by its content alone: its type, whether it is two things at once, and what staff should know of it.

Nothing here decodes a file or believes its name; pure functions over bytes that strangers sent.
"""

import re
import zlib
from collections.abc import Iterator
from enum import StrEnum

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf", "video/mp4": "mp4"}
IMAGES = {"image/jpeg": "JPEG", "image/png": "PNG"}
HEAD, TAIL = 1024, 66_000
MARKUP = (b"<html", b"<!doctype", b"<script", b"<svg", b"<?php", b"<body", b"<iframe")
ZIP_END = b"PK\x05\x06"
MP4_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ")

# What a PDF may do by itself or bring along. Words this long do not turn up in pictures by chance, as `/JS` does.
ACTIVE = re.compile(rb"/(JavaScript|Launch|SubmitForm|ImportData|RichMedia|EmbeddedFiles?|XFA)(?![A-Za-z0-9])")
ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
HEX_LETTER = re.compile(rb"#([0-9A-Fa-f]{2})")  # Any letter of a name may be written so.
MOST_HEX_LETTERS = 200_000
MOST_INFLATED = 64 * 1024 * 1024  # Of all packed objects of one PDF together.
BOXES_WITHIN = frozenset({b"moov", b"trak"})
# Where phones write place, device and owner; nothing of it is needed to show the picture.
TELLING_BOXES = frozenset({b"udta", b"meta", b"uuid"})
MOST_BOXES = 10_000


class Caution(StrEnum):
    """What staff are told of a file before they open it."""

    ACTIVE = "active"
    ENCRYPTED = "encrypted"
    PLACE = "place"


class Damaged(ValueError):
    """A file that ends too early or does not hold together."""


def sniff(data: bytes) -> str | None:
    """Return the media type of allowed content, whatever the file is called."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data[4:8] == b"ftyp" and data[8:12] in MP4_BRANDS:
        return "video/mp4"
    return None


def check_whole(data: bytes, media_type: str) -> None:
    """Raise Damaged when a document or a video ends too early; pictures show that when they are drawn."""
    if media_type == "application/pdf" and b"%%EOF" not in data[-HEAD * 2 :]:
        raise Damaged
    if media_type == "video/mp4":
        kinds = {kind for kind, _start, _end in walk_boxes(data)}
        if not {b"moov", b"mdat"} <= kinds:
            raise Damaged


def is_two_things(data: bytes, media_type: str) -> bool:
    """Whether a file could also be opened as a page, an archive or a document (a polyglot)."""
    head = data[:HEAD].lower()
    if any(mark in head for mark in MARKUP) or ZIP_END in data[-TAIL:]:
        return True
    if media_type in IMAGES:
        rest = data[_end_of_image(data, media_type) :].lower()
        return b"%pdf-" in head or b"%pdf-" in rest or any(mark in rest for mark in MARKUP)
    return media_type == "video/mp4" and b"%pdf-" in head


def _end_of_image(data: bytes, media_type: str) -> int:
    if media_type == "image/png":
        end = data.find(b"IEND")
        return end + 8 if end >= 0 else len(data)
    # Inside the scan every FF byte is followed by 00 or a restart mark, so the first FFD9 after it ends the picture.
    end = data.find(b"\xff\xd9", max(0, data.find(b"\xff\xda")))
    return end + 2 if end >= 0 else len(data)


def find_caution(data: bytes, media_type: str) -> Caution | None:
    """Return what staff should know before they open a PDF: that it is locked, or does something by itself."""
    if media_type != "application/pdf":
        return None
    if data.count(b"#") > MOST_HEX_LETTERS:
        return Caution.ACTIVE  # Nobody writes so many unless to hide something.
    if ENCRYPTED.search(_plain_names(data)):
        return Caution.ENCRYPTED
    return Caution.ACTIVE if any(ACTIVE.search(_plain_names(part)) for part in _pdf_parts(data)) else None


def _plain_names(part: bytes) -> bytes:
    return HEX_LETTER.sub(lambda found: bytes((int(found[1], 16),)), part)


def _pdf_parts(data: bytes) -> Iterator[bytes]:
    """Yield a PDF as it stands, then its packed objects, in which the same words may hide."""
    yield data
    place, left = 0, MOST_INFLATED
    while left > 0 and (place := data.find(b"/ObjStm", place) + 1):
        start = data.find(b"stream", place, place + 400)
        # Every byte is inflated once, however many streams a file claims to have.
        if start < 0:
            continue
        end = data.find(b"endstream", start + 6)
        if end < 0:
            return
        try:
            part = zlib.decompressobj().decompress(data[start + 6 : end].lstrip(b"\r\n"), left)
        except zlib.error:
            part = b""
        left -= len(part)
        place = end
        yield part


def walk_boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of a video's boxes, those inside `moov` and `trak` too.

    Raises Damaged when they do not follow each other to the very end of the file.
    """
    waiting, seen = [(0, len(data))], 0
    while waiting:
        place, end = waiting.pop()
        while place < end:
            seen += 1
            kind, size, head = _read_box(data, place, end)
            if size < head or place + size > end or seen > MOST_BOXES:
                raise Damaged
            yield kind, place, place + size
            if kind in BOXES_WITHIN:
                waiting.append((place + head, place + size))
            place += size


def _read_box(data: bytes, place: int, end: int) -> tuple[bytes, int, int]:
    """Return kind, size and length of the head of the box at a place; a size of 0 reaches to the end."""
    size, kind = int.from_bytes(data[place : place + 4]), bytes(data[place + 4 : place + 8])
    if size == 1:
        return kind, int.from_bytes(data[place + 8 : place + 16]), 16
    return kind, size or end - place, 8


def blank_video(data: bytes) -> bytes | None:
    """Return a video without what phones write beside the picture; None when that may lie among the pictures.

    Such boxes are turned into empty ones of the same size, so that everything else stays where it is.
    """
    if b"meta" in _track_kinds(data):
        return None
    blank = bytearray(data)
    for kind, start, end in walk_boxes(data):
        if kind in TELLING_BOXES:
            head = _read_box(data, start, end)[2]
            blank[start + 4 : start + 8] = b"free"
            blank[start + head : end] = bytes(end - start - head)
    return bytes(blank)


def _track_kinds(data: bytes) -> set[bytes]:
    """Return what the tracks of a video are: pictures, sound, or measurements such as places."""
    kinds = set()
    for kind, start, end in walk_boxes(data):
        if kind == b"trak":
            handler = data.find(b"hdlr", start, end)
            kinds.add(data[handler + 12 : handler + 16] if handler >= 0 else b"")
    return kinds
