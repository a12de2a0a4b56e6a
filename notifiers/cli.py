"""The notifiers' commands."""

from flask.cli import AppGroup

notify_group = AppGroup("notify", help="Plan, send and settle messages.")
