"""Flask without what this portal does not use, and what every start or every request would pay for.

And requests whose files touch no disk before they are sealed, and that are heard out when they are too large.
"""

from collections.abc import Callable
from io import BytesIO
from time import monotonic
from typing import Any

from flask import Flask, Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Rule

# Forms in which somebody may have written for an hour: a video of any size is let go, and all that was typed stays.
LONG_FORMS = frozenset({"/complaints/new"})
MOST_HEARD = 640 * 1024 * 1024
HEARD_SECONDS = 60
MOST_KEPT = 64 * 1024 * 1024
MOST_KEPT_OF_FILE = 40 * 1024 * 1024


class MemoryFile(BytesIO):
    """A file of a form, as far as it is of use; `cut` says that more came than was kept."""

    def __init__(self, request: "PortalRequest") -> None:
        super().__init__()
        self.request, self.cut = request, False

    def write(self, data: Any) -> int:
        """Keep data while there is room, and let the rest go."""
        room = min(MOST_KEPT_OF_FILE - self.tell(), MOST_KEPT - self.request.kept)
        part = data[: max(0, room)]
        self.cut = self.cut or len(part) < len(data)
        self.request.kept += super().write(part)
        return len(data)


class PortalRequest(Request):
    """A request whose files stay in memory: Werkzeug would write them to a disk, in clear."""

    kept = 0
    heard_out = False

    @property
    def max_content_length(self) -> int | None:
        """How many bytes a form may have: far more where nothing typed may be lost."""
        return MOST_HEARD if self.path in LONG_FORMS else super().max_content_length

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        Request.max_content_length.fset(self, value)  # type: ignore[attr-defined]

    def _get_file_stream(self, *_args: Any, **_values: Any) -> MemoryFile:
        return MemoryFile(self)

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except RequestEntityTooLarge:
            self._hear_out()
            raise

    def _hear_out(self) -> None:
        """Read on, within bounds: who is cut short in the middle of sending sees a broken connection, not our words."""
        if self.heard_out:
            return  # Somebody has asked for the form once more.
        self.heard_out = True
        stream, left = self.environ["wsgi.input"], min(self.content_length or MOST_HEARD, MOST_HEARD)
        until = monotonic() + HEARD_SECONDS
        while left > 0 and monotonic() < until and (part := stream.read(min(left, 1024 * 1024))):
            left -= len(part)


class LateRule(Rule):
    """A route that learns to build its address when the first one is asked for.

    Werkzeug writes two functions for each of some two hundred routes at every start, and most are never called.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not made:
                made.append(super(LateRule, self)._compile_builder(append_unknown))
            return made[0](rule, **values)

        return build


class Portal(Flask):
    """Flask with plain functions as views only: it need not ask of each function of each request whether it is one."""

    url_rule_class = LateRule
    request_class = PortalRequest

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is."""
        return func
