"""Inner hops that are encrypted (ENC-01), where `--link-keys` gives their keys.

All else here is sealed by the harness as it goes out. These cases do it by hand, with what the rule
says and the primitives alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..case import FRAMED, case
from ..peer import Departure, Peer
from ..sealed import link_key
from ..wire import Reset, Silent, read_until

_TAG = 16


class _Link:
    """A connection on which nothing is sealed by others."""

    def __init__(self, peer: Peer) -> None:
        key = link_key(peer.keys, peer.place)
        if not key:
            peer.not_applicable(
                "no link is encrypted: --link-keys FILE says the keys of one that is"
            )
        self._peer = peer
        self._number = peer.next_line()
        self._line = peer.bare_line()
        self._sent = self._read = 0
        own = secrets.token_bytes(32)
        self.write(own)
        self.greeting = self._take(32)
        salt = hmac.digest(own + self.greeting, key, hashlib.sha256)
        self._out, self._in = (
            AESGCM(hmac.digest(salt, info + b"\x01", hashlib.sha256))
            for info in (b"opener to acceptor", b"acceptor to opener")
        )

    def write(self, octets: bytes) -> None:
        self._peer.transcript.add(self._number, self._peer.place, "sent", octets)
        self._line.write(octets)

    def record(self, frame: bytes) -> bytes:
        """A frame, sealed under the next nonce."""
        sealed = self._out.encrypt(self._sent.to_bytes(12, "big"), frame, None)
        self._sent += 1
        return len(sealed).to_bytes(4, "big") + sealed

    def frame(self) -> bytes:
        """The frame of the next record. Raises Departure."""
        length = int.from_bytes(self._take(4), "big")
        self._peer.must(length < 1 << 16, "the length of a record", f"{length}")
        try:
            frame = self._in.decrypt(self._read.to_bytes(12, "big"), self._take(length), None)
        except (InvalidTag, ValueError):
            raise Departure(f"a record under nonce {self._read}", "another") from None
        self._read += 1
        return frame

    def _take(self, count: int) -> bytes:
        taken = b""
        wire = self._peer.wire
        until = min(wire.now() + self._peer.patience, self._peer.until)
        try:
            while len(taken) < count:
                octets = self._rest or read_until(self._line, wire.now, until)
                if not octets:
                    raise Departure(f"{count} octets", f"the end after {len(taken)}")
                self._rest = octets[count - len(taken) :]
                taken += octets[: count - len(taken)]
        except (Silent, Reset):
            raise Departure(f"{count} octets", f"{len(taken)}, and no more") from None
        self._peer.transcript.add(self._number, self._peer.place, "received", taken)
        return taken

    _rest = b""

    def ends(self) -> None:
        """The other side closes, and sends nothing. Raises Departure."""
        wire = self._peer.wire
        try:
            octets = read_until(self._line, wire.now, wire.now() + self._peer.patience)
        except Reset:
            octets = b""
        except Silent:
            raise Departure("the end of the connection", "nothing") from None
        self._peer.must(not octets, "the end of the connection", f"{len(octets)} octets")


@case("seal.record", rules="ENC-01", places=FRAMED, after="sanity.connect")
def records(peer: Peer) -> None:
    """Each frame is a record of AES-256-GCM, under keys that the link's key and both greetings make
    and under nonces that count from 0."""
    link = _Link(peer)
    length = getattr(peer.profile.wire, peer.spoken).integer("length")
    for _ in range(2):
        link.write(link.record(peer.request(b"NOBODY<>", key="f" * 16).octets))
        frame = link.frame()
        peer.must(length.read(frame, 0) == len(frame), "a frame in a record", f"{frame[:32]!r}")


@case("seal.in-pieces", rules="ENC-01", places=FRAMED, after="seal.record")
def records_in_pieces(peer: Peer) -> None:
    """Records may come in any pieces, and several at once."""
    link = _Link(peer)
    draft = peer.request(b"NOBODY<>", key="f" * 16)
    octets = link.record(draft.octets) + link.record(draft.octets)
    for place in range(0, len(octets), 7):
        link.write(octets[place : place + 7])
    peer.must(bool(link.frame() and link.frame()), "two replies", "less")


@case("seal.changed", rules="ENC-01", places=FRAMED, after="seal.record")
def changed_record(peer: Peer) -> None:
    """A record of which one bit was changed closes the connection without an answer."""
    link = _Link(peer)
    octets = link.record(peer.request(b"NOBODY<>", key="f" * 16).octets)
    link.write(octets[:-1] + bytes([octets[-1] ^ 1]))
    link.ends()


@case("seal.again", rules="ENC-01", places=FRAMED, after="seal.record")
def repeated_record(peer: Peer) -> None:
    """A record that comes a second time closes the connection: its nonce was another."""
    link = _Link(peer)
    octets = link.record(peer.request(b"NOBODY<>", key="f" * 16).octets)
    link.write(octets)
    link.frame()
    link.write(octets)
    link.ends()


@case("seal.too-long", rules="ENC-01", places=FRAMED, after="seal.record")
def long_record(peer: Peer) -> None:
    """A record that says to be longer than the longest frame and its tag closes the connection
    before it is in."""
    link = _Link(peer)
    link.write((peer.profile.frame_octets + _TAG + 1).to_bytes(4, "big"))
    link.ends()


@case("seal.greeting", rules="ENC-01", places=FRAMED, after="seal.record")
def greetings(peer: Peer) -> None:
    """Each connection is greeted by other octets."""
    found = {_Link(peer).greeting for _ in range(4)}
    peer.must(len(found) == 4, "four greetings", f"{len(found)}")
