"""The flow of a procedure: its main steps, each with the branches that are taken only under a condition. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

KEY = re.compile(r"(?<![\d-])\d{1,4}(?:-\d{1,3})?(?![\d-])")
# What parts the documents of a list, and what ends it.
BETWEEN = re.compile("[;\uff1b\n]+")
AFTER = " .\u3002"
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG = 60
MAX_TITLE = 120
MAX_TEXT = 4000
MAX_SHORT = 300
MAX_STEPS = 60


class Step(Protocol):
    """What the flow needs to know of a step."""

    @property
    def branch(self) -> str: ...
    @property
    def ends(self) -> bool: ...


S = TypeVar("S", bound=Step)


@dataclass
class Branch(Generic[S]):
    """The steps that are taken under one condition, which the first of them names."""

    steps: list[S]

    @property
    def first(self) -> S:
        return self.steps[0]

    @property
    def ends(self) -> bool:
        """Whether the procedure is over with it; else it goes on with the next main step."""
        return self.steps[-1].ends


@dataclass
class Stage(Generic[S]):
    """A main step, and the branches that leave it."""

    step: S
    branches: list[Branch[S]] = field(default_factory=list)


def stages(steps: Sequence[S]) -> list[Stage[S]]:
    """Return the main steps in order; a step with a branch belongs to the main step before it.

    Steps under the same condition that follow each other are one branch.
    """
    found: list[Stage[S]] = []
    for step in steps:
        if not (step.branch and found):
            found.append(Stage(step))
        elif found[-1].branches and found[-1].branches[-1].first.branch == step.branch:
            found[-1].branches[-1].steps.append(step)
        else:
            found[-1].branches.append(Branch([step]))
    return found


def article_keys(text: str) -> list[str]:
    """Return the articles that a step names, such as 57 or 10-1, in their order."""
    return KEY.findall(text)


def documents(text: str) -> list[str]:
    """Return a list of documents one by one."""
    return [item for part in BETWEEN.split(text) if (item := part.strip().rstrip(AFTER))]


def path(slug: str) -> str:
    """Return the address of a procedure's page."""
    return f"/procedures/{slug}"
