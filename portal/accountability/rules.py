"""Grounds and measures of the provincial regulation on administrative law enforcement (2016), articles 44 to 46. Pure.

They ship as data: `grounds.csv` and `measures.csv`. Who may decide a measure is article 46.
"""

from dataclasses import dataclass

FOUNDED = frozenset({"founded", "partly"})


@dataclass(frozen=True)
class Ground:
    """What an organ or an officer has done wrong; `subject` is organ or officer, `article` cites the provision."""

    key: str
    subject: str
    article: str
    article_en: str
    name: str
    name_en: str


@dataclass(frozen=True)
class Measure:
    """What may follow, for an organ or an officer; `decider` is who may decide it."""

    key: str
    subject: str
    name: str
    name_en: str
    decider: str
    decider_en: str


def may_open(*, finding: str | None, delicate: bool) -> bool:
    """Whether a case can open a record: about how officials acted, and found true at least in part."""
    return delicate and finding in FOUNDED


def fits(ground: Ground, measure: Measure) -> bool:
    """Whether a measure is one for whoever the ground is about."""
    return ground.subject == measure.subject
