"""The frame reader: HDR-03, HDR-04, HDR-09, under both profiles and in every cut."""

import itertools
from time import process_time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starwire.protocol.frames import NEED_DATA, Frame, FrameError, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import SHIPPED, load_profile, shipped
from starwire.protocol.status import Status

KINDS = ("common", "dispatcher")
BULK = 3


def reader_of(profile, kind="common"):
    return FrameReader(getattr(profile.wire, kind), profile)


def small(profile):
    """The same wire with maxima that a test can pass."""
    return msgspec.structs.replace(profile, frame_octets=300, bulk_frame_octets=200, bulk_chunk=1)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def beginning(profile, version, length):
    """Version and length in literal layout: one octet, then four."""
    order = "big" if profile.name == "default" else "little"
    return bytes([version]) + length.to_bytes(4, order)


def frame_octets(profile, kind, length, frame_type=0):
    """A frame of `length` octets: version 1, all else but the type zeros."""
    place = {
        ("default", "common"): 38,
        ("little", "common"): 22,
        ("default", "dispatcher"): 13,
        ("little", "dispatcher"): 13,
    }[profile.name, kind]
    octets = bytearray(beginning(profile, 1, length).ljust(length, b"\0"))
    octets[place] = frame_type
    return bytes(octets)


def test_a_literal_frame(profile, literals, kind, read_every_way):
    header, data, octets = literals[kind]
    outcome = read_every_way(lambda: reader_of(profile, kind), octets, octets)
    assert outcome == ([Frame(header, octets, len(octets) - len(data))], None, False)
    assert outcome.events[0].data == data


def test_a_bare_header_is_a_frame(profile, kind, read_every_way):
    octets = frame_octets(profile, kind, getattr(profile.wire, kind).size)
    outcome = read_every_way(lambda: reader_of(profile, kind), octets, octets)
    assert [frame.octets for frame in outcome.events] == [octets]
    assert outcome.events[0].data == b""
    assert outcome.error is None


def test_two_frames_and_the_beginning_of_a_third(profile, literals, kind, read_every_way):
    octets = literals[kind].octets
    outcome = read_every_way(
        lambda: reader_of(profile, kind), octets + octets + octets[:-1], octets
    )
    assert [frame.octets for frame in outcome.events] == [octets, octets]
    assert outcome.error is None
    assert outcome.cut_off is True


def test_one_octet_of_a_frame_is_a_frame_cut_off(profile):
    reader = reader_of(profile)
    assert reader.cut_off is False
    reader.feed(b"\x01")
    assert reader.next_frame() is NEED_DATA
    assert reader.cut_off is True


def test_another_version_is_101_as_soon_as_its_octet_is_in(profile, kind, read_every_way):
    good = frame_octets(profile, kind, 90)
    outcome = read_every_way(lambda: reader_of(profile, kind), b"\x02", good)
    assert outcome == ([], (Status.VERSION, "version 2 is not 1", 0), False)


def test_the_version_goes_before_the_length(profile, kind, read_every_way):
    good = frame_octets(profile, kind, 90)
    bad = beginning(profile, 0, 0).ljust(100, b"\xff")
    outcome = read_every_way(lambda: reader_of(profile, kind), good + bad, good)
    assert [frame.octets for frame in outcome.events] == [good]
    assert outcome.error == (Status.VERSION, "version 0 is not 1", 90)


def test_a_length_below_the_header_is_102(profile, kind, read_every_way):
    size = getattr(profile.wire, kind).size
    good = frame_octets(profile, kind, 90)
    for length in (0, 1, size - 1):
        reason = f"length {length} is below the {size} octets of the header"
        for octets in (beginning(profile, 1, length), frame_octets(profile, kind, 90)[5:]):
            octets = beginning(profile, 1, length) + octets[5:]
            outcome = read_every_way(lambda: reader_of(profile, kind), octets, good)
            assert outcome == ([], (Status.LENGTH, reason, 0), False)


def test_a_length_over_the_maximum_is_102(profile, kind, read_every_way):
    made = small(profile)
    good = frame_octets(profile, kind, 90)
    longest = frame_octets(profile, kind, 300)
    outcome = read_every_way(
        lambda: reader_of(made, kind), longest + beginning(profile, 1, 301), good
    )
    assert [frame.octets for frame in outcome.events] == [longest]
    assert outcome.error == (Status.LENGTH, "length 301 is over 300", 300)


