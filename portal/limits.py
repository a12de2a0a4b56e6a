"""How often one network may ask for the same thing; counted in memory, by each process for itself.

A quota that must hold everywhere is a row in the database instead (wrong passwords, wrong query codes).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from flask import current_app, request
from flask_babel import lazy_gettext as _l

from portal.errors import TooMany
from portal.i18n import moment

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _counter() -> Any:
    # The library loads what it needs for Redis and others as well; a start need not wait for that.
    from limits.storage import MemoryStorage
    from limits.strategies import FixedWindowRateLimiter

    return FixedWindowRateLimiter(MemoryStorage())


@cache
def _read(rule: str) -> list[Any]:
    from limits import parse_many

    return list(parse_many(rule))


def count(name: str, rule: str) -> None:
    """Count one more request of the asking network under a name; `rule` is like `10 per minute; 60 per hour`.

    Raises TooMany, whose `retry_at` says when there is room again.
    """
    if not current_app.config["RATELIMIT_ENABLED"]:
        return
    network = request.remote_addr or ""
    for limit in _read(rule):
        if not _counter().hit(limit, name, network):
            free_at = datetime.fromtimestamp(_counter().get_window_stats(limit, name, network).reset_time, UTC)
            words = _l("Too many tries from your connection. Try again after %(when)s.", when=moment(free_at))
            raise TooMany(words, retry_at=free_at)


def limited(rule: str, *, when: Callable[[], object] = lambda: True) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Limit a view to a rule; `when` says which of its requests count."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            if when():
                count(view.__qualname__, rule)
            return view(*args, **kwargs)

        return counted

    return decorate


def forget() -> None:
    """Forget all counts."""
    _counter.cache_clear()
