"""The layers of every seat, as literal octets under both profiles, whatever the fragmentation."""

from collections.abc import Iterator
from typing import Any

import pytest

from starwire.grammar import Limits, MetadataError
from starwire.harness.envelopes import (
    Letter,
    Reply,
    Session,
    WebEnvelope,
    envelope_for,
    logon_letter,
    session_of,
)
from starwire.harness.failures import NotAReply, NotDone
from starwire.harness.target import Target
from starwire.protocol.frames import FrameError
from starwire.protocol.headers import CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.packing import HeaderError
from starwire.protocol.profile import load_profile, shipped

SESSION = Session("0123456789abcdef", "jeanvnet2", "00022924")
KEY = b"0123456789abcdef"
LETTER = Letter(b"GRTL<IO=O>", "RM", session=SESSION, serial=4711)
BLANKS = b" " * 20

SENT = {
    ("native", "default"): b"GRTL<IO=O>",
    ("native", "little"): b"GRTL<IO=O>",
    # version, length, echo, key, type, serial, status
    ("proxy", "default"): (
        b"\x01" b"\x00\x00\x00\x3b" b"\x00" + KEY + bytes(16) + b"\x00"
        b"\x00\x00\x00\x00\x00\x00\x12\x67" b"\x00\x00" b"GRTL<IO=O>"
    ),
    ("proxy", "little"): (
        b"\x01" b"\x26\x00\x00\x00" b"\x00" + KEY
        + b"\x00" b"\x67\x12\x00\x00" b"\x00" b"GRTL<IO=O>"
    ),
    # version, length, target, type, user, enterprise, key, status
    ("dispatcher", "default"): (
        b"\x01" b"\x00\x00\x00\x56" b"RM      " b"\x00" b"jeanvnet2           " b"00022924"
        + KEY + bytes(16) + b"\x00\x00" b"GRTL<IO=O>"
    ),
    ("dispatcher", "little"): (
        b"\x01" b"\x45\x00\x00\x00" b"RM      " b"\x00" b"jeanvnet2           " b"00022924"
        + KEY + b"\x00" b"GRTL<IO=O>"
    ),
    # transaction, key; then a dispatcher header that the web server fills in
    ("https", "default"): (
        b"\x01" + KEY + bytes(16) + b"\x01" b"\x00\x00\x00\x56" b"RM      " b"\x00" + BLANKS
        + b"        " + bytes(32) + b"\x00\x00" b"GRTL<IO=O>"
    ),
    ("https", "little"): (
        b"\x01" + KEY + b"\x01" b"\x45\x00\x00\x00" b"RM      " b"\x00" + BLANKS
        + b"        " + bytes(16) + b"\x00" b"GRTL<IO=O>"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "profile"), SENT, ids="-".join)
def test_a_letter_in_its_layers(kind: str, profile: str) -> None:
    envelope = envelope_for(Target(kind, "h", 1), shipped(profile))
    assert envelope.wrap(LETTER) == SENT[kind, profile]


@pytest.mark.parametrize(("kind", "profile"), SENT, ids="-".join)
def test_the_layers_are_those_of_the_headers_sent(kind: str, profile: str) -> None:
    envelope = envelope_for(Target(kind, "h", 1), shipped(profile))
    sizes = sum(codec.size for codec in envelope.layers)
    assert SENT[kind, profile][sizes:] == b"GRTL<IO=O>"


def test_a_logon_is_a_letter_to_staroe() -> None:
    envelope = envelope_for(Target("https", "h", 1), shipped("little"))
    assert envelope.wrap(logon_letter("dorod", "interact")) == (
        b"\x00" + bytes(16) + b"\x01" b"\x5e\x00\x00\x00" b"STAROE  " b"\x00" + BLANKS
        + b"        " + bytes(16) + b"\x00" b"VUM<USERID=dorod,PASSWORD=interact>"
    )  # fmt: skip


def test_what_no_field_can_carry_is_refused() -> None:
    envelope = envelope_for(Target("dispatcher", "h", 1), shipped("default"))
    with pytest.raises(HeaderError, match=r"dispatcher\.target: 9 octets do not fit 8"):
        envelope.wrap(Letter(b"A<>", "NINECHARS"))


DATA = b"SRTL<ERROR=6827>"
COMMON = CommonHeader(1, 65, 0, "0123456789abcdef", 0, 4711, 100)
DISPATCHER = DispatcherHeader(1, 92, "RM", 0, "", "", "", 100)
WEB = WebHeader(1, "0123456789abcdef")

