"""The schedule: Celery wakes the notifiers' functions up, here or on many machines.

Wake-ups carry no data and expire before the next one, so a queue never piles up and a lost one costs a moment; the
outbox alone knows what is to be sent. Without `BROKER_URL` the queue is a folder in the data directory.
"""

import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Callable

import sqlalchemy as sa
from celery import Celery, signals
from celery.exceptions import SecurityWarning
from flask import Flask

from notifiers.collect import collect
from notifiers.dispatch import dispatch
from notifiers.plan.due import plan_due
from notifiers.reconcile import reconcile
from notifiers.tidy import tidy
from portal import clock
from portal.cli import current_settings
from portal.db import db
from portal.settings import Settings

log = logging.getLogger(__name__)

stopping = threading.Event()
JOBS: dict[str, Callable[[], object]] = {
    "plan": lambda: plan_due(clock.today()),
    "dispatch": lambda: dispatch(stopping),
    "collect": collect,
    "reconcile": reconcile,
    "tidy": tidy,
}
SECONDS = {"plan": 60.0, "dispatch": 2.0, "collect": 2.0, "reconcile": 60.0, "tidy": 300.0}
THREADS = len(JOBS)


def configure(celery: Celery, settings: Settings) -> None:
    """Point Celery at its broker and give it the schedule."""
    home = settings.data_dir / "celery"
    folders = {name: home / name for name in ("queue", "control", "tmp")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    address = os.environ.get("BROKER_URL") or "filesystem://"
    celery.conf.update(
        broker_url=address,
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        task_default_queue="notify",
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        beat_schedule_filename=str(home / "beat"),
        beat_schedule={
            name: {"task": f"notify.{name}", "schedule": seconds, "options": {"expires": seconds}}
            for name, seconds in SECONDS.items()
        },
        timezone="UTC",
    )
    if address.startswith("filesystem"):
        celery.conf.broker_transport_options = {
            "data_folder_in": str(folders["queue"]),
            "data_folder_out": str(folders["queue"]),
            "control_folder": str(folders["control"]),
            "store_processed": False,
        }
        # Kombu moves each file through the temporary folder, which may be another file system, or not ours.
        tempfile.tempdir = str(folders["tmp"])


def register(celery: Celery, app: Flask) -> None:
    """Make each job a task. A job that still runs is not started again beside itself."""
    for name, job in JOBS.items():
        celery.task(_guarded(app, name, job), name=f"notify.{name}")


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
    celery = Celery("notify")
    configure(celery, current_settings())
    register(celery, app)
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_shutting_down.connect(_on_shutting_down, weak=False)
    signals.worker_ready.connect(lambda **_: _wake_first(celery), weak=False)
    db.engine.dispose()
    options = ["--pool=threads", f"--concurrency={THREADS}", "--without-gossip", "--without-mingle", "--purge"]
    log.info("the notifier runs; stop it with Ctrl-C")
    celery.worker_main(["--quiet", "worker", *options, *(["--beat"] if beat else [])])


def _wake_first(celery: Celery) -> None:
    """Do everything once right away; the schedule counts from the start."""
    for name in JOBS:
        celery.send_task(f"notify.{name}", expires=SECONDS[name])


def _on_shutting_down(**_: object) -> None:
    stopping.set()


def _set_up_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name, level in {"celery": logging.WARNING, "kombu": logging.ERROR, "amqp": logging.WARNING}.items():
        logging.getLogger(name).setLevel(level)
    # Celery warns root of pickled tasks; ours are JSON and carry nothing.
    warnings.filterwarnings("ignore", category=SecurityWarning)


def _keep_logging(**_: object) -> None:
    """Being there keeps Celery from setting up logging of its own."""
