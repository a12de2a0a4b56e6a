"""What of a text a provider gets: the words, or the number of its approved template and what fills it.

A provider of templates shows its reader what it has approved, whatever the city's own wording says meanwhile: that is
what is stored as sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from notifiers.compose import Composed
from notifiers.providers import NONE
from portal.cli import current_settings
from portal.i18n import DEFAULT
from portal.messages.rules import count_segments
from portal.wordings.models import ProviderTemplate
from portal.wordings.queries import list_templates, variable_length
from portal.wordings.rules import NO_TEMPLATE, TEMPLATED, TEXTS, VARIABLE, Kind, fill, fits


class Unshapable(Exception):
    """A text that a provider cannot send; `reason` is for log and monitor, `passing` when mending helps."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


class Shaped(NamedTuple):
    """A text as one provider will send it."""

    text: str
    segments: int
    template_id: str = ""
    parameters: Mapping[str, str] = NONE


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved body of one provider, ready to be filled: words and variables' names in turn."""

    wording: str
    template_id: str
    body: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, row: ProviderTemplate) -> "Approved":
        """Read what a provider has approved."""
        pieces = tuple(VARIABLE.split(row.body))
        return cls(row.name, row.template_id, row.body, pieces, tuple(dict.fromkeys(pieces[1::2])))


class Shaper:
    """Shapes the texts of one batch; what is approved is read once, inside the caller's transaction."""

    @cached_property
    def _approved(self) -> Mapping[tuple[str, str, str], Approved]:
        return {place: Approved.of(row) for place, row in list_templates(approved=True).items()}

    @cached_property
    def _longest(self) -> Mapping[str, int]:
        return {provider: variable_length(provider) for provider in TEMPLATED}

    def shape(self, composed: Composed, provider_name: str) -> Shaped:
        """Return a text as a provider will send it; raises Unshapable."""
        if provider_name not in TEMPLATED:
            return Shaped(composed.text, composed.segments)
        approved, variables = self._find(composed, provider_name)
        parameters = _parameters(approved, variables, self._longest[provider_name])
        words = fill(approved.pieces, parameters)
        if not fits(approved.body, words, self._longest[provider_name]):
            raise Unshapable("not_in_shape", passing=False)
        text = current_settings().sms_signature + words
        return Shaped(text, count_segments(text), approved.template_id, parameters)

    def _find(self, composed: Composed, provider: str) -> tuple[Approved, Mapping[str, str]]:
        for locale, variables in ((composed.locale, composed.variables), (DEFAULT, composed.home)):
            found = self._approved.get((provider, composed.wording, locale))
            if found is not None:
                return found, variables
        raise Unshapable(NO_TEMPLATE, passing=True)


def _parameters(approved: Approved, variables: Mapping[str, str], longest: int) -> dict[str, str]:
    """Return what fills an approved body, in its order; raises Unshapable for what the provider would refuse."""
    links = TEXTS[approved.wording].known(Kind.LINK)
    parameters = {}
    for name in approved.names:
        value = variables.get(name, "")
        if name in links:
            raise Unshapable("link_in_variable", passing=False)
        if not value:
            raise Unshapable(f"variable_empty:{name}", passing=False)
        if len(value) > longest:
            raise Unshapable(f"variable_too_long:{name}", passing=False)
        parameters[name] = value
    return parameters
