"""`make torture`: 1, 2 and 4 dispatchers on both databases; prints a table, and fails when a promise is broken."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import databases
from tests.conftest import make_settings, prepare
from tests.torture.campaign import Verdict
from tests.torture.rounds import Size, run
from tests.torture.steps import Step

# Each of the thirteen deaths three times, and at least 10,000 messages with every number of dispatchers.
SIZES = [Size(39, 600, 1), Size(30, 800, 2), Size(24, 1200, 4)]
HEAD = (
    "database",
    "dispatchers",
    "messages",
    "kills",
    "twice",
    "lost",
    "open",
    "received",
    "person: in doubt",
    "unsent",
)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Yield the address of an empty database."""
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'portal.db'}"
        return
    with databases.postgresql_server() as server:
        name = f"torture_{folder.name.lower()}"
        databases.run_on_server(server, f"CREATE DATABASE {name}")
        try:
            yield databases.address_of(server, name)
        finally:
            databases.run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def progress(line: str) -> None:
    """Show where we are, on one line of a terminal."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"  {line:<60}", end=end, file=sys.stderr, flush=True)


def torture(kind: str, size: Size) -> list[str]:
    """Run one combination, print its row and return what was broken."""
    with tempfile.TemporaryDirectory(prefix="torture_") as name, database(kind, Path(name)) as address:
        folder = Path(name)
        settings = make_settings(folder, address)
        prepare(settings)
        report = folder / "report"
        report.mkdir()
        verdict = run(settings, size, report, progress)
        log = (report / "log").read_text()
    print_row(kind, size, verdict)
    found = verdict.breaches()
    missed = [step.value for step in Step if not verdict.deaths[step.name]]
    if missed:
        found.append(f"nobody died at: {', '.join(missed)}")
    if found:
        print(log[-4000:], file=sys.stderr)
    return [f"{kind}, {size.dispatchers} dispatchers: {breach}" for breach in found]


def print_row(kind: str, size: Size, verdict: Verdict) -> None:
    """Print what a combination came to."""
    cells = [
        kind,
        size.dispatchers,
        verdict.messages,
        sum(verdict.deaths.values()),
        len(verdict.twice),
        len(verdict.lost),
        len(verdict.unsettled),
        len(verdict.received),
        verdict.person_sent,
        verdict.person_unsent,
    ]
    texts = [f"{cell:,}" if isinstance(cell, int) else cell for cell in cells]
    print("  ".join(f"{text:>{len(head)}}" for text, head in zip(texts, HEAD, strict=True)), flush=True)
    deaths = ", ".join(f"{name.lower().replace('_', ' ')} {n}" for name, n in sorted(verdict.deaths.items()) if n)
    faults = ", ".join(f"{name} {n}" for name, n in sorted(verdict.faults.items()))
    print(f"  died: {deaths}\n  the provider: {faults}; {verdict.seconds:.0f} s", flush=True)


def main() -> int:
    """Torture every combination; 1 when any promise was broken."""
    print("  ".join(HEAD), flush=True)
    broken = [breach for size in SIZES for kind in ("SQLite", "PostgreSQL") for breach in torture(kind, size)]
    for breach in broken:
        print(f"BROKEN: {breach}")
    if not broken:
        print("Nothing was received twice, nothing was lost, nothing is left open.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
