"""What starting costs against bare Flask: CPU time and memory until the first answer, processes in turns."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from portal.settings import ROOT
from tests.bench.row import Row
from tests.conftest import make_settings, prepare

ROUNDS = 7
TIME_BOUND = 3.5
MEMORY_BOUND = 2.0
# The peak comes from /proc: getrusage would tell the larger one of the process that started this one.
SERVE_ONE = """
import json, time
from werkzeug.test import run_wsgi_app, EnvironBuilder
chunks, status, _headers = run_wsgi_app(app, EnvironBuilder({path!r}).get_environ())
b"".join(chunks)
assert status.startswith("200"), status
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([time.process_time(), int(peak.split()[1])]))
"""
BARE = 'from flask import Flask\napp = Flask("hello")\napp.add_url_rule("/", view_func=lambda: "hello")\n'
OURS = "from wsgi import app\n"


def measure(program: str, environment: dict[str, str]) -> tuple[float, float]:
    """Return CPU seconds and KiB of memory of a process that starts and answers once."""
    code = program + SERVE_ONE.format(path="/healthz" if program == OURS else "/")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    seconds, memory = json.loads(done.stdout.splitlines()[-1])
    return seconds, memory


def run() -> list[Row]:
    """Measure start-up and memory."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(make_settings(Path(folder), f"sqlite:///{folder}/portal.db"))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"DATA_DIR": folder, "SECRET_KEY": "bench" * 8, "PUBLIC_URL": "http://portal.test"}
        rounds = [(measure(OURS, environment), measure(BARE, environment)) for _ in range(ROUNDS + 1)][1:]
    ours, bare = (tuple(map(statistics.median, zip(*side, strict=True))) for side in zip(*rounds, strict=True))
    time_detail = f"{ours[0] * 1000:,.0f} ms against {bare[0] * 1000:,.0f} ms of CPU to the first answer"
    memory_detail = f"{ours[1] / 1024:,.0f} MB against {bare[1] / 1024:,.0f} MB"
    return [
        Row("start-up : bare Flask", ours[0] / bare[0], bound=TIME_BOUND, detail=time_detail),
        Row("memory : bare Flask", ours[1] / bare[1], bound=MEMORY_BOUND, detail=memory_detail),
    ]
