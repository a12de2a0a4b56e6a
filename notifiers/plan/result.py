"""What a planner reports."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Planned:
    """How many messages were planned, suppressed (nobody to send to) and voided as obsolete; new ones only."""

    planned: int = 0
    suppressed: int = 0
    void: int = 0

    def __add__(self, other: "Planned") -> "Planned":
        return Planned(self.planned + other.planned, self.suppressed + other.suppressed, self.void + other.void)
