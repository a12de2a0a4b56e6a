"""Regular expressions that are compiled when they are first used: some take longer than the pages that need none."""

import re
from typing import Any, cast


class _Late:
    def __init__(self, text: str, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, value)
        return value


def later(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return what behaves like the compiled expression."""
    return cast("re.Pattern[str]", _Late(text, flags))
