"""The wake-ups: what is done how often, and the Celery application that carries the calls.

A wake-up names a job and carries no data. It expires before the next one, so a queue never piles up and a lost one
costs a moment; the outbox alone knows what is to be sent. Without `BROKER_URL` the queue is a folder in the data
directory of this machine. This module loads no job: a schedule of its own or a monitor needs nothing but the broker,
`celery -A notifiers.wakeups beat`, `celery -A notifiers.wakeups flower`.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from celery import Celery

from portal.settings import ROOT

SECONDS = {
    "plan": 60.0,
    "dispatch": 2.0,
    "collect": 2.0,
    "imports": 2.0,
    "reconcile": 60.0,
    "tidy": 300.0,
    "sign": 300.0,
    "expire": 300.0,
    "cases": 3600.0,
    "alive": 5.0,
}
QUEUE = "notify"


def task_name(job: str) -> str:
    """Return what a job is called in the queue."""
    return f"notify.{job}"


def make_celery(environ: Mapping[str, str], data_dir: Path) -> Celery:
    """Return the application on the broker that the environment names, else on a folder under `data_dir`."""
    celery = Celery("notify", set_as_current=False)
    address = environ.get("BROKER_URL") or "filesystem://"
    shared = not address.startswith("filesystem")
    celery.conf.update(
        broker_url=address,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_default_delivery_mode="transient",
        worker_prefetch_multiplier=1,
        # What a worker that dies had taken is woken up again elsewhere; every job may be woken up twice.
        task_acks_late=shared,
        task_reject_on_worker_lost=shared,
        worker_enable_remote_control=shared,
        worker_send_task_events=shared,
        # Nothing to remember: whatever missed its turn is found in the tables.
        beat_scheduler="celery.beat:Scheduler",
        beat_schedule={
            job: {"task": task_name(job), "schedule": seconds, "options": {"expires": seconds}}
            for job, seconds in SECONDS.items()
        },
        timezone="UTC",
    )
    if not shared:
        home = data_dir / "celery"
        celery.conf.broker_transport = "notifiers.spool:Transport"
        celery.conf.broker_transport_options = {
            "data_folder_in": str(home / "queue"),
            "data_folder_out": str(home / "queue"),
            "control_folder": str(home / "control"),
            "store_processed": False,
        }
    return celery


celery_app = make_celery(os.environ, Path(os.environ.get("DATA_DIR") or ROOT / "var"))
