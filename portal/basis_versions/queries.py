"""Finding the two texts that are compared."""

from flask_babel import lazy_gettext as _l

from portal.bases.models import Basis
from portal.bases.queries import get_basis
from portal.bases.rules import starts_on
from portal.errors import NotFound


def get_pair(slug: str, other: str) -> tuple[Basis, Basis]:
    """Return two versions of one text, or a text and what replaced it, the older first; raises NotFound for others."""
    one, two = get_basis(slug), get_basis(other)
    related = one.work == two.work or two.id == one.replaced_by_id or one.id == two.replaced_by_id
    if one.id == two.id or not related:
        raise NotFound(_l("These are not two versions of one text."))
    if two.id == one.replaced_by_id:
        return one, two
    if one.id == two.replaced_by_id or _age(two) < _age(one):
        return two, one
    return one, two


def _age(basis: Basis) -> tuple[str, int]:
    start = starts_on(basis.version_on, basis.effective_on)
    return (start.isoformat() if start else "", basis.id)
