"""What the vault makes: bytes known beforehand, which nothing but the right key and place opens, whole.

The expected bytes were worked out with another library (PyCryptodome) than the one in use.
"""

import pytest

from portal import vault
from portal.vault import BrokenSeal, Vault

DATA_KEY = bytes(range(128, 160))
NONCE = bytes(range(96, 108))
VAULT = Vault(keys={1: bytes(range(32)), 7: bytes(range(32, 64))}, index=bytes(range(64, 96)))
SEALED = bytes.fromhex("606162636465666768696a6b0c510ebd14c970c7e3eec9262278743e1305a624f8fa")
WRAPPED = bytes.fromhex(
    "0107606162636465666768696a6b62152f287755fdd271cded3799c7fdf6e2960991d598ce5e933e23f3134c2da2ff8b637d6d714473"
    "698cb5c7e39e83e0"
)
ALIKE = "s1.vMxyC25IfmcHzXEfrxjBQXuwUJjH7uzi4OasOOiM"
DIGEST = bytes.fromhex("5fbd91a8854b379ab949ad73c3a69e87e7c31bd4bda21a4aee2c748e86694900")


def test_known_answers() -> None:
    assert vault.seal(VAULT.keys[1], "投诉".encode(), "complaint.texts:12", nonce=NONCE) == SEALED
    assert VAULT.wrap(DATA_KEY, "complaint:12", nonce=NONCE) == WRAPPED
    assert len(WRAPPED) == vault.WRAPPED_BYTES
    assert VAULT.seal_alike("+8613800138000", "contact.phone") == ALIKE
    assert VAULT.digest("network", "192.0.2.1") == DIGEST


def test_what_was_sealed_opens_again() -> None:
    assert vault.unseal(VAULT.keys[1], SEALED, "complaint.texts:12").decode() == "投诉"
    assert VAULT.unwrap(WRAPPED, "complaint:12") == DATA_KEY
    assert VAULT.unseal_alike(ALIKE, "contact.phone") == "+8613800138000"
    body = {"facts": "写了很多字", "wants": ""}
    assert vault.unseal_json(DATA_KEY, vault.seal_json(DATA_KEY, body, "a:1"), "a:1") == body


def test_no_byte_can_be_changed_added_or_taken_away() -> None:
    for place in range(len(SEALED)):
        with pytest.raises(BrokenSeal):
            vault.unseal(VAULT.keys[1], flip(SEALED, place), "complaint.texts:12")
    for place in range(len(WRAPPED)):
        with pytest.raises(BrokenSeal):
            VAULT.unwrap(flip(WRAPPED, place), "complaint:12")
    for length in range(len(WRAPPED)):
        with pytest.raises(BrokenSeal):
            VAULT.unwrap(WRAPPED[:length], "complaint:12")
    for longer in (WRAPPED + b"\0", SEALED + b"\0"):
        with pytest.raises(BrokenSeal):
            VAULT.unwrap(longer, "complaint:12")
    for place in range(len(ALIKE)):
        with pytest.raises(BrokenSeal):
            VAULT.unseal_alike(
                ALIKE[:place] + ("A" if ALIKE[place] != "A" else "B") + ALIKE[place + 1 :], "contact.phone"
            )
        with pytest.raises(BrokenSeal):
            VAULT.unseal_alike(ALIKE[:place], "contact.phone")


def flip(content: bytes, place: int) -> bytes:
    """Return content with one bit of one byte changed."""
    return content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :]


def test_what_was_sealed_stays_in_its_place() -> None:
    with pytest.raises(BrokenSeal):
        vault.unseal(VAULT.keys[1], SEALED, "complaint.texts:13")
    with pytest.raises(BrokenSeal):
        VAULT.unwrap(WRAPPED, "complaint:13")
    with pytest.raises(BrokenSeal):
        VAULT.unseal_alike(ALIKE, "reply.phone")


def test_another_key_opens_nothing() -> None:
    other = Vault(keys={7: VAULT.keys[1]}, index=VAULT.keys[1])
    with pytest.raises(BrokenSeal):
        vault.unseal(VAULT.keys[7], SEALED, "complaint.texts:12")
    with pytest.raises(BrokenSeal, match="broken"):
        other.unwrap(WRAPPED, "complaint:12")
    with pytest.raises(BrokenSeal):
        other.unseal_alike(ALIKE, "contact.phone")
    without = Vault(keys={1: VAULT.keys[1]}, index=VAULT.index)
    with pytest.raises(BrokenSeal, match="key 7 is not in the vault"):
        without.unwrap(WRAPPED, "complaint:12")


def test_the_newest_key_wraps_and_all_open() -> None:
    old = Vault(keys={1: VAULT.keys[1]}, index=VAULT.index).wrap(DATA_KEY, "complaint:12")
    assert vault.wrapped_by(old) == 1
    assert VAULT.unwrap(old, "complaint:12") == DATA_KEY
    assert vault.wrapped_by(VAULT.wrap(DATA_KEY, "complaint:12")) == 7
    assert vault.wrapped_by(b"") == vault.wrapped_by(b"\x02" * 60) == 0


def test_nonces_and_data_keys_are_drawn_anew() -> None:
    assert len({vault.seal(DATA_KEY, b"", "a")[: vault.NONCE_BYTES] for _turn in range(50)}) == 50
    assert len({vault.new_data_key() for _turn in range(50)}) == 50


def test_equal_texts_are_equal_sealed_and_nothing_else_is() -> None:
    assert VAULT.seal_alike("a", "contact.phone") == VAULT.seal_alike("a", "contact.phone")
    seals = {VAULT.seal_alike(text, context) for text in ("a", "b", "") for context in ("contact.phone", "reply.phone")}
    assert len(seals) == 6


def test_a_vault_tells_no_key_when_it_is_printed() -> None:
    assert repr(VAULT) == "Vault()"
    assert vault.read(vault.text_of(VAULT)) == VAULT


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"keys": {}, "index": "AAAA"}', '{"keys": {"1": "AAAA"}, "index": "AAAA"}',
        vault.text_of(VAULT).replace('"7"', '"256"'), vault.text_of(VAULT).replace('"7"', '"0"'),
        vault.text_of(VAULT).replace('"7"', '"x"'), vault.text_of(VAULT).replace("AAEC", "AA?C"),
    ],
)  # fmt: skip
def test_a_damaged_vault_is_none(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        vault.read(text)
