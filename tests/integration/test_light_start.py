"""The first page after a start does not wait for what it does not need."""

import os
import subprocess
import sys
from pathlib import Path

from portal.settings import ROOT
from tests.conftest import make_settings, prepare

ASK = """
from portal.db import Model
from contextvars import Context
from wsgi import app

def connected(path):
    answer = Context().run(app.test_client().get, path)
    assert answer.status_code == 200, answer.status
    return sum(mapper.configured for mapper in Model.registry.mappers)

print(connected("/"), connected("/decisions?party=x") > 40)
"""


def test_front_page_does_not_wait_for_models(tmp_path: Path) -> None:
    prepare(make_settings(tmp_path, f"sqlite:///{tmp_path}/portal.db"))
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"DATA_DIR": str(tmp_path), "SECRET_KEY": "x" * 40, "PUBLIC_URL": "http://portal.test"}
    done = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "True"], done.stderr
