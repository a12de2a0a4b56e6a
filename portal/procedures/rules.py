"""The flow of a procedure: its main steps, each with the branches that are taken only under a condition."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Step(Protocol):
    """What the flow needs to know of a step."""

    @property
    def branch(self) -> str: ...


S = TypeVar("S", bound=Step)


@dataclass
class Stage(Generic[S]):
    """A main step, and the steps that follow it only under a condition."""

    step: S
    branches: list[S] = field(default_factory=list)


def stages(steps: Sequence[S]) -> list[Stage[S]]:
    """Return the main steps in order; a step with a branch belongs to the main step before it."""
    found: list[Stage[S]] = []
    for step in steps:
        if step.branch and found:
            found[-1].branches.append(step)
        else:
            found.append(Stage(step))
    return found


def path(slug: str) -> str:
    """Return the address of a procedure's page."""
    return f"/procedures/{slug}"
