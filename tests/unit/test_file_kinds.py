"""What a file is, by its content: types, polyglots, what a PDF does by itself, what a video tells of its place."""

import time
import zlib

import pytest

from portal.file_kinds import Caution, Damaged, blank_video, check_whole, find_caution, is_two_things, sniff, walk_boxes
from tests.factories.files import PLACE, box, packed, pdf, png, track, video

PDF, MP4 = "application/pdf", "video/mp4"


def caution_of(content: bytes) -> Caution | None:
    assert sniff(content) == PDF
    check_whole(content, PDF)
    return find_caution(content, PDF)


def test_plain_documents_need_no_caution() -> None:
    assert caution_of(pdf()) is None
    assert caution_of(pdf(b"<< /OpenAction [3 0 R /Fit] >>", b"(see /JavaScripting and /Launcher)")) is None
    assert caution_of(pdf(packed(b"1 0 << /Type /Font >>"))) is None


@pytest.mark.parametrize(
    "hidden",
    [
        b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>", b"<< /S /Java#53cript >>", b"<< /S /#4a#61vaScript >>",
        b"<< /S /Launch /F (cmd.exe) >>", b"<< /Names << /EmbeddedFiles 9 0 R >> >>", b"<</Type/EmbeddedFile>>",
        b"<< /Subtype /RichMedia >>", b"<< /XFA [(a) 1 0 R] >>", b"<< /S /SubmitForm >>", b"<< /S /ImportData >>",
    ],
)  # fmt: skip
def test_what_acts_by_itself_is_told(hidden: bytes) -> None:
    assert caution_of(pdf(hidden)) is Caution.ACTIVE
    assert caution_of(pdf(packed(b"7 0 " + hidden))) is Caution.ACTIVE
    assert caution_of(pdf(packed(b"7 0 << >>"), packed(b"7 0 " + hidden))) is Caution.ACTIVE


def test_a_locked_document_is_told() -> None:
    assert caution_of(pdf(trailer=b"/Encrypt 9 0 R")) is Caution.ENCRYPTED
    assert caution_of(pdf(trailer=b"/Encr#79pt 9 0 R")) is Caution.ENCRYPTED


def test_so_many_odd_letters_hide_something() -> None:
    assert caution_of(pdf(b"#" * 200_001)) is Caution.ACTIVE


HOSTILE = {
    "ten thousand pages": pdf(pages=10_000),
    "a bomb of packed objects": pdf(packed(bytes(300_000_000))),
    "streams that never end": b"%PDF-1.7 " + b"/ObjStm stream\n" * 600_000 + b"%%EOF",
    "packed objects without a stream": b"%PDF-1.7 " + b"/ObjStm" * 1_400_000 + b"%%EOF",
    "streams that hold nothing": b"%PDF-1.7 " + b"/ObjStm stream\nendstream" * 400_000 + b"%%EOF",
    "empty blocks": b"%PDF " + b"/ObjStm stream\nx\x9c" + b"\0\0\0\xff\xff" * 1_900_000 + b"endstream %%EOF",
    "odd letters": b"%PDF-1.7 " + b"#41" * 200_000 + b"%%EOF",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_document_keeps_us_busy(name: str) -> None:
    """On a busy machine as well; the time is that of this process alone."""
    content = HOSTILE[name]
    started = time.process_time()
    find_caution(content, PDF)
    assert time.process_time() - started < 3


def test_cut_off_files_are_damaged() -> None:
    whole = pdf(pages=200)
    with pytest.raises(Damaged):
        check_whole(whole[:-3000], PDF)
    check_whole(video(), MP4)
    for length in (20, 40, len(video()) - 1, len(video(mdat=b"")) - 8):
        with pytest.raises(Damaged):
            check_whole(video()[:length], MP4)


@pytest.mark.parametrize(
    "content",
    [
        box(b"ftyp", b"isom"),
        box(b"ftyp", b"isom") + box(b"mdat", b"x"),
        video() + b"<html>",
        video() + b"\0\0\0\x03abcd",
        box(b"ftyp", b"isom") + b"\0\0\0\x01moov" + (2**63).to_bytes(8) + b"mdat",
        box(b"ftyp", b"isom") + box(b"free") * 10_001 + box(b"moov") + box(b"mdat"),
        box(b"ftyp", b"isom") + box(b"moov", b"\0\0\0\x09trakx\0\0") + box(b"mdat"),
    ],
)
def test_videos_hold_together_to_the_last_byte(content: bytes) -> None:
    assert sniff(content) == MP4
    with pytest.raises(Damaged):
        check_whole(content, MP4)


def test_large_boxes_and_boxes_to_the_end_are_read() -> None:
    head = box(b"ftyp", b"isom") + box(b"moov")
    for last in (b"\0\0\0\x01mdat" + (20).to_bytes(8) + b"data", b"\0\0\0\0mdatdata"):
        check_whole(head + last, MP4)
        assert list(walk_boxes(head + last))[-1] == (b"mdat", len(head), len(head + last))


def test_a_video_loses_its_place_and_nothing_else() -> None:
    original = video(mdat=b"pictures" * 1000)
    clean = blank_video(original)
    assert clean is not None
    assert original.count(PLACE) == 4
    assert PLACE not in clean
    assert b"location" not in clean
    check_whole(clean, MP4)
    kept = {b"udta", b"meta", b"uuid", b"free"}
    walked = [[found for found in walk_boxes(content) if found[0] not in kept] for content in (original, clean)]
    assert walked[0] == walked[1]
    assert clean.endswith(b"pictures" * 1000)
    assert len(clean) == len(original)


def test_a_video_with_measured_places_has_no_clean_copy() -> None:
    assert blank_video(video(track(b"vide"), track(b"meta"))) is None


def test_two_things_at_once_are_found() -> None:
    archive = b"PK\x05\x06" + bytes(18)
    page = b"<script>alert(1)</script>"
    assert not is_two_things(pdf(), PDF)
    assert not is_two_things(video(), MP4)
    assert not is_two_things(png(4, 4), "image/png")
    for content, media_type in (
        (pdf() + archive, PDF), (b"%PDF-1.7 " + page + pdf(), PDF), (png(4, 4) + page, "image/png"),
        (png(4, 4) + pdf(), "image/png"), (video() + archive, MP4), (box(b"ftyp", b"isom", pdf()) + video(), MP4),
        (b"\xff\xd8\xff\xe0" + page, "image/jpeg"), (b"\xff\xd8\xff\xda..\xff\xd9" + pdf(), "image/jpeg"),
    ):  # fmt: skip
        assert sniff(content) == media_type
        assert is_two_things(content, media_type), content[:60]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"MZ\x90\0", b"<html>", b" %PDF-1.7", b"GIF89a", b"RIFF....WEBP", b"\x7fELF", b"PK\x03\x04", b"#!/bin/sh",
        box(b"ftyp", b"qt  "), box(b"ftyp", b"heic"), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"{\\rtf1",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", zlib.compress(b"x"),
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_one_of_ours(content: bytes) -> None:
    assert sniff(content) is None
