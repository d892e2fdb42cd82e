"""Captured packets (pcap, pcapng) as what each side of each TCP connection said.

Segments are put in order and those that came twice are taken once. A stream with a hole in it ends
there: what stands behind could begin anywhere within a frame. What was left out is told.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from starwire.protocol.recording import Sender

from .learning import NothingLearned

MAGIC = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",
)
"""What a file of packets begins with."""

_ETHERNET, _LOOPBACK, _SLL, _SLL2 = 1, (0, 108), 113, 276
_RAW = (12, 14, 101, 228, 229)
_WRAP = 1 << 32
_HALF = 1 << 31
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, struct.error)
"""What dpkt lets through for octets that it cannot read, beside errors of its own."""
_MOST_HELD = 4 * 1024 * 1024
"""Octets that wait for one that is missing; more, and it is taken for lost."""
_FIRST_GIVEN = 32_768
"""The first port that a system gives to those who open connections."""

Address: TypeAlias = tuple[bytes, int]


class Said(Struct, frozen=True):
    """Octets of one side of a connection, in their order, without a gap."""

    connection: str
    sender: Sender
    octets: bytes


class _Side(Struct):
    """One direction of a connection."""

    sender: Sender
    due: int | None = None
    """The sequence number of the next octet; None until it is known."""
    taken: int = 0
    held: dict[int, bytes] = {}
    """What came too early, by its sequence number."""
    lost: bool = False


class _Connection(Struct):
    name: str
    client: Address
    sides: tuple[_Side, _Side]
    """The client's and the server's."""

    def side(self, source: Address) -> _Side:
        return self.sides[source != self.client]


class Packets:
    """A file of packets. `notes` is complete when it was read to its end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.notes: list[str] = []
        self._connections: dict[frozenset[Address], _Connection] = {}
        self._short = 0
        self._other = 0

    def __iter__(self) -> Iterator[Said]:
        """What was said, in the order of the packets. Raises NothingLearned."""
        self.notes, self._connections, self._short, self._other = [], {}, 0, 0
        for segment in self._segments():
            yield from self._heard(*segment)
        for connection in self._connections.values():
            self._finish(connection)
        if self._short:
            self.notes.append(
                f"{self.path}: {self._short} packets were not captured whole; capture with their"
                " whole length (`tcpdump -s 0`)"
            )
        if self._other:
            self.notes.append(f"{self.path}: {self._other} packets were no TCP, left out")

    def _segments(self) -> Iterator[tuple[Address, Address, Any, int]]:
        """Source, destination, the TCP segment and the octets that it should have."""
        dpkt = packet_library()
        try:
            with Path(self.path).open("rb") as file:
                reader = dpkt.pcap.UniversalReader(file)
                link = reader.datalink()
                for _, octets in reader:
                    packet = _internet(dpkt, link, octets)
                    if packet is None or not isinstance(packet.data, dpkt.tcp.TCP):
                        self._other += 1
                        continue
                    tcp = packet.data
                    yield (
                        (packet.src, tcp.sport),
                        (packet.dst, tcp.dport),
                        tcp,
                        _length(dpkt, packet) - 4 * tcp.off,
                    )
        except OSError as error:
            raise NothingLearned(f"{self.path}: {error.strerror}") from None
        except (dpkt.UnpackError, *_BROKEN) as error:
            said = " ".join(str(error).split()) or "ends within a packet"
            self.notes.append(f"{self.path}: was read up to a packet that cannot be: {said}")

    def _heard(self, source: Address, target: Address, tcp: Any, length: int) -> Iterator[Said]:
        begins = bool(tcp.flags & 0x02)
        key = frozenset((source, target))
        connection = self._connections.get(key)
        if connection is None or (begins and self._is_new(connection, source, tcp)):
            if connection is not None:
                self._finish(connection)
            elif not begins and not tcp.data:
                return
            connection = self._connections[key] = self._opened(source, target, tcp)
        side = connection.side(source)
        if begins:
            side.due = (tcp.seq + 1) % _WRAP
            if tcp.flags & 0x10 and connection.sides[0].due is None:
                connection.sides[0].due = tcp.ack  # the client's own SYN was not captured
            return
        data = bytes(tcp.data)
        if len(data) < length:
            self._short += 1
            data = b""
        if not data or side.lost:
            return
        if side.due is None:
            self.notes.append(f"{connection.name}: its beginning was not captured")
            side.due = tcp.seq
        octets = _in_order(side, tcp.seq, data)
        if octets:
            yield Said(connection.name, side.sender, octets)

    def _is_new(self, connection: _Connection, source: Address, tcp: Any) -> bool:
        """Whether a SYN opens another connection between the same ports."""
        side = connection.side(source)
        return not tcp.flags & 0x10 and side.due is not None and side.due != (tcp.seq + 1) % _WRAP

    def _opened(self, source: Address, target: Address, tcp: Any) -> _Connection:
        """A SYN comes from the client, a SYN with ACK from the server. Without either the client is
        the one whose port a system gives out, or else the one that speaks first.
        """
        from_server = tcp.flags & 0x12 == 0x12
        if not tcp.flags & 0x02:
            from_server = source[1] < _FIRST_GIVEN <= target[1]
        if from_server:
            source, target = target, source
        name = f"{_told(source)} to {_told(target)}"
        return _Connection(name, source, (_Side("client", held={}), _Side("server", held={})))

    def _finish(self, connection: _Connection) -> None:
        for side in connection.sides:
            if side.lost or side.held:
                left = "" if side.lost else f", {sum(map(len, side.held.values()))} octets left out"
                self.notes.append(
                    f"{connection.name}: a segment of the {side.sender} behind octet {side.taken}"
                    f" was not captured; its stream ends there{left}"
                )


