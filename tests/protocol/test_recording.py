"""The lines of a recording: every octet comes back, and what is no line is named."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starwire.protocol.profile import SHIPPED, load_profile, shipped
from starwire.protocol.recording import (
    Closed,
    End,
    Ended,
    Event,
    Header,
    Octets,
    Opened,
    RecordingError,
    Request,
    Response,
    Segment,
    decode,
    decode_header,
    encode,
    profile_of,
)

HEADER = Header(
    format=1,
    starwire="0.1.0",
    source="starwire serve",
    run="0f9d43fa",
    part=1,
    started="2026-11-20T21:55:17.419225Z",
    origin=12_090_462_714,
    host={"system": "Linux"},
    profile=msgspec.to_builtins(shipped("default")),
)

HTTP = (("Host", "127.0.0.1"), ("X", "\xe9"))
LINES: list[tuple[Event, bytes]] = [
    (
        Opened(7, "rm", "a-1", "10.0.0.1:2000", "10.0.0.2:8412"),
        b'{"event":"opened","at":7,"hop":"rm","connection":"a-1","peer":"10.0.0.1:2000",'
        b'"own":"10.0.0.2:8412"}\n',
    ),
    (
        Opened(7, "rm", "a-1", "p", "o", sealed=True, tls=True),
        b'{"event":"opened","at":7,"hop":"rm","connection":"a-1","peer":"p","own":"o",'
        b'"sealed":true,"tls":true}\n',
    ),
    (
        Segment(8, "rm", "a-1", "client", Octets(b'\x00A<"\\>\n\x7f\x85\xff')),
        b'{"event":"octets","at":8,"hop":"rm","connection":"a-1","from":"client",'
        b'"octets":"\\u0000A<\\"\\\\>\\n\\u007f\\u0085\\u00ff"}\n',
    ),
    (
        Segment(8, "rm", "a-1", "server", Octets(b""), "t-1", unread=True, more=True),
        b'{"event":"octets","at":8,"hop":"rm","connection":"a-1","from":"server","octets":"",'
        b'"transaction":"t-1","unread":true,"more":true}\n',
    ),
    (
        Segment(8, "rm", "a-1", "client", Octets(b"x"), decoded=msgspec.Raw(b'[{"octets":1}]')),
        b'{"event":"octets","at":8,"hop":"rm","connection":"a-1","from":"client","octets":"x",'
        b'"decoded":[{"octets":1}]}\n',
    ),
    (
        Request(9, "web", "a-2", "POST", "/nmci", HTTP, Octets(b"\x01"), "key", "t-1"),
        b'{"event":"request","at":9,"hop":"web","connection":"a-2","method":"POST",'
        b'"path":"/nmci","headers":[["Host","127.0.0.1"],["X","\\u00e9"]],"octets":"\\u0001",'
        b'"cookie":"key","transaction":"t-1"}\n',
    ),
    (
        Response(9, "web", "a-2", 200, (), Octets(b"\x01"), more=True),
        b'{"event":"response","at":9,"hop":"web","connection":"a-2","status":200,"headers":[],'
        b'"octets":"\\u0001","more":true}\n',
    ),
    (
        Ended(10, "rm", "a-1", "server", "answered"),
        b'{"event":"ended","at":10,"hop":"rm","connection":"a-1","from":"server",'
        b'"reason":"answered"}\n',
    ),
    (
        Closed(11, "rm", "a-1", "client", "lost", 12),
        b'{"event":"closed","at":11,"hop":"rm","connection":"a-1","by":"client",'
        b'"reason":"lost","unfinished":12}\n',
    ),
    (End(12, "stopped"), b'{"event":"end","at":12,"reason":"stopped"}\n'),
]


@pytest.mark.parametrize(("event", "line"), LINES, ids=[type(event).__name__ for event, _ in LINES])
def test_a_line_is_these_octets(event: Event, line: bytes) -> None:
    assert encode(event) == line
    assert encode(decode(line, 1)) == line
    assert decode(line.rstrip(b"\n"), 1) == decode(line, 1)


def test_every_octet_value_comes_back_and_none_is_bare() -> None:
    every = bytes(range(256))
    line = encode(Segment(0, "rm", "a-1", "client", Octets(every)))
    told = decode(line, 1)
    assert isinstance(told, Segment)
    assert bytes(told.octets) == every
    assert all(0x20 <= octet <= 0x7E for octet in line[:-1])
    assert json.loads(line)["octets"].encode("latin-1") == every


texts = st.text(st.characters(codec="utf-8"), max_size=8)
octets = st.binary(max_size=40).map(Octets)
counts = st.integers(0, 2**53)
sides = st.sampled_from(["client", "server"])
http = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
place: dict[str, Any] = {"at": counts, "hop": texts, "connection": texts}
events = st.one_of(
    st.builds(Opened, **place, peer=texts, own=texts, sealed=st.booleans(), tls=st.booleans()),
    st.builds(
        Segment,
        **place,
        sender=sides,
        octets=octets,
        transaction=texts,
        unread=st.booleans(),
        more=st.booleans(),
        decoded=st.just(msgspec.UNSET),
    ),
    st.builds(
        Request,
        **place,
        method=texts,
        path=texts,
        headers=http,
        octets=octets,
        cookie=texts,
        transaction=texts,
        more=st.booleans(),
        decoded=st.just(msgspec.UNSET),
    ),
    st.builds(
        Response,
        **place,
        status=counts,
        headers=http,
        octets=octets,
        cookie=texts,
        transaction=texts,
        more=st.booleans(),
        decoded=st.just(msgspec.UNSET),
    ),
    st.builds(Ended, **place, sender=sides, reason=texts),
    st.builds(
        Closed, **place, by=sides, reason=st.sampled_from(["closed", "lost"]), unfinished=counts
    ),
    st.builds(End, at=counts, reason=st.sampled_from(["stopped", "rotated"])),
)


@given(events)
def test_an_event_comes_back_from_one_line_of_ascii(event: Event) -> None:
    line = encode(event)
    assert line.index(b"\n") == len(line) - 1
    assert line.isascii()
    assert decode(line, 1) == event
    assert encode(decode(line, 1)) == line


@given(events, st.data())
def test_a_line_that_was_cut_is_none(event: Event, data: st.DataObject) -> None:
    line = encode(event)[:-1]
    cut = data.draw(st.integers(0, len(line) - 1))
    with pytest.raises(RecordingError, match=r"^line 3: is no JSON: "):
        decode(line[:cut], 3)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"hello", "line 4: is no JSON: JSON is malformed: invalid character (byte 0)"),
        (b"[]", "line 4: must be an object"),
        (b"{}", "line 4: event: missing"),
        (b'{"event":"sent"}', "line 4: event: Invalid value 'sent'"),
        (b'{"event":"end","at":1}', "line 4: reason: missing"),
        (b'{"event":"end","at":"1","reason":"stopped"}', "line 4: at: must be an integer"),
        (b'{"event":"end","at":-1,"reason":"stopped"}', "line 4: at: Expected `int` >= 0"),
        (b'{"event":"end","at":1,"reason":"tired"}', "line 4: reason: Invalid enum value 'tired'"),
        (b'{"event":"end","at":1,"reason":"stopped","why":1}', "line 4: why: no such key"),
        (
            b'{"event":"octets","at":1,"hop":"rm","connection":"a","from":"client","octets":"\xc4\x80"}',
            "line 4: octets: character 0 is beyond U+00FF, and no octet",
        ),
        (
            b'{"event":"octets","at":1,"hop":"rm","connection":"a","from":"client","octets":1}',
            "line 4: octets: must be a string",
        ),
        (
            b'{"event":"octets","at":1,"hop":"rm","connection":"a","from":"me","octets":""}',
            "line 4: from: Invalid enum value 'me'",
        ),
        (
            b'{"event":"ended","at":1,"hop":"\xff","connection":"a","from":"client"}',
            "line 4: is no JSON: 'utf-8' codec can't decode byte 0xff",
        ),
    ],
)
def test_what_is_no_line_is_named_by_line_and_key(line: bytes, said: str) -> None:
    with pytest.raises(RecordingError) as raised:
        decode(line, 4)
    assert str(raised.value).startswith(said)


def test_what_is_decoded_beside_the_octets_is_never_looked_at() -> None:
    line = LINES[4][1].replace(b'[{"octets":1}]', b'{"lies":["all",true]}')
    event = decode(line, 1)
    assert isinstance(event, Segment)
    assert event.octets == b"x"
    assert encode(event) == line


@pytest.mark.parametrize("name", SHIPPED)
def test_a_header_carries_its_profile_whole(name: str) -> None:
    profile = shipped(name)
    header = msgspec.structs.replace(HEADER, profile=msgspec.to_builtins(profile))
    line = encode(header)
    assert decode_header(line) == header
    assert encode(decode_header(line)) == line
    assert profile_of(decode_header(line)) == profile


def test_a_header_carries_the_overlay() -> None:
    text = 'extends = "default"\nname = "\xfcber"\n[overlay.parameters]\n'
    text = text.replace("[overlay.parameters]", '[[overlay.parameters]]\nmessage = "GRTL"')
    profile = load_profile(text)
    line = encode(msgspec.structs.replace(HEADER, profile=msgspec.to_builtins(profile)))
    assert line.isascii()
    assert profile_of(decode_header(line)).overlay == {"parameters": [{"message": "GRTL"}]}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            b'"format":1,"starwire":"0.1.0"',
            b'"format":2,"starwire":"7.0"',
            "line 1: format: is 2, written by starwire 7.0; this starwire reads up to 1: "
            "read it with a newer one",
        ),
        (b'"format":1', b'"format":0', "line 1: format: is 0; the first format is 1"),
        (b'"format":1', b'"format":"1"', "line 1: is not the header of a starwire recording"),
        (b'"event":"recording"', b'"event":"end"', "line 1: is not the header of a starwire"),
        (b'"part":1', b'"part":0', "line 1: part: Expected `int` >= 1"),
        (b'"run":"0f9d43fa",', b"", "line 1: run: missing"),
        (b'{"event"', b'"event"', "line 1: is not the header of a starwire recording"),
    ],
)
def test_a_header_that_cannot_be_read_says_why(old: bytes, new: bytes, said: str) -> None:
    line = encode(HEADER)
    assert old in line
    with pytest.raises(RecordingError) as raised:
        decode_header(line.replace(old, new))
    assert str(raised.value).startswith(said)


def test_a_newer_format_is_named_whatever_else_it_has() -> None:
    with pytest.raises(RecordingError, match="read it with a newer one"):
        decode_header(b'{"event":"recording","format":9,"shape":"of things to come"}')


def test_a_profile_that_cannot_be_is_named_by_its_key() -> None:
    tables = {**HEADER.profile, "common": {**HEADER.profile["common"], "serial": {"width": 9}}}
    header = msgspec.structs.replace(HEADER, profile=tables)
    with pytest.raises(RecordingError) as raised:
        profile_of(decode_header(encode(header)))
    assert str(raised.value) == "line 1: profile.common.serial.width: must be 1 to 8"
