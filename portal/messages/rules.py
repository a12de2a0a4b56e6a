"""Lengths and states of text messages."""

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€")
OPEN_STATES = frozenset({"queued", "sending", "accepted", "unknown"})
# Receipts arrive in any order; a state only rises.
RANKS = {"queued": 0, "sending": 1, "unknown": 2, "accepted": 3, "failed": 5, "delivered": 6}


def count_segments(text: str) -> int:
    """Return how many SMS segments a text costs, signature included (3GPP TS 23.038).

    One segment holds 160 GSM-7 characters (153 each in a longer text) or 70 UTF-16 units (67 each);
    an escaped GSM-7 character or a surrogate pair is never split over two segments.
    """
    if all(letter in GSM_BASIC or letter in GSM_EXTENDED for letter in text):
        return _pack([2 if letter in GSM_EXTENDED else 1 for letter in text], 160, 153)
    return _pack([2 if ord(letter) > 0xFFFF else 1 for letter in text], 70, 67)


def _pack(widths: list[int], single: int, multiple: int) -> int:
    if sum(widths) <= single:
        return 1
    segments, used = 1, 0
    for width in widths:
        if used + width > multiple:
            segments, used = segments + 1, 0
        used += width
    return segments


def rises(old: str, new: str) -> bool:
    """Whether a receipt's state may replace the state a message has."""
    return RANKS.get(new, -1) > RANKS.get(old, 99)