def packet_library() -> Any:
    """dpkt, which is imported when it is used. Raises NothingLearned if it is not installed."""
    try:
        import dpkt
        import dpkt.http
    except ImportError:
        raise NothingLearned(
            "captured packets and HTTP need dpkt; install it with: pip install dpkt"
        ) from None
    return dpkt


def _internet(dpkt: Any, link: int, octets: bytes) -> Any:
    """The IP packet of a captured one; None if there is none, or only a part of one."""
    try:
        if link == _ETHERNET:
            packet = dpkt.ethernet.Ethernet(octets).data
        elif link in _LOOPBACK:
            packet = dpkt.loopback.Loopback(octets).data
        elif link == _SLL:
            packet = dpkt.sll.SLL(octets).data
        elif link == _SLL2:
            packet = dpkt.sll2.SLL2(octets).data
        elif link in _RAW:
            packet = (dpkt.ip6.IP6 if octets[0] >> 4 == 6 else dpkt.ip.IP)(octets)
        else:
            raise NothingLearned(
                f"packets of link type {link} are not read; capture on Ethernet or on loopback"
            )
    except (dpkt.UnpackError, *_BROKEN):
        return None
    return packet if isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6) else None


def _length(dpkt: Any, packet: Any) -> int:
    """The octets of the TCP segment, header included, as IP tells them; of a packet that the host
    hands to its card in one large piece it tells 0, and all is there.
    """
    if isinstance(packet, dpkt.ip.IP):
        return packet.len - 4 * packet.hl if packet.len else len(packet.data)
    extensions = sum(len(header) for header in packet.extension_hdrs.values() if header)
    return packet.plen - extensions if packet.plen else len(packet.data)


def _in_order(side: _Side, sequence: int, data: bytes) -> bytes:
    """Take a segment; what can be said now."""
    assert side.due is not None
    ahead = (sequence - side.due) % _WRAP
    if ahead >= _HALF:  # it begins with what is known
        data = data[_WRAP - ahead :]
        ahead = 0
    if not data:
        return b""
    if ahead:
        if len(data) > len(side.held.get(sequence, b"")):
            side.held[sequence] = data
        if sum(map(len, side.held.values())) > _MOST_HELD:
            side.lost, side.held = True, {}
        return b""
    said = [data]
    side.due = (side.due + len(data)) % _WRAP
    while waiting := [one for one in side.held if (side.due - one) % _WRAP < _HALF]:
        for one in waiting:
            held = side.held.pop(one)[(side.due - one) % _WRAP :]
            said.append(held)
            side.due = (side.due + len(held)) % _WRAP
    side.taken += sum(map(len, said))
    return b"".join(said)


def _told(address: Address) -> str:
    host = ipaddress.ip_address(address[0])
    return f"[{host}]:{address[1]}" if host.version == 6 else f"{host}:{address[1]}"
