"""Which words a text is found by, and whether it holds what was asked for. Pure."""

import hashlib
from collections.abc import Iterable, Sequence

from portal.search.rules import fold, query_words, runs, search_text

# So many bytes tell two pairs of characters apart in any city; where they meet, the opened text decides.
DIGEST = 6


def digests(texts: Iterable[str], key: bytes) -> set[bytes]:
    """Return the digests of the words of some texts under a key."""
    words = {word for text in texts if text for word in search_text(text).split()}
    return {digest(word, key) for word in words}


def asked(query: str, key: bytes) -> list[bytes]:
    """Return the digests of what a query asks for; every one has to be there."""
    return [digest(word, key) for word in query_words(query)]


def digest(word: str, key: bytes) -> bytes:
    """Return what stands for a word (keyed BLAKE2b, a quarter of the time of an HMAC: a letter has hundreds)."""
    return hashlib.blake2b(word.encode(), key=key, digest_size=DIGEST).digest()


def pack(words: Iterable[bytes]) -> bytes:
    """Return digests as they are kept: in order, one after the other."""
    return b"".join(sorted(words))


def unpack(packed: bytes) -> list[bytes]:
    """Return the digests of what was packed."""
    return [packed[at : at + DIGEST] for at in range(0, len(packed), DIGEST)]


def holds(texts: Sequence[str], query: str) -> bool:
    """Whether texts together hold everything that a query asks for: every word, and Chinese as it stands there."""
    folded = [fold(text) for text in texts]
    words = query_words(query)
    whole = [run for run, han in runs(query) if not han or len(run) > 1]
    return all(any(piece in text for text in folded) for piece in [*words, *whole])
