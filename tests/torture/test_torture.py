"""Dispatchers die at every step of a send; the provider receives nothing twice, and nothing is lost."""

from pathlib import Path

from portal.settings import Settings
from tests.torture.rounds import Size, run
from tests.torture.steps import Step


def test_death_at_every_step_loses_nothing_and_sends_nothing_twice(settings: Settings, tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    verdict = run(settings, Size(rounds=len(Step) + 1, messages=40, dispatchers=1), report)
    assert verdict.breaches() == []
    assert [step.value for step in Step if not verdict.deaths[step.name]] == []


def test_two_dispatchers_side_by_side_lose_nothing_either(settings: Settings, tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    verdict = run(settings, Size(rounds=3, messages=450, dispatchers=2, seed=3), report)
    assert verdict.breaches() == []
    assert sum(verdict.deaths.values()) >= 3
