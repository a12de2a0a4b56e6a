"""One figure of the table that `make bench` prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A ratio and the bound it must keep: at most `bound`, or at least where `at_least` says so.

    Without a bound the figure is only told. `detail` gives the two sides of the ratio with their units.
    """

    name: str
    ratio: float
    bound: float | None = None
    at_least: bool = False
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bound."""
        if self.bound is None:
            return True
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound
