"""Real databases for the tests: a SQLite file, and a PostgreSQL server started from whatever the machine has.

`DATABASE_URL_TEST` names a server to use; else Debian's binaries are started in a temporary folder, as the user
`postgres` when the tests run as root, because PostgreSQL refuses to run as root.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


class NoServer(Exception):
    """No PostgreSQL can be had on this machine; the message says why."""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_binaries() -> Path:
    """Return the folder with Debian's newest initdb and pg_ctl."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    raise NoServer("PostgreSQL's server binaries are not installed (Debian package postgresql)")


class Server:
    """A PostgreSQL server of our own in a temporary folder, on a port that stays the same when it is started again.

    It is fast, and forgets its last commits when it is stopped at once, unless it is to be `durable`.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.binaries = find_binaries()
        self.home = Path(tempfile.mkdtemp(prefix="portal-pg-", dir="/tmp"))
        self.user: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.home, account.pw_uid, account.pw_gid)
            self.user = ["runuser", "-u", "postgres", "--"]
        self.port = free_port()
        self.options = f"-p {self.port} -k {self.home} -c listen_addresses=127.0.0.1 -c max_connections=60" + (
            "" if durable else " -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        )
        self._run("initdb", "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8")

    @property
    def address(self) -> str:
        """The address of its `postgres` database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._run("pg_ctl", "-w", "-l", str(self.home / "log"), "-o", self.options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` ends every connection in order, `immediate` is a crash."""
        self._run("pg_ctl", "-m", mode, "-w", "stop")

    def remove(self) -> None:
        """Remove what it leaves behind."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self.user, self.binaries / program, "-D", self.home / "data", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.home,
        )


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a PostgreSQL server and yield the address of its `postgres` database."""
    given = os.environ.get("DATABASE_URL_TEST")
    if given:
        yield given
        return
    server = Server()
    server.start()
    try:
        yield server.address
    finally:
        server.stop()
        server.remove()


def run_on_server(server: str, statement: str) -> None:
    """Run one statement outside of any transaction."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def address_of(server: str, name: str) -> str:
    """Return the address of another database on the same server."""
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)
