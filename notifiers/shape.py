"""What of a text a provider gets: the words, or the number of its approved template and what fills it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from notifiers.compose import Composed


class Unshapable(Exception):
    """A text that a provider cannot send; `reason` is for log and monitor, `passing` when mending helps."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Shaped:
    """A text as one provider will send it."""

    text: str
    segments: int
    template_id: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


class Shaper:
    """Shapes the texts of one batch; what is approved is read once, inside the caller's transaction."""

    def shape(self, composed: Composed, provider_name: str) -> Shaped:
        """Return a text as a provider will send it; raises Unshapable."""
        return Shaped(composed.text, composed.segments)
