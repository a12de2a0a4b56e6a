"""Which provider takes a text: the first of the list that is there, has room, and can send it in its shape."""

from collections.abc import Sequence

from notifiers.compose import Composed
from notifiers.gates import Gates
from notifiers.shape import Shaped, Shaper, Unshapable


class Routes:
    """The ways out, for one transaction; `turned_away` counts the texts that wait for room.

    `shut_out` is whether the last text fits only providers that are down: it has to make way for others.
    """

    def __init__(self, providers: Sequence[str], gates: Gates) -> None:
        self.providers = providers
        self.gates = gates
        self.shaper = Shaper()
        self.turned_away = 0
        self.shut_out = False

    def find(self, composed: Composed, *, after: str = "") -> tuple[str, Shaped] | None:
        """Return the provider that takes a text now, behind one of the list where it has been tried, and its shape.

        None when it has to wait; raises Unshapable when no provider of the list can send such a text.
        """
        start = self.providers.index(after) + 1 if after else 0
        refusals: list[Unshapable] = []
        self.shut_out = True
        for name in self.providers[start:]:
            try:
                shaped = self.shaper.shape(composed, name)
            except Unshapable as refusal:
                refusals.append(refusal)
                continue
            if self.gates.take(name, shaped.segments):
                return name, shaped
            self.shut_out &= self.gates.is_down(name)
        if refusals and len(refusals) == len(self.providers[start:]):
            raise next((refusal for refusal in refusals if refusal.passing), refusals[0])
        self.turned_away += not self.shut_out
        return None
