"""How often one network may ask for the same thing, with room for a school or a factory behind one address.

A network is known by a digest alone, under a key of the day. That key lies sealed in the database, is overwritten by
the next day's, and with it goes the only way back from a digest to a network. A count vanishes when its window ends.
What must hold across processes is a row in the database; the rest is counted by each process for itself.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

import sqlalchemy as sa
from flask import current_app, request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock, direct, vault
from portal.db import Model, db, read_only, upsert
from portal.errors import TooMany
from portal.i18n import moment
from portal.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

MINUTE, QUARTER, HOUR, DAY = 60, 900, 3600, 86400
# What one provider gives to one household or one street; a neighbour more or less is no harm.
IPV4_PREFIX, IPV6_PREFIX = 24, 56
MOST_KEPT = 50_000
IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII)
ONLY_KEY = 1
SWEEP_AFTER = timedelta(minutes=10)


class Limit(NamedTuple):
    """So many times in so many seconds, which divide a day, for each pair; `shared` by all processes or not."""

    rates: tuple[tuple[int, int], ...]
    shared: bool = False


LIMITS = {
    # A meeting of villagers who all complain on one evening fits in; a flood does not.
    "complaint": Limit(((60, HOUR), (300, DAY)), shared=True),
    "upload": Limit(((400, HOUR),)),
    # Each try costs a twentieth of a second; what stops guessing is the lock on the number.
    "track": Limit(((150, QUARTER),), shared=True),
    # A town hall arrives at half past eight; what stops guessing is the lock on the account.
    "sign-in": Limit(((60, MINUTE), (300, QUARTER)), shared=True),
    # Reading is counted by each process, answering by all: whoever reads may not write.
    "link": Limit(((120, MINUTE), (1200, HOUR)), shared=True),
    # What a market may ask on its busiest day, but not a list of all cards.
    "officer": Limit(((30, MINUTE), (200, HOUR))),
    "api": Limit(((300, MINUTE), (10_000, HOUR))),
    "export": Limit(((30, MINUTE), (300, HOUR))),
}


class NetworkKey(Model):
    """The key of a day, sealed; one row, so that a new one overwrites it."""

    __tablename__ = "network_key"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date]
    sealed: Mapped[bytes]


class NetworkCount(Model):
    """How often a network did one thing in one window; both are known by the digest alone."""

    __tablename__ = "network_count"

    bucket: Mapped[bytes] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]


# When the window of each count ends.
Buckets = dict[bytes, datetime]


class Memory:
    """The counts of this process, under a key of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Forget all counts, and the key that they were counted under."""
        with self._lock:
            self.key = secrets.token_bytes(32)
            self._counts: dict[bytes, tuple[datetime, int]] = {}

    def add(self, buckets: Buckets, now: datetime) -> dict[bytes, int]:
        """Count one more in each and return how many that makes."""
        with self._lock:
            if len(self._counts) >= MOST_KEPT:
                self._counts = {name: kept for name, kept in self._counts.items() if kept[0] > now}
                if len(self._counts) >= MOST_KEPT // 2:
                    # A flood from everywhere: going through all of them at each request would help it.
                    self._counts = {}
            for bucket, ends_at in buckets.items():
                self._counts[bucket] = (ends_at, self._counts.get(bucket, (ends_at, 0))[1] + 1)
            return {bucket: self._counts[bucket][1] for bucket in buckets}

    def take_back(self, buckets: Buckets) -> None:
        """Count a refused request in none of them, as a transaction that is given up does."""
        with self._lock:
            for bucket, ends_at in buckets.items():
                self._counts[bucket] = (ends_at, self._counts.get(bucket, (ends_at, 1))[1] - 1)


_memory = Memory()


def count(name: str) -> None:
    """Count one more request of the asking network under a name of `LIMITS`; the caller commits.

    Raises TooMany, whose `retry_at` says when there is room again.
    """
    if not current_app.config["RATELIMIT_ENABLED"]:
        return
    limit, now = LIMITS[name], clock.now()
    shared = limit.shared and not read_only.get()
    key, asking = find_key(clock.local(now).date()) if shared else _memory.key, network(request.remote_addr)
    buckets = {}
    for _most, seconds in limit.rates:
        start, ends_at = window(now, seconds)
        buckets[digest(key, f"{name}:{seconds}:{start:%Y%m%d%H%M}:{asking}")] = ends_at
    found = add(buckets, now) if shared else _memory.add(buckets, now)
    over = [
        ends_at
        for (most, _), (bucket, ends_at) in zip(limit.rates, buckets.items(), strict=True)
        if found[bucket] > most
    ]
    if over:
        if not shared:
            _memory.take_back(buckets)
        raise TooMany(_words(max(over)), retry_at=max(over))


def _words(free_at: datetime) -> object:
    settings: Settings = current_app.config["SETTINGS"]
    told = {"when": moment(free_at), "phone": settings.hotline}
    return _l("Too many tries from your connection. Try again after %(when)s, or call %(phone)s.", **told)


def limited(name: str, *, when: Callable[[], object] = lambda: True) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Limit a view to a name of `LIMITS`; `when` says which of its requests count, whatever becomes of them."""
    assert name in LIMITS

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            if when():
                count(name)
                db.session.commit()
            return view(*args, **kwargs)

        return counted

    return decorate