COME_BACK = {
    ("native", "default"): (DATA, Reply(DATA, DATA)),
    ("native", "little"): (b" \r\n\0|" + DATA, Reply(DATA, DATA)),
    ("proxy", "default"): (
        b"\x01" b"\x00\x00\x00\x41" b"\x00" + KEY + bytes(16) + b"\x00"
        b"\x00\x00\x00\x00\x00\x00\x12\x67" b"\x00\x64" + DATA,
        Reply(b"", DATA, 100, (COMMON,)),
    ),
    ("proxy", "little"): (
        b"\x01" b"\x2c\x00\x00\x00" b"\x00" + KEY + b"\x00" b"\x67\x12\x00\x00" b"\x64" + DATA,
        Reply(b"", DATA, 100, (CommonHeader(1, 44, 0, "0123456789abcdef", 0, 4711, 100),)),
    ),
    ("dispatcher", "default"): (
        b"\x01" b"\x00\x00\x00\x5c" b"RM      " b"\x00" + BLANKS + b"        " + bytes(32)
        + b"\x00\x64" + DATA,
        Reply(b"", DATA, 100, (DISPATCHER,)),
    ),
    ("dispatcher", "little"): (
        b"\x01" b"\x4b\x00\x00\x00" b"RM      " b"\x00" + BLANKS + b"        " + bytes(16)
        + b"\x64" + DATA,
        Reply(b"", DATA, 100, (DispatcherHeader(1, 75, "RM", 0, "", "", "", 100),)),
    ),
}  # fmt: skip


def cuts(octets: bytes) -> Iterator[list[bytes]]:
    """Whole, octet by octet, and in two pieces at every place."""
    yield [octets]
    yield [octets[at : at + 1] for at in range(len(octets))]
    for at in range(1, len(octets)):
        yield [octets[:at], octets[at:]]


def same(reply: Reply, expected: Reply) -> bool:
    found = (reply.data, reply.status, reply.headers)
    return found == (expected.data, expected.status, expected.headers)


@pytest.mark.parametrize(("kind", "profile"), COME_BACK, ids="-".join)
def test_a_reply_out_of_its_layers_however_it_is_cut(kind: str, profile: str) -> None:
    octets, expected = COME_BACK[kind, profile]
    for pieces in cuts(octets):
        envelope = envelope_for(Target(kind, "h", 1), shipped(profile))
        assert not isinstance(envelope, WebEnvelope)
        reader = envelope.reader()
        for piece in pieces[:-1]:
            reader.feed(piece)
            assert reader.reply() is None
        reader.feed(pieces[-1] + b"and octets behind it")
        reply = reader.reply()
        assert reply is not None
        assert same(reply, expected)
        assert reply.octets == octets.lstrip(b" \r\n\0|")


WEB_BODY = {
    "default": b"\x01" + KEY + bytes(16) + COME_BACK["dispatcher", "default"][0],
    "little": b"\x01" + KEY + COME_BACK["dispatcher", "little"][0],
}


def web(profile: str) -> WebEnvelope:
    envelope = envelope_for(Target("https", "h", 1), shipped(profile))
    assert isinstance(envelope, WebEnvelope)
    return envelope


@pytest.mark.parametrize("profile", WEB_BODY)
def test_a_reply_out_of_the_body_of_a_response(profile: str) -> None:
    reply = web(profile).unwrap(WEB_BODY[profile])
    assert reply.headers[0] == WEB
    assert reply.headers[1] == COME_BACK["dispatcher", profile][1].headers[0]
    assert (reply.status, reply.data, reply.octets) == (100, DATA, WEB_BODY[profile])
    assert reply.key == "0123456789abcdef"


@pytest.mark.parametrize("profile", WEB_BODY)
def test_a_body_that_ends_too_soon_is_no_reply(profile: str) -> None:
    whole = WEB_BODY[profile]
    reasons = set()
    for length in range(len(whole)):
        with pytest.raises(NotAReply) as refused:
            web(profile).unwrap(whole[:length])
        assert f"a body of {length} octets" in str(refused.value)
        reasons.add("holds no whole dispatcher frame" in str(refused.value))
    assert reasons == {True, False}


def test_a_body_longer_than_any_reply_is_none() -> None:
    profile = load_profile(
        'extends = "default"\nname = "small"\nframe_octets = 200\nbulk_frame_octets = 200\n'
        "bulk_chunk = 50\nlimits.octets = 100\n"
    )
    envelope = WebEnvelope(profile)
    assert envelope.longest == 233
    with pytest.raises(NotAReply, match="a body of more than 233 octets"):
        envelope.unwrap(bytes(234))


@pytest.mark.parametrize("kind", ["proxy", "dispatcher"])
def test_frames_of_another_version_are_no_reply(kind: str) -> None:
    envelope = envelope_for(Target(kind, "h", 1), shipped("default"))
    assert not isinstance(envelope, WebEnvelope)
    reader = envelope.reader()
    reader.feed(b"\x02")
    with pytest.raises(FrameError, match="version 2 is not 1"):
        reader.reply()


