"""Which deaths a campaign holds, in which order, and how many messages are due meanwhile."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.settings import Settings, TwilioSettings
from tests.conftest import make_settings
from tests.torture.campaign import PER_MESSAGE, Campaign, Doomed, Verdict
from tests.torture.provider import provider
from tests.torture.steps import Step
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN

LATENCY = 0.02
# The steps at which settling can die: it claims nothing and sends nothing.
SETTLING = (Step.ANSWER_READ, Step.RECORD_BEGUN, Step.RECORD_WRITTEN, Step.RECORD_COMMITTED, Step.CHANGE_WRITTEN)


@dataclass(frozen=True)
class Size:
    """How large a campaign is: rounds, messages that become due in each, and dispatchers side by side."""

    rounds: int
    messages: int
    dispatchers: int
    seed: int = 1


def deaths(chance: random.Random, most: int) -> Iterator[Doomed]:
    """Yield, for ever, what dispatchers die of: each step in its turn, then a kill at any moment.

    A message's step is passed up to `most` times before; a batch's not at all at first, later perhaps once.
    """
    batches = 1
    while True:
        for step in Step:
            yield Doomed(step=step, after=chance.randint(1, most if step in PER_MESSAGE else batches))
        yield Doomed(killed_after=chance.uniform(0.05, 0.6))
        batches = 2


def rounds(size: Size) -> Iterator[list[Doomed]]:
    """Yield each round's processes: one dispatcher is doomed, of the others every second one; then settling dies."""
    chance = random.Random(size.seed)
    fates = deaths(chance, max(1, size.messages // size.dispatchers // 2))
    for number in range(size.rounds):
        others = [next(fates) if chance.random() < 0.5 else Doomed() for _ in range(size.dispatchers - 1)]
        settling = SETTLING[number % len(SETTLING)]
        reconciling = [Doomed("reconcile", settling, chance.randint(1, 2))] if number % 3 == 2 else []
        yield [next(fates), *others, *reconciling]


def run(settings: Settings, size: Size, report: Path, tell: Callable[[str], None] = lambda _line: None) -> Verdict:
    """Torture one database's dispatchers, settle what they left, and count."""
    begun = time.monotonic()
    with provider(size.seed, LATENCY) as remote:
        twilio = TwilioSettings(
            account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender="+15005550006", api_base=remote.address
        )
        settings = make_settings(
            settings.data_dir, settings.database_url, testing=False, sms_providers=("twilio",), twilio=twilio
        )
        campaign = Campaign(settings, remote, report)
        for number, processes in enumerate(rounds(size), start=1):
            campaign.queue(size.messages)
            campaign.round(*processes)
            tell(f"round {number} of {size.rounds}, {campaign.messages:,} messages")
            if campaign.failures:
                break
        tell("settling")
        if not campaign.failures:
            campaign.settle()
        verdict = campaign.judge()
    campaign.close()
    verdict.seconds = time.monotonic() - begun
    return verdict
