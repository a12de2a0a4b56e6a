"""The notifiers' real commands in processes of their own that may be doomed to die at a step.

They are forked from one process that has everything loaded already, because a torture needs hundreds of them.
"""

import multiprocessing
import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import time_machine
from flask import Flask
from flask.cli import ScriptInfo

from notifiers import app as notifiers
from notifiers import cli, worker  # noqa: F401 - loaded here so that no fork has to
from notifiers.providers import twilio  # noqa: F401
from portal import clock
from portal.app import create_app
from portal.db import db
from portal.settings import Settings
from tests.torture.steps import Doom, Step

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.torture.dispatcher"])
Process = multiprocessing.context.ForkServerProcess


@dataclass(frozen=True)
class Orders:
    """What a process does: a command of the notifiers, with a clock that is off by seconds, until it is done or dies.

    `report` is a folder for what it leaves behind: the step it died at, and its log.
    """

    settings: Settings
    report: Path
    command: str = "dispatch"
    shift: float = 0.0
    step: Step | None = None
    after: int = 1


def build(settings: Settings) -> Flask:
    """Build portal and notifiers as wsgi.py does."""
    app = create_app(settings)
    notifiers.init_app(app)
    return app


def obey(orders: Orders) -> None:
    """Run the command in this process."""
    log = os.open(orders.report / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    time_machine.travel(clock.now() + timedelta(seconds=orders.shift)).start()
    app = build(orders.settings)
    if orders.step is not None:
        with app.app_context():
            Doom(orders.step, orders.after, orders.report / "deaths").watch(db.engine)
    arguments = ["notify", orders.command, "--json"]
    sys.exit(app.cli.main(args=arguments, obj=ScriptInfo(create_app=lambda: app), standalone_mode=False))


def start(orders: Orders) -> Process:
    """Start a process; whoever starts it waits for its end."""
    process = _context.Process(target=obey, args=(orders,), daemon=True)
    process.start()
    return process