def test_what_can_begin_no_message_is_no_reply() -> None:
    envelope = envelope_for(Target("native", "h", 1), shipped("default"))
    assert not isinstance(envelope, WebEnvelope)
    reader = envelope.reader()
    reader.feed(b"HTTP/1.1 400 Bad>")
    with pytest.raises(MetadataError, match="octet 16"):
        reader.reply()


# Files behind a message.

FILE = b"1,2\n<3>,Z<REQ=F>\n"
FETCHED = b"Z<REQ=F,ERROR=0,INBOXID=7,FSIZE=17>" + FILE


def test_a_native_reply_has_its_file_with_it_however_it_is_cut() -> None:
    assert len(FILE) == 17
    for pieces in cuts(b"\r\n" + FETCHED):
        envelope = envelope_for(Target("native", "h", 1), shipped("default"))
        assert not isinstance(envelope, WebEnvelope)
        reader = envelope.reader()
        for piece in pieces[:-1]:
            reader.feed(piece)
            assert reader.reply() is None
        reader.feed(pieces[-1] + b"Z<")
        reply = reader.reply()
        assert reply is not None
        assert reply.octets == reply.data == FETCHED
        assert reply.split() == (FETCHED[:35], FILE)
        assert reply.message()["FSIZE"].value.scalar == "17"


@pytest.mark.parametrize(
    "message",
    [
        b"Z<REQ=F,ERROR=5104>",
        b"Z<REQ=F,ERROR=5104,FSIZE=17>",
        b"Z<REQ=L,ERROR=0,FSIZE=17>",
        b"Z<REQ=F,ERROR=0>",
        b"Z<REQ=F,ERROR=0,FSIZE=>",
        "Z<REQ=F,ERROR=0,FSIZE=²>".encode("latin-1"),
        b"SRTL<REQ=F,ERROR=0,FSIZE=17>",
    ],
)
def test_other_messages_announce_no_file(message: bytes) -> None:
    envelope = envelope_for(Target("native", "h", 1), shipped("default"))
    assert not isinstance(envelope, WebEnvelope)
    reader = envelope.reader()
    reader.feed(message)
    assert reader.reply() == Reply(message, message)


@pytest.mark.parametrize(
    ("data", "split"),
    [
        (FETCHED, (FETCHED[:35], FILE)),
        (b"Z<REQ=L,ERROR=0>", (b"Z<REQ=L,ERROR=0>", b"")),
        (b"SRTL<ERROR=0>X", (b"SRTL<ERROR=0>X", b"")),
        (b"", (b"", b"")),
        # What is no message is left whole, for whoever shows it.
        (b"Z<REQ=F", (b"Z<REQ=F", b"")),
        (b"Z" + b"<" * 65 + b">" * 65, (b"Z" + b"<" * 65 + b">" * 65, b"")),
    ],
)
def test_the_message_and_the_file_behind_it(data: bytes, split: tuple[bytes, bytes]) -> None:
    assert Reply(data, data).split() == split


def test_a_reply_is_parsed_within_the_limits_of_its_profile() -> None:
    data = b"A" + b"<" * 65 + b">" * 65
    with pytest.raises(MetadataError, match="octet 65"):
        Reply(data, data).message()
    assert Reply(data, data, limits=Limits(nesting=65)).message().acronym == "A"


# Sessions.


def replied(status: int, key: str, data: bytes) -> Reply:
    return Reply(b"", data, status, (WebHeader(0, key), DispatcherHeader(1, status=status)))


def test_a_logon_opens_a_session() -> None:
    reply = replied(0, "k" * 32, b"VUMA<ERROR=0,USERID=dorod,ENTPID=00022924>")
    assert session_of(reply) == Session("k" * 32, "dorod", "00022924")


@pytest.mark.parametrize(
    "reply",
    [
        replied(100, "", b"VUMA<ERROR=6115>"),
        replied(100, "k", b"VUMA<ERROR=6115>"),
        replied(0, "", b"VUMA<ERROR=0,USERID=dorod,ENTPID=00022924>"),
    ],
)
def test_a_refused_logon_opens_none(reply: Reply) -> None:
    assert session_of(reply) is None


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (106, "logs nobody on: status 106, unavailable"),
        (999, "logs nobody on: status 999, unknown"),
        (None, "logs nobody on: no status"),
    ],
)
def test_a_logon_that_nobody_has_judged_is_no_refusal(status: Any, told: str) -> None:
    with pytest.raises(NotDone) as refused:
        session_of(replied(status, "", b""))
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a session with no message: octet 0"),
        (b"VUMA<ERROR=0,ENTPID=00022924>", "a session without USERID"),
        (b"VUMA<ERROR=0,USERID=dorod>", "a session without ENTPID"),
    ],
)
def test_half_a_session_is_no_reply(data: bytes, reason: str) -> None:
    with pytest.raises(NotAReply) as refused:
        session_of(replied(0, "k", data))
    assert str(refused.value).startswith(reason)