def test_the_shipped_maxima(profile, kind):
    for length, frame_type, reason in (
        (16_777_217, 0, "length 16777217 is over 16777216"),
        (0xFFFFFFFF, 0, "length 4294967295 is over 16777216"),
        (1_048_577, BULK, "length 1048577 of a bulk frame is over 1048576"),
    ):
        reader = reader_of(profile, kind)
        size = getattr(profile.wire, kind).size
        header = frame_octets(profile, kind, size, frame_type)[5:]
        reader.feed(beginning(profile, 1, length) + header)
        with pytest.raises(FrameError) as caught:
            reader.next_frame()
        assert (caught.value.status, caught.value.reason) == (Status.LENGTH, reason)
    for length, frame_type in ((16_777_216, 0), (1_048_577, 2), (1_048_576, BULK)):
        reader = reader_of(profile, kind)
        octets = frame_octets(profile, kind, length, frame_type)
        reader.feed(octets)
        assert reader.next_frame().octets == octets


def test_a_bulk_frame_has_a_maximum_of_its_own(profile, kind, read_every_way):
    made = small(profile)
    size = getattr(profile.wire, kind).size
    good = frame_octets(profile, kind, 200, BULK)
    bad = frame_octets(profile, kind, 201, BULK)
    outcome = read_every_way(lambda: reader_of(made, kind), good + bad[:size], good)
    assert [frame.octets for frame in outcome.events] == [good]
    assert outcome.error == (Status.LENGTH, "length 201 of a bulk frame is over 200", 200)


@pytest.mark.parametrize(
    ("version", "length", "frame_type", "judged"),
    [(2, 90, 0, 1), (1, 3, 0, 5), (1, 301, 0, 5), (1, 201, BULK, "header"), (2, 3, 0, 1)],
)
def test_each_field_is_judged_as_soon_as_it_is_in(
    profile, kind, version, length, frame_type, judged
):
    """And not before: the octet that brings the error is the last that was needed to know."""
    made = small(profile)
    size = getattr(made.wire, kind).size
    octets = beginning(made, version, length) + frame_octets(made, kind, size, frame_type)[5:]
    reader = reader_of(made, kind)
    for place in range(size):
        reader.feed(octets[place : place + 1])
        if place + 1 == (size if judged == "header" else judged):
            break
        assert reader.next_frame() is NEED_DATA
    with pytest.raises(FrameError):
        reader.next_frame()


def test_an_error_is_for_ever_and_holds_nothing(profile, literals, kind):
    octets = literals[kind].octets
    reader = reader_of(profile, kind)
    reader.feed(octets + b"\x07")
    assert reader.next_frame().octets == octets
    for _ in range(3):
        with pytest.raises(FrameError) as caught:
            reader.next_frame()
        assert caught.value.status is Status.VERSION
        assert str(caught.value) == f"version 7 is not 1, in the frame at octet {len(octets)}"
        assert reader.cut_off is False
        reader.feed(octets)


def test_many_frames_fed_before_the_first_pull(profile, literals, kind):
    octets = literals[kind].octets
    reader = reader_of(profile, kind)
    for place in range(0, len(octets) * 50, 7):
        reader.feed((octets * 50)[place : place + 7])
    found = list(itertools.takewhile(lambda got: got is not NEED_DATA, iter(reader.next_frame, 0)))
    assert [frame.octets for frame in found] == [octets] * 50


def test_pulls_and_feeds_in_turn(profile, literals):
    """One frame pulled for each octet fed, while hundreds wait."""
    octets = literals["common"].octets
    reader = reader_of(profile)
    reader.feed(octets * 300 + octets[:1])
    for place in range(1, len(octets)):
        assert reader.next_frame().octets == octets
        reader.feed(octets[place : place + 1])
    for _ in range(300 - len(octets) + 2):
        assert reader.next_frame().octets == octets
    assert reader.next_frame() is NEED_DATA
    assert reader.cut_off is False


def test_a_frame_does_not_change_with_what_arrives_later(profile, literals):
    octets = literals["common"].octets
    reader = reader_of(profile)
    reader.feed(octets[:9])
    assert reader.next_frame() is NEED_DATA
    reader.feed(octets[9:] + octets)
    first = reader.next_frame()
    reader.feed(b"\x01\xff")
    assert type(first.octets) is bytes
    assert first.octets == octets


