"""`make bench`: prints the ratios, and fails when one breaks its bound."""

import sys
from importlib import import_module

BENCHES = ("page", "cached", "filing", "worklist", "search", "start", "plan", "dispatch")


def main() -> int:
    """Run every bench and print its rows as they come."""
    broken = 0
    print(f"{'ratio':>8}  {'bound':>8}  what")
    for name in BENCHES:
        for row in import_module(f"tests.bench.{name}").run():
            bound = "" if row.bound is None else f"{'≥' if row.at_least else '≤'} {row.bound:g}"
            mark = "" if row.holds else "  << broken"
            print(f"{row.ratio:8.2f}  {bound:>8}  {row.name} ({row.detail}){mark}", flush=True)
            broken += not row.holds
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
