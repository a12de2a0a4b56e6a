"""Hangs the notifiers on a portal: commands and webhooks."""

from flask import Flask

from notifiers import webhooks
from notifiers.compose import preview
from portal.cli import add_command
from portal.security import csrf


def init_app(app: Flask) -> None:
    """Add the notifiers' commands and webhooks to a portal."""
    add_command(app, "notify", "notifiers.cli:notify_group")
    app.jinja_env.globals["sms_preview"] = preview
    csrf.exempt(webhooks.blueprint)  # Providers sign instead.
    app.register_blueprint(webhooks.blueprint)
