"""Composes the two halves: the portal, and the notifiers that stand on it."""

import gc
import sys

# What loading makes is there to stay; looking for garbage among it takes a tenth of the start.
gc.disable()

from notifiers import app as notifiers
from portal.app import create_app
from portal.settings import Settings, SettingsError

try:
    settings = Settings.from_env()
except SettingsError as problem:
    sys.exit(f"The portal does not start: {problem}")
app = create_app(settings)
notifiers.init_app(app)
gc.freeze()
gc.enable()
