"""Sealed links: the records as ENC-01 says, in any fragmentation, and nothing else."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from starwire.protocol.frames import NEED_DATA
from starwire.protocol.sealing import SealedLink, SealError

KEY = bytes(range(32))
OPENER, ACCEPTOR = b"o" * 32, b"a" * 32
LONGEST = 100


def pair() -> tuple[SealedLink, SealedLink]:
    """Both sides, greeted."""
    opener = SealedLink(KEY, OPENER, opens=True, longest=LONGEST)
    acceptor = SealedLink(KEY, ACCEPTOR, opens=False, longest=LONGEST)
    opener.feed(acceptor.greeting)
    acceptor.feed(opener.greeting)
    assert opener.ready
    assert acceptor.ready
    return opener, acceptor


def record(info: bytes, count: int, frame: bytes) -> bytes:
    """A record made the long way: HKDF by hand, then AES-256-GCM."""
    secret = hmac.digest(OPENER + ACCEPTOR, KEY, hashlib.sha256)
    key = hmac.digest(secret, info + b"\x01", hashlib.sha256)
    sealed = AESGCM(key).encrypt(count.to_bytes(12, "big"), frame, None)
    return len(sealed).to_bytes(4, "big") + sealed


def test_a_record_is_what_the_rule_says() -> None:
    opener, acceptor = pair()
    assert [opener.seal(b"one"), opener.seal(b"two")] == [
        record(b"opener to acceptor", 0, b"one"),
        record(b"opener to acceptor", 1, b"two"),
    ]
    assert acceptor.seal(b"one") == record(b"acceptor to opener", 0, b"one")


def test_a_record_in_octets() -> None:
    opener, _ = pair()
    literal = "00000016defd062972d1f6a51e6fb7dc5493c5cced3e4d4bbf01"
    assert opener.seal(b"GRTL<>").hex() == literal


@pytest.mark.parametrize("width", [1, 2, 3, 7, 1000])
def test_frames_come_out_as_they_went_in_however_they_are_cut(width: int) -> None:
    frames = [b"", b"x", bytes(range(100)), b"last"]
    opener, _ = pair()
    octets = OPENER + b"".join(map(opener.seal, frames))
    acceptor = SealedLink(KEY, ACCEPTOR, opens=False, longest=LONGEST)
    found = []
    for start in range(0, len(octets), width):
        acceptor.feed(octets[start : start + width])
        while (frame := acceptor.pull()) is not NEED_DATA:
            found.append(frame)
    assert found == frames
    assert not acceptor.cut_off


def test_nothing_is_ready_before_the_other_side_s_greeting() -> None:
    link = SealedLink(KEY, OPENER, opens=True, longest=LONGEST)
    link.feed(ACCEPTOR[:31])
    assert not link.ready
    assert link.pull() is NEED_DATA
    assert link.cut_off
    link.feed(ACCEPTOR[31:])
    assert link.ready


@pytest.mark.parametrize("place", [0, 5, 10, 21])
def test_one_changed_bit_is_refused_for_ever(place: int) -> None:
    opener, acceptor = pair()
    octets = bytearray(opener.seal(b"GRTL<>"))
    octets[4 + place] ^= 1
    acceptor.feed(bytes(octets) + opener.seal(b"next"))
    for _ in range(2):
        with pytest.raises(SealError, match="a record that does not authenticate"):
            acceptor.pull()
    acceptor.feed(b"more")
    assert not acceptor.cut_off


def test_a_repeated_or_a_missing_record_is_refused() -> None:
    opener, acceptor = pair()
    one, two = opener.seal(b"one"), opener.seal(b"two")
    acceptor.feed(one + one)
    assert acceptor.pull() == b"one"
    with pytest.raises(SealError, match="does not authenticate"):
        acceptor.pull()
    opener, acceptor = pair()
    opener.seal(b"one")
    acceptor.feed(opener.seal(b"two"))
    assert two
    with pytest.raises(SealError, match="does not authenticate"):
        acceptor.pull()


def test_another_key_does_not_open_it() -> None:
    opener, _ = pair()
    other = SealedLink(bytes(32), ACCEPTOR, opens=False, longest=LONGEST)
    other.feed(OPENER + opener.seal(b"GRTL<>"))
    with pytest.raises(SealError, match="does not authenticate"):
        other.pull()


@pytest.mark.parametrize("length", [0, 15, LONGEST + 17, 2**32 - 1])
def test_a_length_that_no_record_has_is_refused_on_the_prefix(length: int) -> None:
    _, acceptor = pair()
    acceptor.feed(length.to_bytes(4, "big"))
    with pytest.raises(SealError, match=f"a record of {length} octets"):
        acceptor.pull()


def test_the_longest_frame_fits() -> None:
    opener, acceptor = pair()
    acceptor.feed(opener.seal(b"x" * LONGEST))
    assert acceptor.pull() == b"x" * LONGEST


@pytest.mark.parametrize(("key", "greeting"), [(b"short", OPENER), (KEY, b"short")])
def test_keys_and_greetings_have_32_octets(key: bytes, greeting: bytes) -> None:
    with pytest.raises(ValueError, match="32 octets each"):
        SealedLink(key, greeting, opens=True, longest=LONGEST)
