"""One field of a header made wrong, and every other octet as it was."""

from typing import Any

import msgspec
import pytest

from starwire.protocol.headers import CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import shipped
from starwire.servers.fault import Fault
from starwire.servers.fault_headers import Headers

PORTS = ["rm", "dispatcher", "web"]


def frame(profile: Any, port: str) -> bytes:
    wire = profile.wire
    if port == "rm":
        return bytes(wire.common.frame(CommonHeader(1, session_key="k", serial=258), b"data"))
    inner = wire.dispatcher.frame(DispatcherHeader(1, target="RM", session_key="k"), b"data")
    return bytes(wire.web.encode(WebHeader(1, "k")) + inner if port == "web" else inner)


def corrupt(**given: Any) -> Fault:
    return msgspec.convert({"kind": "corrupt", **given}, Fault)


@pytest.mark.parametrize("name", ["default", "little"])
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("draw", [0, 1, 7, 2**32 - 1])
def test_one_bit_of_each_field_can_be_turned_over(name: str, port: str, draw: int) -> None:
    profile = shipped(name)
    headers, octets = Headers(profile, port), frame(profile, port)
    for field in headers.fields:
        altered = headers.altered(octets, corrupt(header=field), draw)
        bits = [(one ^ other).bit_count() for one, other in zip(octets, altered, strict=True)]
        assert sum(bits) == 1
        assert sum(bits[headers.size :]) == 0


@pytest.mark.parametrize(
    ("name", "port", "field", "to", "place", "octets"),
    [
        ("default", "rm", "serial", 258, 39, b"\0\0\0\0\0\0\1\2"),
        ("little", "rm", "serial", 258, 23, b"\2\1\0\0"),
        ("little", "rm", "serial", 2**32 + 5, 23, b"\5\0\0\0"),
        ("default", "rm", "length", 0, 1, b"\0\0\0\0"),
        ("default", "rm", "session_key", "abc", 6, b"abc" + bytes(29)),
        ("little", "rm", "session_key", "x" * 40, 6, b"x" * 16),
        ("default", "dispatcher", "target", "ODS", 5, b"ODS     "),
        ("default", "web", "transaction", 9, 0, b"\t"),
        ("default", "web", "session_key", "", 1, bytes(32)),
        ("default", "web", "status", 105, 33 + 74, b"\0\x69"),
    ],
)
def test_a_field_can_be_set(
    name: str, port: str, field: str, to: Any, place: int, octets: bytes
) -> None:
    profile = shipped(name)
    before = frame(profile, port)
    altered = Headers(profile, port).altered(before, corrupt(header=field, to=to), 0)
    end = place + len(octets)
    assert altered == before[:place] + octets + before[end:]


@pytest.mark.parametrize("draw", [0, 254, 255, 2**32 - 1])
@pytest.mark.parametrize("name", ["default", "little"])
def test_a_wrong_serial_is_always_another_one(name: str, draw: int) -> None:
    profile = shipped(name)
    headers, octets = Headers(profile, "rm"), frame(profile, "rm")
    altered = headers.altered(octets, Fault(kind="wrong-serial"), draw)
    wire = profile.wire.common
    assert wire.decode(altered).serial != wire.decode(octets).serial
    assert len(altered) == len(octets)


def test_octets_too_short_for_a_header_stay_as_they_are() -> None:
    headers = Headers(shipped("default"), "web")
    assert headers.altered(b"short", corrupt(header="status", to=1), 0) == b"short"


def test_a_native_port_has_no_header() -> None:
    headers = Headers(shipped("default"), "rm-native")
    assert (headers.size, headers.fields) == (0, frozenset())
