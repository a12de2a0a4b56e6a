"""How this portal names natural persons in public: its setting."""

from portal.cli import current_settings
from portal.person_names.rules import NameStyle


def name_style() -> NameStyle:
    """Return how the running portal shows natural persons' names."""
    return NameStyle(current_settings().person_names)
