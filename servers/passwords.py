"""Passwords, kept as scrypt hashes that carry their own cost (WEB-04)."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable

import msgspec

_SALT_OCTETS = 16
_HASH_OCTETS = 32


class PasswordCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """scrypt's parameters: memory is 128 * n * r octets, work n * r * p.

    It holds for passwords hashed from now on; a stored hash is checked at the cost it was made at.
    """

    n: int = 2**15
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        if self.n < 2 or self.n & (self.n - 1):
            raise ValueError("n is no power of two above 1")
        if self.r < 1 or self.p < 1:
            raise ValueError("r and p are at least 1")


def hash_password(
    password: str, cost: PasswordCost, *, random: Callable[[int], bytes] = os.urandom
) -> str:
    """`password`, text of octets, as a line of text that `matches` can check later."""
    salt = random(_SALT_OCTETS)
    return f"scrypt${cost.n}${cost.r}${cost.p}${salt.hex()}${_scrypt(password, cost, salt).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether `stored` was made of `password`. Wrong or right takes the same time."""
    scheme, n, r, p, salt, expected = stored.split("$")
    if scheme != "scrypt":
        raise ValueError(f"{scheme!r} is no scheme of this store")
    found = _scrypt(password, PasswordCost(int(n), int(r), int(p)), bytes.fromhex(salt))
    return hmac.compare_digest(found, bytes.fromhex(expected))


def decoy(
    like: str | None, cost: PasswordCost, *, random: Callable[[int], bytes] = os.urandom
) -> str:
    """A line that no password matches and that is as costly to check as `like`, else as `cost`."""
    n, r, p = like.split("$")[1:4] if like else (cost.n, cost.r, cost.p)
    return f"scrypt${n}${r}${p}${random(_SALT_OCTETS).hex()}${random(_HASH_OCTETS).hex()}"


def _scrypt(password: str, cost: PasswordCost, salt: bytes) -> bytes:
    needed = 128 * cost.r * (cost.n + cost.p + 2)
    return hashlib.scrypt(
        password.encode("latin-1"),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        maxmem=needed + (1 << 20),
        dklen=_HASH_OCTETS,
    )
