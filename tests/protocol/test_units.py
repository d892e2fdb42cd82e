"""What one side said: the same units however its octets were cut, and why they cease."""

from collections.abc import Iterator

import pytest

from starwire.protocol.endpoints import DEFAULT_PORTS, Spoken, spoken_at
from starwire.protocol.explaining import Explainer
from starwire.protocol.frames import NEED_DATA
from starwire.protocol.profile import SHIPPED, Profile, shipped
from starwire.protocol.recording import Sender
from starwire.protocol.units import Unit, UnitError, Units, units

KEY = b"0123456789abcdef0123456789abcdef"
COMMON = (
    b"\x01\x00\x00\x00\x3d\x00" + KEY + b"\x00" + b"\x00\x00\x00\x00\x00\x00\x00\x07"
    b"\x00\x00GPL<PL_LANG>"
)
BULK = (
    b"\x01\x00\x00\x00\x4f\x00" + KEY + b"\x03" + b"\x00\x00\x00\x00\x00\x00\x00\x07"
    b"\x00\x03"
    b"\x01"
    + b"\x00\x00\x00\x00\x00\x00\x00\x09"
    + b"\x00\x00\x00\x00\x00\x00\x00\x02"
    + b"\x00\x00\x00\x00\x00\x00\x00\x07"
    + b"A<B=C"
)
WEB = (
    b"\x01" + KEY + b"\x01\x00\x00\x00\x58RM      \x00" + b" " * 28 + b"\x00" * 34 + b"GPL<PL_LANG>"
)
FETCHED = b"Z<REQ=F,ERROR=0,FSIZE=5>"


def pulled(stream: Units) -> Iterator[Unit | str]:
    try:
        while (unit := stream.pull()) is not NEED_DATA:
            yield unit
    except UnitError as error:
        yield str(error)


def said(
    spoken: Spoken, sender: Sender, *segments: bytes, profile: str = "default"
) -> list[object]:
    stream = units(spoken, sender, shipped(profile))
    told: list[object] = []
    for segment in segments:
        stream.feed(segment)
        told += pulled(stream)
        if told and isinstance(told[-1], str):
            break
    return [*told, stream.waiting]


CASES: list[tuple[Spoken, Sender, bytes, list[object]]] = [
    ("common", "client", COMMON * 2, [b"GPL<PL_LANG>", b"GPL<PL_LANG>", 0]),
    ("common", "client", COMMON + COMMON[:40], [b"GPL<PL_LANG>", 40]),
    ("common", "server", BULK, [b"A<B=C", 0]),
    ("common", "client", COMMON + b"\x02" + COMMON, [b"GPL<PL_LANG>", "version 2 is not 1", 0]),
    ("web", "client", WEB, [b"GPL<PL_LANG>", 0]),
    ("web", "server", WEB + WEB[33:], [b"GPL<PL_LANG>", b"GPL<PL_LANG>", 0]),
    ("web", "client", WEB[:20], [20]),
    ("web", "client", WEB[:60], [60]),
    ("native", "client", b"\r\nGPL<A> |GPL<B>GP", [b"GPL<A>", b"GPL<B>", 2]),
    ("native", "server", FETCHED + b"<,>>\0" + b"X<>", [FETCHED, b"X<>", 0]),
    ("native", "server", FETCHED + b"<,", [len(FETCHED) + 2]),
    ("native", "client", FETCHED + b"X<>", [FETCHED, b"X<>", 0]),
    ("native", "client", b"X<>>Y<>", [b"X<>", "octet 0", 0]),
    ("native", "server", b"Z<REQ=F,ERROR=0,FSIZE=16777217>", ["a file of 16777217 octets", 0]),
]


@pytest.mark.parametrize(("spoken", "sender", "octets", "expected"), CASES)
def test_units_are_the_same_however_they_were_cut(
    spoken: Spoken, sender: Sender, octets: bytes, expected: list[object]
) -> None:
    whole = said(spoken, sender, octets)
    assert len(whole) == len(expected)
    for told, wanted in zip(whole, expected, strict=True):
        if isinstance(told, Unit):
            assert told.data == wanted
        elif isinstance(told, str):
            assert str(wanted) in told
        else:
            assert told == wanted
    assert said(spoken, sender, *(octets[n : n + 1] for n in range(len(octets)))) == whole
    for cut in range(len(octets)):
        assert said(spoken, sender, octets[:cut], octets[cut:]) == whole


def test_a_unit_has_its_octets_whole() -> None:
    (frame, _) = said("common", "server", BULK)
    assert isinstance(frame, Unit)
    assert frame.octets == BULK
    assert [type(one).__name__ for one in frame.headers] == ["CommonHeader", "BulkHeader"]
    (post, _) = said("web", "client", WEB)
    assert isinstance(post, Unit)
    assert post.octets == WEB
    assert [type(one).__name__ for one in post.headers] == ["WebHeader", "DispatcherHeader"]
    (reply, _) = said("native", "server", FETCHED + b"<,>>\0")
    assert isinstance(reply, Unit)
    assert (reply.octets, reply.file) == (FETCHED + b"<,>>\0", b"<,>>\0")


