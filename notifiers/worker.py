"""The worker: does what it is woken up for, here or on many machines (`notifiers.wakeups`).

Any job may be woken up twice, on two machines at once or again after a crash: dispatchers share the outbox by claims,
and everything else puts in or settles only what is not there yet.
"""

import logging
import os
import secrets
import socket
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from celery import Celery, signals
from celery.apps import worker as celery_worker
from celery.exceptions import SecurityWarning
from flask import Flask

from notifiers import runs
from notifiers.cases import look_after_cases
from notifiers.checkpoints import sign
from notifiers.collect import collect
from notifiers.dispatch import dispatch
from notifiers.expire import expire
from notifiers.plan.due import plan_due
from notifiers.reconcile import reconcile
from notifiers.tidy import tidy
from notifiers.wakeups import SECONDS, make_celery, task_name
from portal import clock
from portal.cli import current_settings
from portal.db import db
from portal.decision_imports.importer import DECISIONS
from portal.hotline_imports.importer import TICKETS
from portal.imports.importer import run_waiting
from portal.permit_imports.importer import PERMITS

log = logging.getLogger(__name__)

stopping = threading.Event()
RUN_ID = f"worker-{secrets.token_hex(6)}"
INTAKES = (PERMITS, DECISIONS, TICKETS)
JOBS: dict[str, Callable[[], object]] = {
    "plan": lambda: plan_due(clock.today()),
    "dispatch": lambda: dispatch(stopping),
    "collect": collect,
    "imports": lambda: run_waiting(RUN_ID, stopping, INTAKES),
    "reconcile": reconcile,
    "tidy": tidy,
    "sign": sign,
    "expire": expire,
    "cases": look_after_cases,
    "alive": lambda: show_alive(),
}
THREADS = len(JOBS)


def show_alive() -> None:
    """Leave word that this worker is woken up; who watches sees by it that schedule, broker and worker go round."""
    runs.beat(RUN_ID)
    db.session.commit()


def register(celery: Celery, app: Flask) -> None:
    """Make each job a task. A job that still runs is not started again beside itself."""
    for name, job in JOBS.items():
        celery.task(_guarded(app, name, job), name=task_name(name))


def _guarded(app: Flask, name: str, job: Callable[[], object]) -> Callable[[], None]:
    running = threading.Lock()

    def wake() -> None:
        if stopping.is_set() or not running.acquire(blocking=False):
            return
        try:
            with app.app_context():
                job()
        except sa.exc.DBAPIError as problem:
            # The next wake-up tries again; what the statement was given is never logged.
            log.error("%s: the database refused (%s)", name, type(problem.orig).__name__)
        except Exception:
            log.exception("%s failed", name)
        finally:
            running.release()

    return wake


def run(app: Flask, *, beat: bool) -> None:
    """Work until SIGINT or SIGTERM; what is on its way then is recorded first, within seconds."""
    _set_up_logging()
    data_dir = current_settings().data_dir
    celery = make_celery(os.environ, data_dir)
    options = ["--pool=threads", f"--concurrency={THREADS}", "--without-gossip", "--without-mingle"]
    if celery.conf.broker_url.startswith("filesystem"):
        _make_folders(data_dir / "celery")
        options.append("--purge")
    else:
        # Two workers on one machine are told apart by whoever watches them.
        options.append(f"--hostname=notify-{os.getpid()}@{socket.gethostname()}")
    register(celery, app)
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_shutting_down.connect(_on_shutting_down, weak=False)
    signals.worker_ready.connect(lambda **_: _wake_first(celery), weak=False)
    db.engine.dispose()
    log.info("the notifier runs; stop it with Ctrl-C")
    celery.worker_main(["--quiet", "worker", *options, *(["--beat"] if beat else [])])


def _make_folders(home: Path) -> None:
    """Make the folders of the queue on this machine; what an earlier run left there is purged."""
    for name in ("queue", "control", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)
    # Kombu moves each file through the temporary folder, which may be another file system, or not ours.
    tempfile.tempdir = str(home / "tmp")


def _wake_first(celery: Celery) -> None:
    """Do everything once right away; the schedule counts from the start."""
    for name in JOBS:
        celery.send_task(task_name(name), expires=SECONDS[name])


def _on_shutting_down(**_: object) -> None:
    stopping.set()


def _set_up_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    levels = {"celery": logging.WARNING, "kombu": logging.ERROR, "amqp": logging.WARNING, "py.warnings": logging.ERROR}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    # It says how to stop a second time, over the lines that say how the first time goes.
    celery_worker.safe_say = lambda *_words: None
    # Celery warns root of pickled tasks; ours are JSON and carry nothing.
    warnings.filterwarnings("ignore", category=SecurityWarning)


def _keep_logging(**_: object) -> None:
    """Being there keeps Celery from setting up logging of its own."""
