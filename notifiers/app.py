"""Hangs the notifiers on a portal: commands and webhooks."""

from flask import Flask

from notifiers.cli import notify_group


def init_app(app: Flask) -> None:
    """Add the notifiers' commands and webhooks to a portal."""
    app.cli.add_command(notify_group)
