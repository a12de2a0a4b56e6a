"""What a call may be about, and what of it may stand in a list."""

# A complaint's sender is known to nobody but those who must answer: lists name neither them nor their number.
PRIVATE = frozenset({"complaint"})


def split_subject(subject: str) -> tuple[str, int]:
    """Return the kind and the number of a record named like `permit:12`; the number is 0 where there is none."""
    kind, _colon, number = subject.partition(":")
    return kind, int(number) if number.isdigit() else 0


def is_private(subject: str) -> bool:
    """Whether a list may say no more of a call than that there is one."""
    return split_subject(subject)[0] in PRIVATE


def call_key(subject: str, reason: str, message_id: int | None) -> str:
    """Return the name of a call, which keeps it from being asked for twice: `permit:undelivered:12:99`."""
    kind, number = split_subject(subject)
    return f"{kind}:{reason}:{number}:{message_id or ''}"
