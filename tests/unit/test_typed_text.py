"""Typed text is tidied without losing what people meant."""

import pytest

from portal.fields import one_line, tidy
from portal.file_kinds import is_two_things, sniff
from portal.uploads import clean_name
from tests.factories.complaints import pdf, picture


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  两行\r\n文字  ", "两行\n文字"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("表情👩‍👩‍👧", "表情👩‍👩‍👧"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\ud800x", "x"),
        ("\u200b\ufeff", ""),
        ("张\u200b虚\u2060构", "张虚构"),
        (None, ""),
    ],
)
def test_control_characters_go_and_words_stay(typed: str | None, kept: str) -> None:
    assert tidy(typed) == kept


def test_one_line_has_no_line_ends() -> None:
    assert one_line("王\n虚\t构") == "王 虚 构"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("照片.jpg", "照片.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.png", "a.png"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("", "file"),
        ("..", ".."),
        ("x" * 300 + ".jpg", "x" * 76 + ".jpg"),
    ],
)
def test_file_names_are_only_for_showing(raw: str, shown: str) -> None:
    assert clean_name(raw) == shown


def test_type_is_judged_by_content() -> None:
    assert sniff(picture()) == "image/jpeg"
    assert sniff(picture("PNG")) == "image/png"
    assert sniff(pdf()) == "application/pdf"
    assert sniff(b"\x00\x00\x00\x18ftypmp42" + b"0" * 20) == "video/mp4"
    for other in (b"", b"<html>", b"GIF89a", b"PK\x03\x04", b"MZ\x90", b"<svg xmlns='x'>", b"\x00\x00\x00\x18ftypheic"):
        assert sniff(other) is None


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (picture() + b"<script>alert(1)</script>", "image/jpeg"),
        (picture("PNG") + b"%PDF-1.4 ...", "image/png"),
        (picture() + b"PK\x05\x06" + b"\0" * 18, "image/jpeg"),
        (picture().replace(b"secret place", b"<script>abc "), "image/jpeg"),
        (pdf().replace(b"1 0 obj", b"<html>1"), "application/pdf"),
        (pdf() + b"PK\x05\x06" + b"\0" * 18, "application/pdf"),
    ],
)
def test_files_that_are_two_things_are_seen(data: bytes, media_type: str) -> None:
    assert is_two_things(data, media_type)


@pytest.mark.parametrize(("data", "kind"), [(picture(), "jpeg"), (picture("PNG"), "png")])
def test_plain_pictures_are_one_thing(data: bytes, kind: str) -> None:
    assert not is_two_things(data, f"image/{kind}")
