"""What the tests of the wire share: both profiles, literal octets, and reading in every cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from starwire.grammar import MetadataError
from starwire.protocol.frames import NEED_DATA, FrameError
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import SHIPPED, Profile, shipped

KEY_32 = "0123456789abcdef0123456789abcdef"
KEY_16 = "0123456789abcdef"


class Literal(NamedTuple):
    """A header, data behind it, and the octets of both, written by hand."""

    header: Any
    data: bytes
    octets: bytes


LITERALS = {
    "default": {
        "common": Literal(
            CommonHeader(1, 53, 0, KEY_32, 2, 0x0102030405060708, 100),
            b"Z<A>",
            b"\x01\x00\x00\x00\x35\x00"
            b"0123456789abcdef0123456789abcdef"
            b"\x02\x01\x02\x03\x04\x05\x06\x07\x08\x00\x64"
            b"Z<A>",
        ),
        "dispatcher": Literal(
            DispatcherHeader(1, 80, "INBOX", 1, "J SMITH", "00012345", KEY_32[:20], 3),
            b"L<B>",
            b"\x01\x00\x00\x00\x50"
            b"INBOX   \x01J SMITH             00012345"
            b"0123456789abcdef0123\0\0\0\0\0\0\0\0\0\0\0\0"
            b"\x00\x03"
            b"L<B>",
        ),
        "web": Literal(WebHeader(2, KEY_32), b"rest", b"\x020123456789abcdef0123456789abcdefrest"),
        "bulk": Literal(
            BulkHeader(1, 0x0A, 0x10000, 0x7FFFFFFF),
            b"row",
            b"\x01\x00\x00\x00\x00\x00\x00\x00\x0a"
            b"\x00\x00\x00\x00\x00\x01\x00\x00"
            b"\x00\x00\x00\x00\x7f\xff\xff\xff"
            b"row",
        ),
    },
    "little": {
        "common": Literal(
            CommonHeader(1, 32, 0, KEY_16, 2, 0x01020304, 100),
            b"Z<A>",
            b"\x01\x20\x00\x00\x00\x000123456789abcdef\x02\x04\x03\x02\x01\x64Z<A>",
        ),
        "dispatcher": Literal(
            DispatcherHeader(1, 63, "INBOX", 1, "J SMITH", "00012345", KEY_16[:9], 3),
            b"L<B>",
            b"\x01\x3f\x00\x00\x00"
            b"INBOX   \x01J SMITH             00012345"
            b"012345678\0\0\0\0\0\0\0"
            b"\x03"
            b"L<B>",
        ),
        "web": Literal(WebHeader(2, KEY_16), b"rest", b"\x020123456789abcdefrest"),
        "bulk": Literal(
            BulkHeader(1, 0x0A, 0x10000, 0x7FFFFFFF),
            b"row",
            b"\x01\x0a\x00\x00\x00\x00\x00\x00\x00"
            b"\x00\x00\x01\x00\x00\x00\x00\x00"
            b"\xff\xff\xff\x7f\x00\x00\x00\x00"
            b"row",
        ),
    },
}


class Outcome(NamedTuple):
    """What reading a stream gave: the events in order, then need data or an error."""

    events: list[Any]
    error: tuple[Any, ...] | None
    """Kind, reason and offset of the error; None if more was asked for."""
    cut_off: bool
    """Whether the reader still holds something unfinished."""


@pytest.fixture(params=SHIPPED)
def profile(request: pytest.FixtureRequest) -> Profile:
    """Every test that touches frames runs under both shipped profiles (HDR-10)."""
    return shipped(request.param)


@pytest.fixture
def literals(profile: Profile) -> dict[str, Literal]:
    """A frame of each header under the profile, in literal octets."""
    return LITERALS[profile.name]


@pytest.fixture
def read_in_pieces() -> Callable[..., Outcome]:
    """`read_in_pieces(make, pieces, ended=False)`: feed each piece to a new reader, pull all."""
    return _read


@pytest.fixture
def read_every_way() -> Callable[..., Outcome]:
    """`read_every_way(make, octets, neighbour, ended=False)`: the outcome of reading `octets` with
    a new reader. Asserts that it is the same whole, octet by octet, cut in two at every boundary,
    with empty pieces between, and behind 99 times the good event `neighbour` in one segment.
    """
    return _read_every_way


def _read_every_way(
    make: Callable[[], Any], octets: bytes, neighbour: bytes, *, ended: bool = False
) -> Outcome:
    whole = _read(make, [octets], ended=ended)
    for pieces in _cuts(octets):
        assert _read(make, pieces, ended=ended) == whole, pieces
    crowd = _read(make, [neighbour * 99 + octets], ended=ended)
    alone = _read(make, [neighbour])
    assert len(alone.events) == 1
    assert crowd.events == alone.events * 99 + whole.events
    assert crowd.cut_off == whole.cut_off
    assert _without_place(crowd) == _without_place(whole)
    return whole


def _cuts(octets: bytes) -> Iterator[list[bytes]]:
    yield [octets[place : place + 1] for place in range(len(octets))]
    yield [piece for octet in octets for piece in (b"", bytes([octet]), b"")]
    for place in range(len(octets) + 1):
        yield [octets[:place], octets[place:]]


def _read(make: Callable[[], Any], pieces: Iterable[bytes], *, ended: bool = False) -> Outcome:
    reader = make()
    events: list[Any] = []
    error = None
    for piece in pieces:
        reader.feed(piece)
        error = _pull_all(reader, events)
    if ended:
        reader.close()
        error = _pull_all(reader, events)
    return Outcome(events, error, reader.cut_off)


def _pull_all(reader: Any, events: list[Any]) -> tuple[Any, ...] | None:
    pull = reader.next_frame if hasattr(reader, "next_frame") else reader.next_message
    try:
        while (event := pull()) is not NEED_DATA:
            events.append(event)
    except FrameError as error:
        return (error.status, error.reason, error.offset)
    except MetadataError as error:
        return (error.fault, error.reason, error.offset, reader.refused)
    return None


def _without_place(outcome: Outcome) -> Any:
    return outcome.error and (outcome.error[:2], outcome.error[3:])
