"""Hangs the notifiers on a portal: commands and webhooks."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Add the notifiers' commands and webhooks to a portal."""