def test_an_error_is_for_ever() -> None:
    for spoken, bad in (("common", b"\x02"), ("native", b">"), ("web", b"\x00" * 33 + b"\x02")):
        stream = units(spoken, "client", shipped("default"))  # type: ignore[arg-type]
        stream.feed(bad)
        with pytest.raises(UnitError) as first:
            stream.pull()
        stream.feed(COMMON + b"GPL<A>")
        with pytest.raises(UnitError) as second:
            stream.pull()
        assert str(first.value) == str(second.value)
        assert stream.waiting == 0


def test_every_port_says_what_is_spoken_there() -> None:
    told = {name: spoken_at(name) for name in DEFAULT_PORTS if name != "control"}
    assert told.pop("web") == "web"
    assert told.pop("dispatcher") == "dispatcher"
    native = {name for name, spoken in told.items() if spoken == "native"}
    assert native == {"jar", "rm-native", "inbox-native"}
    assert set(told.values()) == {"native", "common"}


# In words.


@pytest.fixture(params=SHIPPED)
def profile(request: pytest.FixtureRequest) -> Profile:
    return shipped(request.param)


def test_a_frame_is_explained(profile: Profile) -> None:
    codec = profile.wire.common
    header = codec.kind(profile.version, session_key="k" * 8, type=0, serial=9, status=100)
    octets = codec.frame(header, b"SRTL<\xe9,ERROR=6612,A=<B>c,A=" + b"x" * 200 + b">")
    (told,) = Explainer("common", "server", profile).feed(octets)
    assert told.headers["common"]["serial"] == 9
    assert told.words == {"type": "sync", "status": "application error"}
    assert (told.acronym, told.error, told.octets) == ("SRTL", "6612", len(octets))
    assert told.parameters == [
        ("", "\xe9"),
        ("ERROR", "6612"),
        ("A", "<B>c"),
        ("A", "x" * 117 + "..."),
    ]
    (asked,) = Explainer("common", "client", profile).feed(octets)
    assert asked.words == {"type": "sync"}, "a request's status means nothing"


def test_what_is_no_message_is_shown_as_data(profile: Profile) -> None:
    codec = profile.wire.common
    header = codec.kind(profile.version, type=2)
    (told,) = Explainer("common", "client", profile).feed(codec.frame(header, b"0" * 20))
    assert (told.acronym, told.data, told.words) == ("", "0" * 20, {"type": "poll"})


@pytest.mark.parametrize(
    ("message", "acronym", "error"),
    [
        (b"SRTL<ERROR=0,A=" + b"x" * 600 + b">", "SRTL", "0"),
        (b"SRTL<ERROR=6612,A=" + b"x" * 600 + b">", "SRTL", "6612"),
        (b"A<" + b"x" * 600 + b",ERROR=1>", "A", ""),
    ],
)
def test_a_long_message_is_explained_by_its_beginning(
    message: bytes, acronym: str, error: str
) -> None:
    (told,) = Explainer("native", "client", shipped("default")).feed(message)
    assert (told.acronym, told.error, told.parameters) == (acronym, error, [])
    assert told.data == message[:117].decode() + "..."


def test_a_long_piece_of_a_file_has_no_acronym() -> None:
    whole = BULK[:3] + b"\x04\x4f" + BULK[5:-5] + b"ABC<" + b"x" * 1025
    (told,) = Explainer("common", "server", shipped("default")).feed(whole[:0x44F])
    assert (told.acronym, told.words["operation"]) == ("", "data")


def test_a_piece_of_a_file_is_no_message_however_it_looks() -> None:
    whole = BULK[:4] + b"\x50" + BULK[5:] + b">"
    (told,) = Explainer("common", "server", shipped("default")).feed(whole)
    assert (told.acronym, told.data) == ("", "A<B=C>")
    assert told.words == {"type": "bulk", "status": "bulk", "operation": "data"}


def test_a_problem_is_told_once() -> None:
    explainer = Explainer("common", "client", shipped("default"))
    told = explainer.feed(COMMON + b"\x07\x07")
    assert [one.acronym for one in told] == ["GPL", ""]
    assert told[1].problem == "101: version 7 is not 1, in the frame at octet 61"
    assert explainer.feed(COMMON) == []
    assert explainer.waiting == 0


def test_many_parameters_are_cut() -> None:
    message = b"A<" + b",".join(b"%d=" % n for n in range(100)) + b">"
    (told,) = Explainer("native", "client", shipped("default")).feed(message)
    assert len(told.parameters) == 65
    assert told.parameters[-1] == ("", "...")
