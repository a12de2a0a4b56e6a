"""`flask serve`: the pages and the notifier beside them, in one foreground command.

Both run as children in this command's process group. Ctrl-C reaches all of them; whoever stops only this process
(a service manager) is passed on. When one of the two ends by itself, so does the other: half a portal looks alive
and sends nothing.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from types import FrameType

import click
from flask.cli import with_appcontext

from portal.accounts.queries import list_first
from portal.cli import current_settings, refusals_exit
from portal.db import db, reading
from portal.demo.service import list_hints
from portal.settings import ROOT

GRACE = 8.0
PATIENCE = 60.0
# Of each web process: while one waits for the disk, others are served.
THREADS = 2
SIGN_INS = 8
TRY_FIRST = (
    "Read the reminders on the phones' page and answer one: 1 done, 2 call me, T stop.",
    "Sign in as supervisor and look the permit up: delivery, answer and what follows are there.",
    "Sign in as clerk and import a spreadsheet of permits; permits-sample.csv in the data folder is one.",
    "File a complaint as a citizen, keep number and query code, then answer it as staff.",
)


@click.command("serve")
@click.option("--host", envvar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", envvar="PORT", default=8000, show_default=True, help="Port to listen on.")
@click.option("--workers", envvar="WORKERS", type=click.IntRange(1, 64), help="Web processes; by default two at most.")
@with_appcontext
@refusals_exit
def serve(host: str, port: int, workers: int | None) -> None:
    """Serve the pages and run the notifier until stopped."""
    problem = find_obstacle(host, port)
    if problem:
        click.echo(problem, err=True)
        sys.exit(1)
    environment = os.environ | {"HOST": host, "PORT": str(port)}
    # Signals are taken before there is anybody to pass them on to, so that none gets lost in between.
    stopping = listen_for_stop()
    children = {
        "the web server": start(web_command(host, port, workers or min(2, os.cpu_count() or 1)), environment),
        "the notifier": start([sys.executable, "-m", "flask", "notify", "run"], environment),
    }
    greeting = threading.Thread(target=greet, args=(host, port, introduction(host, port), stopping), daemon=True)
    greeting.start()
    ended = watch(children, stopping)
    stop(list(children.values()))
    if ended:
        click.echo(f"Stopped, because {ended} ended by itself; the lines above say why.", err=True)
        sys.exit(1)


def find_obstacle(host: str, port: int) -> str:
    """Return why nothing can be served there, or an empty text."""
    folder = current_settings().data_dir
    if not os.access(folder, os.W_OK):
        return f"{folder} cannot be written to. Mend its owner, or choose another folder with DATA_DIR."
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as refused:
        return f"Cannot listen on {host} port {port}: {refused}. Choose another: make run PORT={port % 60000 + 1}"
    return ""


def web_command(host: str, port: int, workers: int) -> list[str]:
    """Return the command line of the web server."""
    options = ["--interface", "wsgi", "--host", host, "--port", str(port), "--workers", str(workers)]
    quiet = ["--blocking-threads", str(THREADS), "--no-ws", "--log-level", "warning", "--workers-kill-timeout", "2"]
    return [sys.executable, "-m", "granian", *options, *quiet, "wsgi:app"]


def start(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a child in this process group."""
    return subprocess.Popen(command, cwd=ROOT, env=dict(environment))


def listen_for_stop() -> threading.Event:
    """Return an event that Ctrl-C and a service manager's request to stop will set."""
    stopping = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    return stopping


def watch(children: Mapping[str, subprocess.Popen[bytes]], stopping: threading.Event) -> str:
    """Wait until somebody asks to stop, or return the name of the child that ended by itself."""
    while not stopping.wait(0.2):
        for name, child in children.items():
            if child.poll() is not None:
                # A Ctrl-C may reach a child before it reaches us.
                return "" if stopping.wait(0.5) else name
    return ""


def stop(children: list[subprocess.Popen[bytes]]) -> None:
    """End every child: asked first, killed when the grace is over."""
    deadline = time.monotonic() + GRACE
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def introduction(host: str, port: int) -> list[str]:
    """Return what to print once the pages answer."""
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = ["", f"Portal   {base}/", f"Staff    {base}/staff/"]
    settings = current_settings()
    if settings.sandbox:
        lines.append(f"Phones   {base}/sandbox/phone")
    if settings.demo:
        lines += ["", f"Staff sign-ins, all with the password {settings.demo_password}"]
        with reading():
            lines += [f"  {staff.email:<32} {staff.role.value}" for staff in list_first(SIGN_INS)]
            first = [*TRY_FIRST, *list_hints()]
        # This process lives as long as the portal; a transaction left open here would keep everybody from writing.
        db.session.rollback()
        lines += ["", "Try first", *(f"  {number}. {words}" for number, words in enumerate(first, 1))]
    return [*lines, "", "Ctrl-C stops."]


def greet(host: str, port: int, lines: list[str], stopping: threading.Event) -> None:
    """Print the introduction as soon as the pages answer."""
    # An address to listen on everywhere is no address to go to.
    target = "127.0.0.1" if not host.strip("0.:") else f"[{host}]" if ":" in host else host
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not stopping.wait(0.1):
        try:
            with urllib.request.urlopen(f"http://{target}:{port}/healthz", timeout=2):
                click.echo("\n".join(lines))
                return
        except (urllib.error.URLError, OSError):
            continue
