"""What holds a provider's traffic back: a bucket of segments, and a breaker that opens when hand-overs fail in a row.

Both lie in the database, so that all runs on all machines share them; a run changes them in its own turn alone.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa

from portal import clock
from portal.db import db
from portal.messages import rules
from portal.messages.models import Gate

# So many failed hand-overs in a row open the breaker.
BREAKS_AT = 10
# A probe that nobody heard of again, because its run died, makes way for the next one after so long, longer than any
# provider is waited for.
PROBE_FOR = timedelta(seconds=20)
# Whoever waits for a probe or for the bucket looks again no sooner than after so many seconds.
PAUSE = 0.2


class Gates:
    """The gates of some providers, for one transaction of a run that has its turn.

    `pause` is after how many seconds there will be more room; 0 when waiting gives none.
    """

    def __init__(self, names: Sequence[str], rates: Mapping[str, float]) -> None:
        self.pause = 0.0
        self.now = clock.now()
        self.rates = rates
        found = db.session.scalars(sa.select(Gate).where(Gate.provider.in_(names)).with_for_update())
        gates = {gate.provider: gate for gate in found}
        self.gates = {name: gates.get(name) or self._make(name) for name in names}

    def _make(self, name: str) -> Gate:
        tokens = rules.bucket_size(self.rates.get(name, 0.0))
        gate = Gate(provider=name, tokens=tokens, filled_at=self.now, failures=0, openings=0, reason="")
        db.session.add(gate)
        return gate

    def tell(self, name: str, *, well: bool, code: str = "") -> None:
        """Note how a hand-over ended: any answer closes the breaker, silence and refusal of service open it.

        What was on its way when the breaker opened changes nothing more by failing.
        """
        gate = self.gates[name]
        if well:
            if gate.failures or gate.openings:
                gate.failures, gate.openings, gate.open_until, gate.reason = 0, 0, None, ""
            return
        if gate.failures >= BREAKS_AT:
            return
        gate.failures += 1
        if gate.failures == BREAKS_AT:
            gate.openings += 1
            gate.open_until = self.now + timedelta(seconds=rules.breaker_seconds(gate.openings))
            gate.reason = code

    def list_down(self) -> set[str]:
        """Return the providers that nothing more is handed over to, not even what is in hand."""
        return {name for name in self.gates if self.is_down(name)}

    def is_down(self, name: str) -> bool:
        """Whether the breaker is open and nobody is just trying whether the provider is back."""
        return self.is_shut(name) and not self.is_probed(name)

    def is_shut(self, name: str) -> bool:
        """Whether the breaker lets nothing through; one that has waited long enough lets a probe through."""
        return rules.is_open(self.gates[name].open_until, self.now)

    def is_probed(self, name: str) -> bool:
        """Whether a single hand-over is on its way to find out if the provider is back."""
        gate = self.gates[name]
        return bool(gate.openings) and self.is_shut(name) and gate.failures < BREAKS_AT

    def room(self, most: int) -> int:
        """Return how many messages all gates together may let through now, up to a number."""
        return min(most, sum(self._room(name, most) for name in self.gates))

    def _room(self, name: str, most: int) -> int:
        gate = self.gates[name]
        if self.is_shut(name):
            if self.is_probed(name):
                self._wait(PAUSE)
            return 0
        if gate.openings:
            self._wait(PAUSE)
            return 1
        if name not in self.rates:
            return most
        tokens = self._fill(name)
        if tokens < most:
            self._wait((1.0 - tokens) / self.rates[name])
        return int(max(0.0, tokens))

    def take(self, name: str, segments: int) -> bool:
        """Let one message through if breaker and bucket do."""
        if self.is_shut(name):
            return False
        gate = self.gates[name]
        if name in self.rates:
            missing = min(segments, rules.bucket_size(self.rates[name])) - self._fill(name)
            if missing > 0:
                self._wait(missing / self.rates[name])
                return False
            gate.tokens -= segments
        if gate.openings:
            gate.failures, gate.open_until = BREAKS_AT - 1, self.now + PROBE_FOR
        return True

    def _wait(self, seconds: float) -> None:
        seconds = max(PAUSE, seconds)
        self.pause = min(self.pause or seconds, seconds)

    def _fill(self, name: str) -> float:
        gate, rate = self.gates[name], self.rates[name]
        elapsed = (self.now - gate.filled_at) / timedelta(seconds=1)
        gate.tokens, gate.filled_at = rules.fill_bucket(gate.tokens, rate, elapsed), self.now
        return gate.tokens
