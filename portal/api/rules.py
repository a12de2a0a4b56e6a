"""How the lists of the interface are paged, and its description. Pure."""

import base64
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

LIMIT, MOST = 50, 100


def make_cursor(moment: datetime, number: int) -> str:
    """Return what stands for a place in a list: after the record of a moment and number."""
    plain = f"{moment.astimezone(UTC).isoformat()}~{number}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, int] | None:
    """Return the place that a cursor stands for, or None when it is none of ours."""
    try:
        moment, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("~")
        read = datetime.fromisoformat(moment)
        # Of the first and the last day that there is, UTC may lie outside the calendar.
        found = read.astimezone(UTC), int(number)
    except (ValueError, OverflowError):
        return None
    return found if read.tzinfo and 0 < found[1] < 2**31 else None


@cache
def description() -> dict[str, Any]:
    """Return the description of the interface (OpenAPI 3.1) as it is kept, without the server's address."""
    text = (Path(__file__).parent / "data" / "openapi.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
