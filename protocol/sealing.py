"""Sealed links: frames between servers, encrypted and authenticated (ENC-01). No I/O.

Each side sends 32 random octets, which come in as an argument here. From the link's key and both
sides' octets each direction gets a key of its own; then every frame travels as one record:

    length   4 octets, network byte order, of what follows
    sealed   AES-256-GCM ciphertext of the frame, its tag of 16 octets behind it
"""

from __future__ import annotations

from re import compile as pattern
from typing import Literal, NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .buffer import HeldOctets
from .frames import NEED_DATA, NeedData

KEY_OCTETS = 32
GREETING_OCTETS = 32
_LENGTH = 4
_TAG = 16
_NONCE = 12
_HEX_KEY = pattern("[0-9A-Fa-f]{64}")
_OUTWARD, _INWARD = b"opener to acceptor", b"acceptor to opener"


class LinkKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of the two links, 32 octets each."""

    web: bytes
    """Web server to dispatcher."""
    proxy: bytes
    """Dispatcher to proxy."""


def load_link_keys(text: str) -> LinkKeys:
    """The keys that a key file holds: `web` and `proxy`, each 64 hex digits, in TOML.

    Raises ValueError, which names the key.
    """
    try:
        found = msgspec.toml.decode(text, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise ValueError(f"is no TOML of two keys: {error}") from None
    if set(found) != {"web", "proxy"}:
        raise ValueError("must have the keys web and proxy, and no other")
    for name, digits in found.items():
        if not _HEX_KEY.fullmatch(digits):
            raise ValueError(f"{name} is not {2 * KEY_OCTETS} hex digits")
    keys = LinkKeys(bytes.fromhex(found["web"]), bytes.fromhex(found["proxy"]))
    if keys.web == keys.proxy:
        raise ValueError("web and proxy are the same key")
    return keys


class SealError(Exception):
    """What came is no record of this link: the connection is closed without an answer."""


class SealedLink(HeldOctets):
    """One side of a sealed connection.

    Send `greeting`, feed what comes; once `ready`, `seal` makes records and `pull` opens them. An
    error is for ever.
    """

    def __init__(self, key: bytes, greeting: bytes, *, opens: bool, longest: int) -> None:
        """`greeting` is 32 random octets, `opens` tells the side that connected, and `longest` is
        the largest frame. Raises ValueError for a key or greeting of another length.
        """
        super().__init__()
        if len(key) != KEY_OCTETS or len(greeting) != GREETING_OCTETS:
            raise ValueError(f"a link has a key and a greeting of {KEY_OCTETS} octets each")
        self.greeting = greeting
        self._key = key
        self._opens = opens
        self._longest = longest + _TAG
        self._sealing: AESGCM | None = None
        self._opening: AESGCM | None = None
        self._sealed = self._opened = 0
        self._failure = ""

    @property
    def ready(self) -> bool:
        """Whether the other side's greeting is in."""
        if self._sealing is None and len(self._held) - self._start >= GREETING_OCTETS:
            self._derive(self._take(GREETING_OCTETS))
        return self._sealing is not None

    @property
    def cut_off(self) -> bool:
        """Whether octets of an unfinished greeting or record are held."""
        return bool(self._held)

    def seal(self, frame: bytes) -> bytes:
        """The record of a frame. The link must be ready."""
        assert self._sealing is not None
        sealed = self._sealing.encrypt(_nonce(self._sealed), frame, None)
        self._sealed += 1
        return len(sealed).to_bytes(_LENGTH, "big") + sealed

    def pull(self) -> bytes | Literal[NeedData.NEED_DATA]:
        """The next frame, or NEED_DATA. Raises SealError."""
        if self._failure:
            raise SealError(self._failure)
        waiting = len(self._held) - self._start
        if not self.ready or (waiting := len(self._held) - self._start) < _LENGTH:
            return NEED_DATA
        prefix = bytes(self._held[self._start : self._start + _LENGTH])
        length = int.from_bytes(prefix, "big")
        if not _TAG <= length <= self._longest:
            self._refuse(f"a record of {length} octets")
        if waiting < _LENGTH + length:
            return NEED_DATA
        record = self._take(_LENGTH + length)
        assert self._opening is not None
        try:
            frame = self._opening.decrypt(_nonce(self._opened), record[_LENGTH:], None)
        except InvalidTag:
            self._refuse("a record that does not authenticate")
        self._opened += 1
        return frame

    def _refuse(self, reason: str) -> NoReturn:
        self._failure = reason
        self._stop()
        raise SealError(reason)

    def _derive(self, theirs: bytes) -> None:
        salt = self.greeting + theirs if self._opens else theirs + self.greeting
        outward, inward = (
            AESGCM(HKDF(SHA256(), KEY_OCTETS, salt, info).derive(self._key))
            for info in (_OUTWARD, _INWARD)
        )
        self._sealing, self._opening = (outward, inward) if self._opens else (inward, outward)


def _nonce(count: int) -> bytes:
    return count.to_bytes(_NONCE, "big")
