"""The audit trail: a chain of records, and the signed heads that answer for it (ENC-02). No I/O.

A file begins with a header, which names the chain and the public key. Then comes a record a line:

    SEQUENCE TIME HOP TRANSACTION SERIAL USER REQUEST REPLY CHAIN

CHAIN is the SHA-256 of the 32 octets of the chain value before it and of the line as far as the
blank before CHAIN; the first record continues the SHA-256 of the header, its line end left out. A
head is the chain value behind one record, signed: it answers for that record and all before it.
`docs/protocol.md` has every octet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from re import compile as pattern

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

LONGEST_LINE = 4096
"""Octets; a user id of 255 octets, all of them escaped, needs a quarter of it."""
MOST_FINDINGS = 100
"""How many findings of one file are told; the others are counted."""
_NONE = "-"
_HEX = "[0-9a-f]{64}"
_RECORD = pattern(
    f"((0|[1-9][0-9]{{0,18}})( ([0-9]{{1,19}}) [!-~]+ [!-~]+ (?:[0-9]+|-) [!-~]+ {_HEX} "
    f"(?:{_HEX}|-))) ({_HEX})\n".encode()
)
_HEADER = pattern(f"starwire-audit 1 ([a-z0-9-]+) ({_HEX})\n".encode())
_CHAIN_AT_END = pattern(f" ({_HEX})\n$".encode())


class Head(Struct, frozen=True):
    """Where a chain stands."""

    chain: str
    """The chain's name, which its file's header has."""
    sequence: int
    """Of the newest record; 0 before the first."""
    digest: str
    """Its chain value, 64 hex digits."""
    octets: int
    """Of the file as far as the end of that record."""
    final: bool
    """Whether the chain ends there."""

    def text(self) -> bytes:
        """The octets that are signed."""
        final = int(self.final)
        words = (self.chain, self.sequence, self.digest, self.octets, final)
        return " ".join(map(str, ("starwire-audit-head 1", *words))).encode("ascii")

    def signed(self, key: Ed25519PrivateKey) -> SignedHead:
        """The head under the signature of `key`."""
        return SignedHead(self, key.sign(self.text()))


class SignedHead(Struct, frozen=True):
    """A head and its Ed25519 signature, 64 octets."""

    head: Head
    signature: bytes

    def is_of(self, public_key: bytes) -> bool:
        """Whether the owner of that public key, 32 octets, signed it."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, self.head.text())
        except (InvalidSignature, ValueError):
            return False
        return True


def header_line(chain: str, public_key: bytes) -> bytes:
    """The first line of a chain's file. The name is of lower-case letters, digits, `-`."""
    return f"starwire-audit 1 {chain} {public_key.hex()}\n".encode("ascii")


def named_in(header: bytes) -> tuple[str, bytes]:
    """The chain's name and the public key that the first line of a file gives, unproved; "" and
    b"" for a line that is no header.
    """
    found = _HEADER.fullmatch(header)
    return (found[1].decode(), bytes.fromhex(found[2].decode())) if found else ("", b"")


@lru_cache(4096)
def _user(name: str) -> str:
    """A user id in one word: what is no graphic character of ASCII, and `%`, as `%` and 2 hex
    digits for each octet of ISO 8859-1; `-` for none.
    """
    if not name:
        return _NONE
    if name == _NONE:
        return "%2D"
    return "".join(
        letter if "!" <= letter <= "~" and letter != "%" else f"%{ord(letter):02X}"
        for letter in name
    )


