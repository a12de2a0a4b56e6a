"""Passwords are slow to check, as they must be; the other tests take a faster way."""

import subprocess
import sys

from portal.settings import ROOT


def test_a_password_is_kept_with_argon2id_over_19_mib_twice() -> None:
    words = (
        "from portal.security import hash_password, check_password as c; h = hash_password('x'); print(h, c(h, 'x'))"
    )
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    stored, fits = done.stdout.split()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert fits == "True"
