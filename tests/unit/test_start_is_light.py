"""Starting the portal loads nothing that only few requests need."""

import subprocess
import sys

from portal.settings import ROOT


def test_pictures_are_loaded_on_demand() -> None:
    program = "import sys, portal.app; print(sorted({'PIL', 'twilio', 'celery'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