class Chain:
    """Makes the lines of one chain, in order."""

    def __init__(self, name: str, public_key: bytes) -> None:
        self.header = header_line(name, public_key)
        self.sequence = 0
        """Of the newest record."""
        self.name = name
        self._value = sha256(self.header[:-1]).digest()
        self._octets = len(self.header)

    def record(
        self,
        time: int,
        hop: str,
        transaction: str,
        serial: int | None,
        user: str,
        request: bytes,
        reply: bytes | None,
    ) -> bytes:
        """The line of the next record.

        `time` is in microseconds since 1970, `hop` and `transaction` are words of ASCII; no
        `serial` for a request that has none, "" for no user, no `reply` if there was none.
        """
        self.sequence = sequence = self.sequence + 1
        asked = sha256(request).hexdigest()
        said = _NONE if reply is None else sha256(reply).hexdigest()
        number = _NONE if serial is None else serial
        words = f"{sequence} {time} {hop} {transaction} {number} {_user(user)} {asked} {said}"
        record = words.encode("ascii")
        value = sha256(self._value + record)
        self._value = value.digest()
        line = b"%b %b\n" % (record, value.hexdigest().encode())
        self._octets += len(line)
        return line

    def head(self, *, final: bool = False) -> Head:
        """Where it stands now."""
        return Head(self.name, self.sequence, self._value.hex(), self._octets, final)


# --------------------------------------------------------------------------------- verification


class Finding(Struct, frozen=True):
    """Something that is wrong with a file."""

    line: int
    """Its number, from 1; of the first line that is not there, for a file that was cut."""
    what: str


class Verdict(Struct, frozen=True):
    """What is to be said of a file. It is good if there are no findings."""

    records: int
    """The number of the newest record that is there."""
    signed: int
    """The newest record that a good head answers for; behind it is the tail, whose records are
    chained and not signed yet.
    """
    tail_microseconds: int
    """From the first to the last record of the tail."""
    unfinished: bool
    """Whether the last line has no end, as a process that was killed leaves it."""
    final: bool
    """Whether the chain was ended, not killed."""
    findings: tuple[Finding, ...]
    untold: int = 0
    """How many findings more there are."""


def verify(lines: Iterable[bytes], heads: Sequence[SignedHead], public_key: bytes) -> Verdict:
    """Hold the lines of a file, line ends included, to the heads that are known of its chain.

    Lines longer than LONGEST_LINE may come in pieces. What is told of a file is right for every
    change of what a head answers for; of the tail behind the newest head, whoever can write the
    file may replace all, and nobody can tell.
    """
    walk = _Walk(heads, public_key)
    number = 0
    for number, line in enumerate(lines, 1):
        walk.take(number, line)
    return walk.end(number)


