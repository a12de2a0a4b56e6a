"""Only links to our own pages are links on the demo's phones."""

import pytest

from portal.messages.rules import hide_tokens, split_links


@pytest.mark.parametrize(
    ("text", "public_url", "links"),
    [
        ("看http://a.test/r/AB12，或回5", "http://a.test", [("http://a.test/r/AB12", "/r/AB12")]),
        ("看a.test/r/AB12，或回5", "https://a.test", [("a.test/r/AB12", "/r/AB12")]),
        ("http://a.test:8000/r/A http://a.test:8000/r/B", "http://a.test:8000",
         [("http://a.test:8000/r/A", "/r/A"), ("http://a.test:8000/r/B", "/r/B")]),
        ("https://a.test/portal/r/A.", "https://a.test/portal", [("https://a.test/portal/r/A", "/portal/r/A")]),
        ("http://evil.test/r/A axtest/r/A javascript:alert(1)", "http://a.test", []),
        ("", "http://a.test", []),
    ],
)  # fmt: skip
def test_split_links(text: str, public_url: str, links: list[tuple[str, str]]) -> None:
    pieces = split_links(text, public_url)
    assert "".join(piece for piece, _path in pieces) == text
    assert [(piece, path) for piece, path in pieces if path] == links


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("请评价：a.test/r/K7M2Q9XD4TAB", "请评价：a.test/r/…"),
        ("http://a.test:8000/r/A-b_1，或回5", "http://a.test:8000/r/…，或回5"),
        ("no link at all", "no link at all"),
    ],
)
def test_staff_never_read_a_one_time_token(text: str, shown: str) -> None:
    assert hide_tokens(text) == shown
