"""The header codecs: HDR-01, HDR-02, HDR-06, HDR-10, DSP-01, WEB-02, TRN-03."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starwire.protocol.headers import (
    BulkHeader,
    CommonHeader,
    DispatcherHeader,
    WebHeader,
    mismatch_frame,
    reply_frame,
)
from starwire.protocol.layout import IntegerSlot
from starwire.protocol.packing import HeaderError
from starwire.protocol.profile import SHIPPED, load_profile, shipped
from starwire.protocol.status import MessageType, Operation, Status, Transaction

HEADERS = ("common", "dispatcher", "web", "bulk")

ODD = """
extends = "default"
name = "odd"
version = 0x010203

[common]
version = { width = 3 }
length = { width = 5, order = "little" }
echo = { width = 2, order = "little" }
session_key = { width = 9, pad = "blank" }
type = { width = 2 }
serial = { width = 7 }
status = { width = 6, order = "little" }

[dispatcher]
version = { width = 4, order = "little" }
session_key = { width = 9 }
status = { width = 8 }

[web]
transaction = { width = 8, order = "little" }
session_key = { width = 9 }
"""


def codec_of(profile, name):
    return getattr(profile.wire, name)


@pytest.mark.parametrize("name", HEADERS)
def test_literal_octets_both_ways(profile, literals, name):
    header, data, octets = literals[name]
    codec = codec_of(profile, name)
    assert codec.frame(header, data) == octets
    assert codec.encode(header) == octets[: codec.size]
    assert codec.decode(octets) == header
    assert codec.decode(b"xyz" + octets, 3) == header
    assert codec.decode(bytearray(octets)) == header
    assert octets[codec.size :] == data


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("default", (49, 76, 33, 25)), ("little", (28, 59, 17, 25))],
)
def test_sizes_of_the_shipped_profiles(name, sizes):
    wire = shipped(name).wire
    assert tuple(getattr(wire, header).size for header in HEADERS) == sizes


def test_offsets_of_the_default_common_header():
    places = [(slot.name, slot.offset, slot.width) for slot in shipped("default").wire.common.slots]
    assert places == [
        ("version", 0, 1),
        ("length", 1, 4),
        ("echo", 5, 1),
        ("session_key", 6, 32),
        ("type", 38, 1),
        ("serial", 39, 8),
        ("status", 47, 2),
    ]


@pytest.mark.parametrize("name", HEADERS)
def test_slots_are_the_fields_of_the_header_in_order(profile, name):
    codec = codec_of(profile, name)
    assert tuple(slot.name for slot in codec.slots) == codec.kind.__struct_fields__
    ends = [slot.end for slot in codec.slots]
    assert [slot.offset for slot in codec.slots] == [0, *ends[:-1]]
    assert codec.size == ends[-1]


def test_a_codec_shows_what_it_is():
    assert repr(shipped("little").wire.dispatcher) == "<dispatcher header, 59 octets>"


def test_frame_writes_the_length_over_what_the_header_says(profile):
    for codec, header in (
        (profile.wire.common, CommonHeader(1, length=7)),
        (profile.wire.dispatcher, DispatcherHeader(1, length=7)),
    ):
        frame = codec.frame(header, b"data")
        assert codec.decode(frame).length == len(frame) == codec.size + 4
        assert codec.decode(codec.encode(header)).length == 7


def test_any_width_and_order():
    wire = load_profile(ODD).wire
    header = CommonHeader(0x010203, 38, 5, "key", 3, 0x01020304050607, 0x0A0B0C)
    octets = (
        b"\x01\x02\x03"
        b"\x26\x00\x00\x00\x00"
        b"\x05\x00"
        b"key      "
        b"\x00\x03"
        b"\x01\x02\x03\x04\x05\x06\x07"
        b"\x0c\x0b\x0a\x00\x00\x00"
        b"data"
    )
    assert wire.common.frame(header, b"data") == octets
    assert wire.common.decode(octets) == header
    dispatcher = DispatcherHeader(0x010203, 62, "RM", 1, "u", "e", "k", 0x0102030405060708)
    octets = (
        b"\x03\x02\x01\x00"
        b"\x00\x00\x00\x3e"
        b"RM      "
        b"\x01"
        b"u                   "
        b"e       "
        b"k\0\0\0\0\0\0\0\0"
        b"\x01\x02\x03\x04\x05\x06\x07\x08"
    )
    assert wire.dispatcher.frame(dispatcher, b"") == octets
    assert wire.dispatcher.decode(octets) == dispatcher
    web = WebHeader(2, "k")
    octets = b"\x02\0\0\0\0\0\0\0k\0\0\0\0\0\0\0\0"
    assert wire.web.frame(web, b"") == octets
    assert wire.web.decode(octets) == web


def test_a_reader_takes_off_only_the_pad_and_only_on_the_right(profile):
    wire = profile.wire
    width = profile.common.session_key.width
    blanked = b"\x00" + b" k ".ljust(width, b"\0")
    assert wire.web.decode(blanked).session_key == " k "
    header = DispatcherHeader(1, 0, "", 0, "", "", "")
    octets = bytearray(wire.dispatcher.encode(header))
    octets[5:13] = b"  \0RM\0  "
    assert wire.dispatcher.decode(octets).target == "  \0RM\0"


def test_all_pad_is_empty(profile):
    wire = profile.wire
    assert wire.web.decode(bytes(wire.web.size)) == WebHeader(0, "")
    empty = wire.dispatcher.encode(DispatcherHeader(1))
    assert empty[5:13] == b"        "
    assert wire.dispatcher.decode(empty) == DispatcherHeader(1)


def test_every_octet_of_text_survives(profile):
    for octet in range(256):
        octets = b"\x00" + bytes([octet]) * 3 + b"."
        octets = octets.ljust(profile.wire.web.size, b"\0")
        header = profile.wire.web.decode(octets)
        assert header.session_key == chr(octet) * 3 + "."
        assert profile.wire.web.encode(header) == octets


@pytest.mark.parametrize(
    ("codec", "header", "place", "reason"),
    [
        ("common", CommonHeader(256), "common.version", "256 does not fit 1 octets"),
        ("common", CommonHeader(-1), "common.version", "-1 does not fit 1 octets"),
        ("common", CommonHeader(1, 1 << 32), "common.length", "4294967296 does not fit 4 octets"),
        ("common", CommonHeader(1, type=256), "common.type", "256 does not fit 1 octets"),
        ("common", CommonHeader(1, echo=-5), "common.echo", "-5 does not fit 1 octets"),
        ("bulk", BulkHeader(0, 1 << 64), "bulk.transfer", f"{1 << 64} does not fit 8 octets"),
        ("bulk", BulkHeader(0, 0, 0, -1), "bulk.total", "-1 does not fit 8 octets"),
        (
            "dispatcher",
            DispatcherHeader(1, target="TOOLONGER"),
            "dispatcher.target",
            "9 octets do not fit 8",
        ),
        (
            "dispatcher",
            DispatcherHeader(1, user_id="\u0100"),
            "dispatcher.user_id",
            "a character beyond ISO 8859-1",
        ),
        (
            "dispatcher",
            DispatcherHeader(1, enterprise_id="12 "),
            "dispatcher.enterprise_id",
            "ends in its own pad, b' '",
        ),
        ("web", WebHeader(0, "k\0"), "web.session_key", "ends in its own pad, b'\\x00'"),
        ("bulk", BulkHeader(1.5), "bulk.operation", "1.5 does not fit 1 octets"),
        ("web", WebHeader(999), "web.transaction", "999 does not fit 1 octets"),
    ],
)
def test_a_builder_refuses_what_the_field_cannot_carry(profile, codec, header, place, reason):
    made = codec_of(profile, codec)
    for build in (made.encode, lambda value: made.frame(value, b"")):
        if place.endswith("length") and build is not made.encode:
            continue  # frame() writes its own
        with pytest.raises(HeaderError) as caught:
            build(header)
        assert (caught.value.place, caught.value.reason) == (place, reason)
        assert str(caught.value) == f"{place}: {reason}"


def test_a_builder_refuses_an_integer_that_goes_through_as_octets():
    wire = load_profile(ODD).wire
    with pytest.raises(HeaderError, match=r"^common\.serial: 72057594037927936 does not fit 7 oct"):
        wire.common.encode(CommonHeader(1, serial=1 << 56))
    with pytest.raises(HeaderError, match=r"^common\.status: -1 does not fit 6 octets$"):
        wire.common.encode(CommonHeader(1, status=-1))


def test_a_builder_refuses_data_that_the_length_cannot_count():
    narrow = load_profile(
        'extends = "default"\nname = "narrow"\nframe_octets = 300\nbulk_frame_octets = 300\n'
        "bulk_chunk = 32\ncommon.length.width = 2\ndispatcher.length.width = 2\n"
    )
    codec = narrow.wire.common
    assert len(codec.frame(CommonHeader(1), bytes(65_535 - codec.size))) == 65_535
    with pytest.raises(HeaderError) as caught:
        codec.frame(CommonHeader(1), bytes(65_536 - codec.size))
    assert str(caught.value) == "common.length: 65536 does not fit 2 octets"


@pytest.mark.parametrize("name", HEADERS)
def test_octets_that_end_within_the_header(profile, literals, name):
    codec = codec_of(profile, name)
    octets = literals[name].octets
    for length in range(codec.size):
        with pytest.raises(HeaderError) as caught:
            codec.decode(octets[:length])
        assert str(caught.value) == f"{name}: {length} octets, the header has {codec.size}"
    with pytest.raises(HeaderError, match=f"^{name}: {codec.size - 1} octets"):
        codec.decode(octets[: codec.size + 1], 2)


@pytest.mark.parametrize("name", SHIPPED)
def test_headers_beyond_number_are_the_same_both_ways(name):
    """More different texts than a codec remembers, each seen twice."""
    wire = shipped(name).wire
    width = shipped(name).common.session_key.width
    kept = []
    for number in range(5_000):
        header = DispatcherHeader(1, 0, "RM", 0, f"U{number}", f"E{number}", f"{number:0{width}}")
        octets = wire.dispatcher.encode(header)
        assert octets.endswith(
            f"{number:0{width}}".encode() + bytes(wire.dispatcher.slots[-1].width)
        )
        kept.append((header, octets))
    random.Random(1).shuffle(kept)
    for header, octets in kept:
        assert wire.dispatcher.encode(header) == octets
        assert wire.dispatcher.decode(octets) == header


@pytest.mark.parametrize("name", SHIPPED)
def test_a_peer_cannot_make_a_codec_remember_without_end(name):
    """It chooses keys and users: 60,000 of them, both ways, leave less than 8 MiB behind."""
    codec = shipped(name).wire.web
    width = codec.size - 1
    tracemalloc.start()
    try:
        for number in range(60_000):
            codec.encode(WebHeader(0, f"{number:0{width}}"))
            codec.decode(b"\0" + b"%0*d" % (width, number))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("header", "whole"),
    [
        (CommonHeader(1), CommonHeader(1, 0, 0, "", 0, 0, 0)),
        (DispatcherHeader(1), DispatcherHeader(1, 0, "", 0, "", "", "", 0)),
        (WebHeader(1), WebHeader(1, "")),
        (BulkHeader(1), BulkHeader(1, 0, 0, 0)),
    ],
)
def test_a_header_is_a_value(header, whole):
    """What is not given is empty, and what is given stays."""
    assert header == whole
    assert hash(header) == hash(whole)
    with pytest.raises(AttributeError, match="immutable"):
        setattr(header, header.__struct_fields__[0], 2)


def headers_of(profile, name):
    """Strategy: headers whose every field fits."""
    codec = codec_of(profile, name)
    fields = {}
    for slot in codec.slots:
        if isinstance(slot, IntegerSlot):
            fields[slot.name] = st.integers(0, 256**slot.width - 1)
        else:
            octets = st.binary(max_size=slot.width).filter(
                lambda value, pad=slot.pad: not value.endswith(pad)
            )
            fields[slot.name] = octets.map(lambda value: value.decode("latin-1"))
    return st.builds(codec.kind, **fields)


@pytest.mark.parametrize("made", [*map(shipped, SHIPPED), load_profile(ODD)], ids=lambda p: p.name)
@pytest.mark.parametrize("name", HEADERS)
@given(data=st.data())
def test_what_is_encoded_is_decoded(made, name, data):
    header = data.draw(headers_of(made, name))
    codec = codec_of(made, name)
    octets = codec.encode(header)
    assert len(octets) == codec.size
    assert codec.decode(octets) == header


@pytest.mark.parametrize("made", [*map(shipped, SHIPPED), load_profile(ODD)], ids=lambda p: p.name)
@pytest.mark.parametrize("name", HEADERS)
@given(data=st.data())
def test_any_octets_are_a_header_and_come_back(made, name, data):
    codec = codec_of(made, name)
    octets = data.draw(st.binary(min_size=codec.size, max_size=codec.size))
    assert codec.encode(codec.decode(octets)) == octets


# What HDR-06 and DSP-01 prescribe for replies.


def test_mismatch_frames_are_bare_and_empty_but_for_our_version(profile):
    wire = profile.wire
    literal = {
        "default": (
            b"\x01\x00\x00\x00\x31\x00" + bytes(32) + b"\x00" + bytes(8) + b"\x00\x65",
            b"\x01\x00\x00\x00\x4c" + b" " * 8 + b"\x00" + b" " * 28 + bytes(32) + b"\x00\x66",
        ),
        "little": (
            b"\x01\x1c\x00\x00\x00\x00" + bytes(16) + b"\x00" + bytes(4) + b"\x65",
            b"\x01\x3b\x00\x00\x00" + b" " * 8 + b"\x00" + b" " * 28 + bytes(16) + b"\x66",
        ),
    }[profile.name]
    assert mismatch_frame(wire.common, profile.version, Status.VERSION) == literal[0]
    assert mismatch_frame(wire.dispatcher, profile.version, Status.LENGTH) == literal[1]


@pytest.mark.parametrize("status", [Status.OK, Status.APPLICATION_ERROR, *range(103, 112)])
def test_a_mismatch_frame_is_for_101_and_102_only(profile, status):
    with pytest.raises(ValueError, match=f"^status {int(status)} repeats fields of its request$"):
        mismatch_frame(profile.wire.common, 1, int(status))


def test_a_reply_repeats_version_key_type_and_serial(profile, literals):
    request = CommonHeader(1, 999, 1, "k", 3, 77, 5)
    frame = reply_frame(profile.wire.common, request, Status.APPLICATION_ERROR, b"Z<A>")
    assert profile.wire.common.decode(frame) == CommonHeader(1, len(frame), 0, "k", 3, 77, 100)
    assert frame.endswith(b"Z<A>")


def test_a_reply_of_a_dispatcher_repeats_version_target_and_type(profile):
    request = DispatcherHeader(1, 999, "RM", 3, "user", "ent", "key", 5)
    frame = reply_frame(profile.wire.dispatcher, request, Status.OK, b"data")
    expected = DispatcherHeader(1, len(frame), "RM", 3, "", "", "", 0)
    assert profile.wire.dispatcher.decode(frame) == expected
    assert frame.endswith(b"data")


@pytest.mark.parametrize("status", range(103, 112))
def test_103_to_111_are_bare(profile, status):
    request = CommonHeader(1, 60, 0, "k", 9, 77, 0)
    frame = reply_frame(profile.wire.common, request, status)
    size = profile.wire.common.size
    assert profile.wire.common.decode(frame) == CommonHeader(1, size, 0, "k", 9, 77, status)
    assert len(frame) == size
    with pytest.raises(ValueError, match=f"^status {status} is a bare header, without data$"):
        reply_frame(profile.wire.common, request, status, b"x")


@pytest.mark.parametrize("status", [101, 102])
def test_a_request_is_not_repeated_for_101_and_102(profile, status):
    with pytest.raises(
        ValueError, match=f"^status {status} does not answer a header that was read"
    ):
        reply_frame(profile.wire.common, CommonHeader(1), status)


def test_the_numbers_of_the_seed_and_of_protocol():
    assert [status.value for status in Status] == [0, 1, 2, 3, 4, 5, *range(100, 112)]
    assert [kind.name for kind in MessageType] == ["SYNC", "REQUEST", "POLL", "BULK"]
    assert [kind.value for kind in MessageType] == [0, 1, 2, 3]
    assert [(step.name, step.value) for step in Transaction] == [
        ("LOGON", 0),
        ("TRANSACTION", 1),
        ("LOGOFF", 2),
    ]
    assert [(operation.name, operation.value) for operation in Operation] == [
        ("OPEN", 0),
        ("DATA", 1),
        ("END", 2),
        ("CANCEL", 3),
        ("CANCELLED", 4),
        ("RESUME", 5),
    ]
