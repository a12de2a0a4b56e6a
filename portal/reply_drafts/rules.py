"""What fills a template of a reply, on what grounds a case may be refused, and who may review."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_BODY = 4000
MAX_TEMPLATE_NAME = 60
# Stands in a template for what has to be written anew for each case.
BLANK = "____"

# Nothing here tells who sent the complaint: whoever writes a reply need not know.
PLACEHOLDERS = ("number", "received", "organ", "handler", "due", "hotline")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def find_unknown(body: str) -> list[str]:
    """Return the placeholders of a template that nothing fills, in order."""
    return [name for name in dict.fromkeys(PLACEHOLDER.findall(body)) if name not in PLACEHOLDERS]


def fill(body: str, values: Mapping[str, str]) -> str:
    """Return a template with its placeholders filled; what a value holds is never taken for a placeholder."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), body)


@dataclass(frozen=True)
class Ground:
    """Why a case may be refused: words for the sender, and the article; `elsewhere` where they must learn where to go.

    One with a `case_type` holds for that kind of case alone.
    """

    key: str
    case_type: str
    name: str
    name_en: str
    article: str
    article_en: str
    elsewhere: bool


def fitting(grounds: list[Ground], case_type: str) -> list[Ground]:
    """Return the grounds of a kind of case: its own where it has any, else those of every case."""
    return [ground for ground in grounds if ground.case_type == case_type] or [
        ground for ground in grounds if not ground.case_type
    ]


def needs_finding(kind: str) -> bool:
    """Whether an answer says if the complaint was founded."""
    return kind in ("conduct", "report")