class _Walk:
    """The state of a verification between two lines."""

    def __init__(self, heads: Sequence[SignedHead], public_key: bytes) -> None:
        self._public_key = public_key
        self._findings: list[Finding] = []
        self._untold = 0
        self._next = 1
        self._before: tuple[bytes, ...] = ()
        """Chain values that the next record may continue; none if that cannot be known."""
        self._broken = 0
        """How many of the lines just before this one are no records."""
        self._behind_broken: tuple[bytes, ...] = ()
        """The chain value at the end of the last of them, if there is one."""
        self._octets = 0
        self._open_line = 0
        """The number of a line without an end; only the last may be one."""
        self._tail_line = 0
        self._tail_began = self._time = 0
        self._heads = {one.head.sequence: one.head for one in self._good(heads)}
        self._signed = max(self._heads, default=0)
        self._chain = heads[0].head.chain if heads else None

    def _good(self, heads: Sequence[SignedHead]) -> Iterator[SignedHead]:
        for one in heads:
            if one.is_of(self._public_key):
                yield one
            else:
                place = one.head.sequence
                self._find(place + 1, f"the head of record {place} is not signed by this key")

    def _find(self, line: int, what: str) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(line, what))
        else:
            self._untold += 1

    def take(self, number: int, line: bytes) -> None:
        """The next line."""
        if self._open_line:
            self._find(self._open_line, f"a line of more than {LONGEST_LINE} octets")
            self._open_line = 0
        self._octets += len(line)
        if not line.endswith(b"\n"):
            self._open_line = number
        elif number == 1:
            self._take_header(line)
        else:
            self._take_record(number, line)

    def _take_header(self, line: bytes) -> None:
        expected = header_line(self._chain or named_in(line)[0] or "NAME", self._public_key)
        if line != expected:
            self._find(1, f"not the header of this file, expected `{expected[:-1].decode()}`")
        # As below: the records continue what was true.
        self._before = tuple(sha256(one[:-1]).digest() for one in (expected, line))
        self._compare(1, 0)

    def _take_record(self, number: int, line: bytes) -> None:
        found = _RECORD.fullmatch(line)
        if found is None:
            self._find(number, f"no record, expected record {self._next}")
            end = _CHAIN_AT_END.search(line)
            self._broken += 1
            self._behind_broken = (bytes.fromhex(end[1].decode()),) if end else ()
            return
        record, sequence, rest, time, text = found.groups()
        value, place = bytes.fromhex(text.decode()), int(sequence)
        self._time = int(time)
        if self._next < place <= self._next + self._broken:
            # They were the records between.
            self._next, self._before = place, self._behind_broken
        self._broken = 0
        if place == self._next:
            self._take_in_its_place(number, record, value)
        elif value in [
            sha256(b"%b%d%b" % (one, self._next, rest)).digest() for one in self._before
        ]:
            self._find(number, f"the number was changed to {place}, expected record {self._next}")
            self._go_on(number, self._next, (value,))
        elif place > self._next:
            missing = _numbers(self._next, place - 1)
            self._find(number, f"record {place}, expected record {self._next}: {missing} missing")
            self._go_on(number, place, (value,))
        else:
            self._find(number, f"record {place} once more, expected record {self._next}")

    def _take_in_its_place(self, number: int, record: bytes, value: bytes) -> None:
        expected = [sha256(one + record).digest() for one in self._before]
        if not expected or value in expected:
            self._go_on(number, self._next, (value,))
            return
        place, told = self._next, expected[0].hex()
        self._find(
            number, f"record {place} was changed: chain value {value.hex()}, expected {told}"
        )
        # Either the record or its chain value was: the next record continues what was true.
        self._go_on(number, place, (value, *expected))

    def _go_on(self, number: int, place: int, before: tuple[bytes, ...]) -> None:
        self._next = place + 1
        self._before = before
        if place > self._signed and not self._tail_line:
            self._tail_line, self._tail_began = number, self._time
        self._compare(number, place)

    def _compare(self, number: int, place: int) -> None:
        """With the head of that record, if there is one."""
        head = self._heads.get(place)
        if head is None:
            return
        if bytes.fromhex(head.digest) not in self._before:
            value = self._before[0].hex()
            self._find(
                number,
                f"record {place} is not the one that was signed: chain value {value}, "
                f"expected {head.digest}",
            )
        elif head.octets != self._octets and not self._findings:
            self._find(number, f"it ends at octet {self._octets}, expected {head.octets}")

    def end(self, lines: int) -> Verdict:
        """No more lines."""
        last = self._next - 1 + self._broken
        head = self._heads.get(self._signed)
        final = head is not None and head.final
        behind = self._open_line or lines + 1
        if head is not None and not self._before:
            self._find(behind, "cut off, expected the header")
        elif last < self._signed:
            self._find(behind, f"cut off, expected record {_numbers(last + 1, self._signed)}")
        elif final and (self._tail_line or self._open_line):
            place = self._tail_line or self._open_line
            self._find(place, f"expected the end of the file behind record {self._signed}")
        elif self._chain is None and last:
            self._find(2, "expected the end of the file: no head of it is known")
        return Verdict(
            records=last,
            signed=min(self._signed, last),
            tail_microseconds=self._time - self._tail_began if self._tail_line else 0,
            unfinished=bool(self._open_line),
            final=final,
            findings=tuple(sorted(self._findings, key=lambda one: one.line)),
            untold=self._untold,
        )


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