def test_odd_widths_are_judged_when_the_field_is_in(read_every_way):
    made = load_profile(
        'extends = "default"\nname = "odd"\nversion = 513\n'
        'common.version = { width = 3, order = "little" }\ndispatcher.version.width = 2\n'
        "common.length.width = 5\n"
    )
    size = made.wire.common.size
    good = b"\x01\x02\x00" + b"\x00\x00\x00\x00" + bytes([size]) + bytes(size - 8)
    outcome = read_every_way(lambda: reader_of(made), good + b"\x01\x02\x01", good)
    assert [frame.header.version for frame in outcome.events] == [513]
    assert outcome.error == (Status.VERSION, "version 66049 is not 513", size)
    reader = reader_of(made)
    reader.feed(b"\x09\x09")
    assert reader.next_frame() is NEED_DATA


# The property, against a reader that a child could check.


def naive(made, kind, octets):
    """Frames and error of a whole stream, by the literal layout."""
    size = getattr(made.wire, kind).size
    order = "big" if made.name == "default" else "little"
    type_at = frame_octets(made, kind, size, 9).index(9)
    frames, start = [], 0
    while start < len(octets):
        rest = octets[start:]
        if rest[0] != 1:
            return frames, Status.VERSION
        if len(rest) < 5:
            break
        length = int.from_bytes(rest[1:5], order)
        if not size <= length <= 300:
            return frames, Status.LENGTH
        if len(rest) < size:
            break
        if rest[type_at] == BULK and length > 200:
            return frames, Status.LENGTH
        if len(rest) < length:
            break
        frames.append(rest[:length])
        start += length
    return frames, None


@st.composite
def streams(draw, made, kind):
    """Good frames, nearly good ones, and noise."""
    size = getattr(made.wire, kind).size
    lengths = st.integers(size - 1, 301) | st.sampled_from([200, 201, 300, size])
    types = st.integers(0, 4)
    frames = st.builds(
        lambda length, frame_type: (
            frame_octets(made, kind, max(length, size), frame_type)
            if length >= size
            else beginning(made, 1, length)
        ),
        lengths,
        types,
    )
    return b"".join(draw(st.lists(frames | st.binary(max_size=12), max_size=6)))


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_stream_in_any_cut(name, kind, data):
    """Either frames, or FrameError, never anything else; the same whatever the cut."""
    made = small(shipped(name))
    octets = data.draw(streams(made, kind))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    reader = reader_of(made, kind)
    found, status, place = [], None, None
    for start, end in itertools.pairwise([0, *cuts, len(octets)]):
        reader.feed(octets[start:end])
        if data.draw(st.booleans()) and end < len(octets):
            continue
        try:
            while (got := reader.next_frame()) is not NEED_DATA:
                found.append(got.octets)
        except FrameError as error:
            status, place = error.status, error.offset
    assert (found, status) == naive(made, kind, octets)
    read = sum(map(len, found))
    assert place == (None if status is None else read)
    assert reader.cut_off is (status is None and read < len(octets))


# The cost is linear (HDR-09): four times the octets in well below sixteen times the time.


def octet_by_octet(count):
    made = shipped("default")
    octets = frame_octets(made, "common", count)
    pieces = [octets[place : place + 1] for place in range(count)]
    start = process_time()
    reader = reader_of(made)
    for piece in pieces:
        reader.feed(piece)
        frame = reader.next_frame()
    assert frame.octets == octets
    return process_time() - start


def many_in_one_segment(count):
    made = shipped("default")
    octets = frame_octets(made, "common", 49) * (count // 4)
    start = process_time()
    reader = reader_of(made)
    reader.feed(octets[:20])
    reader.next_frame()
    reader.feed(octets[20:])
    for _ in range(count // 4):
        reader.feed(b"")
        assert reader.next_frame() is not NEED_DATA
    assert reader.cut_off is False
    return process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("work", [octet_by_octet, many_in_one_segment])
def test_time_is_linear(work):
    short = min(work(60_000) for _ in range(3))
    long = min(work(240_000) for _ in range(3))
    assert long < 9 * short


def test_headers_are_decoded_to_their_class(profile, literals):
    for kind, expected in (("common", CommonHeader), ("dispatcher", DispatcherHeader)):
        reader = reader_of(profile, kind)
        reader.feed(literals[kind].octets)
        assert type(reader.next_frame().header) is expected
