"""Expressions that are compiled late find what compiled ones find."""

import re

import pytest

from portal.patterns import later


def test_pattern_behaves_as_if_compiled() -> None:
    pattern = later(r"(?P<day>\d+)日", re.DOTALL)
    found = pattern.search("第12日")
    assert found is not None
    assert found["day"] == "12"
    assert pattern.fullmatch("12日!") is None
    assert pattern.sub("x", "1日2日") == "xx"
    assert (pattern.pattern, bool(pattern.flags & re.DOTALL)) == (r"(?P<day>\d+)日", True)


def test_pattern_is_compiled_when_it_is_first_used() -> None:
    broken = later("(")
    with pytest.raises(re.error):
        broken.search("")