def network(address: str | None) -> str:
    """Return the network of an address: /24 of IPv4, /56 of IPv6; empty for what is none."""
    if address and IPV4.fullmatch(address):
        # Nearly all of them, in a twentieth of the time.
        return f"{address.rpartition('.')[0]}.0/{IPV4_PREFIX}"
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    prefix = IPV4_PREFIX if found.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((found, prefix), strict=False))


def window(now: datetime, seconds: int) -> tuple[datetime, datetime]:
    """Return where the window that holds a moment starts and ends; none reaches beyond the city's day."""
    midnight = clock.start_of(clock.local(now).date())
    start = midnight + timedelta(seconds=(now - midnight).total_seconds() // seconds * seconds)
    return start, start + timedelta(seconds=seconds)


def digest(key: bytes, words: str) -> bytes:
    """Return what a count is known by."""
    return hmac.new(key, words.encode(), hashlib.sha256).digest()[:16]


def add(buckets: Buckets, now: datetime) -> dict[bytes, int]:
    """Count one more in each, in the database, and return how many that makes."""
    found = {}
    for bucket, ends_at in buckets.items():
        found[bucket] = int(direct.run(_adding, {"name": bucket, "until": ends_at})[0][0])
    # The notifier does so too; where none runs, whoever comes takes away what has ended.
    if now - current_app.extensions.get("limits_swept_at", now - SWEEP_AFTER) >= SWEEP_AFTER:
        current_app.extensions["limits_swept_at"] = now
        forget_ended()
    return found


@cache
def _adding(_dialect: str) -> Any:
    """Return the statement, made once for each dialect: that takes longer than to execute it."""
    first = upsert(NetworkCount).values(bucket=sa.bindparam("name"), ends_at=sa.bindparam("until"), count=1)
    more = first.on_conflict_do_update(index_elements=["bucket"], set_={"count": NetworkCount.count + 1})
    return more.returning(NetworkCount.count)


def find_key(day: date) -> bytes:
    """Return the key of a day, made when there is none yet; whoever asks may write."""
    kept: tuple[date, bytes] | None = current_app.extensions.get("network_key")
    if kept and kept[0] == day:
        return kept[1]
    sealed = _read_key(day)
    key = _open_key(day, sealed)
    if key is None:
        # Not kept: this transaction may still be given up, and the key with it.
        return _renew_key(day, sealed)
    current_app.extensions["network_key"] = (day, key)
    return key


def _read_key(day: date) -> bytes | None:
    return db.session.scalar(sa.select(NetworkKey.sealed).where(NetworkKey.day == day))


def _open_key(day: date, sealed: bytes | None) -> bytes | None:
    try:
        return vault.open_data_key(sealed, f"network_key:{day}") if sealed else None
    except vault.BrokenSeal:
        return None


def _renew_key(day: date, useless: bytes | None) -> bytes:
    key = vault.new_data_key()
    values = {"day": day, "sealed": vault.get_vault().wrap(key, f"network_key:{day}")}
    made = upsert(NetworkKey).values(id=ONLY_KEY, **values)
    # Whoever was faster has made the key that all will find.
    replaced = sa.or_(NetworkKey.day != day, NetworkKey.sealed == useless)
    db.session.execute(made.on_conflict_do_update(index_elements=["id"], set_=values, where=replaced))
    return _open_key(day, _read_key(day)) or key


def forget_ended() -> None:
    """Take away the counts whose window is over, and a key whose day is; the caller commits."""
    now = clock.now()
    ended = sa.select(NetworkCount.bucket).where(NetworkCount.ends_at <= now).with_for_update(skip_locked=True)
    db.session.execute(sa.delete(NetworkCount).where(NetworkCount.bucket.in_(ended)))
    db.session.execute(sa.delete(NetworkKey).where(NetworkKey.day < clock.local(now).date()))


def forget() -> None:
    """Forget what this process counted."""
    _memory.forget()
