"""Composes the two halves: the portal, and the notifiers that stand on it."""

from notifiers import app as notifiers
from portal.app import create_app
from portal.settings import Settings

app = create_app(Settings.from_env())
notifiers.init_app(app)
