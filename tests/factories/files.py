"""Files that people send, and files that are made to do harm, built byte by byte."""

import struct
import zlib


def pdf(*objects: bytes, trailer: bytes = b"", pages: int = 1) -> bytes:
    """Return a PDF with so many pages and further objects, as they are given."""
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(pages))
    parts = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids)]
    parts += [b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"] * pages
    body, places = b"%PDF-1.7\n", []
    for number, part in enumerate([*parts, *objects], 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(places) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n"
    return body + end % (size, table, size, trailer, len(body))


def packed(content: bytes) -> bytes:
    """Return an object of a PDF that holds others, compressed."""
    data = zlib.compress(content)
    head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n" % len(data)
    return head + data + b"\nendstream"


def box(kind: bytes, *contents: bytes) -> bytes:
    """Return one box of a video."""
    content = b"".join(contents)
    return struct.pack(">I", len(content) + 8) + kind + content


def track(handler: bytes, *more: bytes) -> bytes:
    """Return a track of a video: `vide`, `soun`, or `meta`."""
    return box(b"trak", box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12))), *more)


PLACE = b"+34.9034+112.7906/"
PLACE_BOX = box(b"udta", box(b"\xa9xyz", struct.pack(">HH", len(PLACE), 0x15C7), PLACE))


def video(*tracks: bytes, mdat: bytes = b"pictures", place: bool = True, brand: bytes = b"isom") -> bytes:
    """Return a video as phones make it, with the place where it was taken."""
    inside = [box(b"mvhd", bytes(100)), *(tracks or (track(b"vide"), track(b"soun", PLACE_BOX)))]
    if place:
        inside += [PLACE_BOX, box(b"meta", b"com.apple.quicktime.location.ISO6709", PLACE)]
    head = box(b"ftyp", brand, bytes(4), brand)
    return head + box(b"moov", *inside) + box(b"uuid", bytes(16), PLACE) + box(b"mdat", mdat)


def png(width: int, height: int, data: bytes = b"\0" * 1000) -> bytes:
    """Return a PNG that claims a size, whatever it holds."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
