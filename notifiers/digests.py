"""One text for several reminders: who has many permits gets one reminder a day, not one for each."""

from collections.abc import Collection, Sequence
from datetime import datetime

from notifiers.claims import Waiting, list_siblings

TEMPLATE = "permit_renewal"


def list_others(
    messages: Sequence[Waiting], leave_out: Collection[int], now: datetime, *, urgent_only: bool
) -> list[Waiting]:
    """Return the reminders that are due to the same readers and did not come with the others."""
    readers = {item.contact_id for item in messages if item.template == TEMPLATE and item.contact_id is not None}
    return list_siblings(readers, template=TEMPLATE, due_by=now, urgent_only=urgent_only, leave_out=leave_out)


def bundle(messages: Sequence[Waiting]) -> list[Waiting]:
    """Let each reader's first reminder carry the others; it is due to expire when the first of them is."""
    groups: dict[int, list[Waiting]] = {}
    bundled: list[list[Waiting]] = []
    for message in messages:
        group = groups.get(message.contact_id or 0) if message.template == TEMPLATE else None
        if group is not None:
            group.append(message)
            continue
        group = [message]
        bundled.append(group)
        if message.template == TEMPLATE and message.contact_id is not None:
            groups[message.contact_id] = group
    return [_carry(group[0], group[1:]) if len(group) > 1 else group[0] for group in bundled]


def _carry(first: Waiting, others: Sequence[Waiting]) -> Waiting:
    ends = [item.expires_at for item in (first, *others) if item.expires_at is not None]
    return first._replace(
        expires_at=min(ends, default=None),
        carried=tuple(item.subject for item in others),
        carried_ids=tuple(item.id for item in others),
    )
