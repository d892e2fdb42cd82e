"""Taps: what is noted of a connection, and that nobody on it can tell."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped
from starwire.protocol.recording import (
    Closed,
    End,
    Ended,
    Event,
    Header,
    Opened,
    Segment,
    decode,
    profile_of,
)
from starwire.protocol.sealing import SealedLink
from starwire.servers.adapter import AnsweringFactory
from starwire.servers.answering import Answer, Hop
from starwire.servers.readers import FrameRequests, SealedRequests
from starwire.servers.reading import Reader
from starwire.servers.recorder import Recorder, TappedReader
from starwire.servers.silence import Patience
from starwire.servers.trail import Trail

PROFILE = shipped("default")
CODEC = PROFILE.wire.common
KEY = b"k" * 32


def frame(data: bytes, serial: int = 1) -> bytes:
    return CODEC.frame(CommonHeader(1, serial=serial), data)


class Wire(StringTransport):
    """A transport that notes each write, and can be closed by halves."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []
        self.calls: list[str] = []

    def write(self, data: bytes) -> None:
        self.said.append(data)

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def loseConnection(self) -> None:
        self.calls.append("loseConnection")

    def loseWriteConnection(self) -> None:
        self.calls.append("loseWriteConnection")

    def abortConnection(self) -> None:
        self.calls.append("abortConnection")

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.calls.append("registerProducer")

    def unregisterProducer(self) -> None:
        self.calls.append("unregisterProducer")


class Port:
    """A connection whose answers are its requests, or the end for `bye`."""

    def __init__(self, recorder: Recorder | None, *, sealed: bool = False) -> None:
        reader: Reader = FrameRequests(CODEC, PROFILE)
        if recorder is not None:
            reader = TappedReader(reader, recorder.tap("rm", sealed=sealed))
        if sealed:
            link = SealedLink(KEY, b"s" * 32, opens=False, longest=PROFILE.frame_octets)
            reader = SealedRequests(link, reader)
        self.clock = Clock()
        self.log = io.StringIO()
        factory = AnsweringFactory(
            "rm",
            self.clock,
            lambda: reader,
            self.answer,
            patience=Patience(100, 10),
            trail=Trail(self.log),
        )
        self.wire = Wire()
        self.protocol = factory.buildProtocol(self.wire.getPeer())
        self.protocol.makeConnection(self.wire)

    async def answer(self, request: Frame[Any], hop: Hop) -> Answer:
        if request.data == b"bug":
            raise RuntimeError("a bug")
        return Answer(frame(request.data.upper(), request.header.serial), request.data == b"bye")

    def feed(self, *segments: bytes) -> None:
        for segment in segments:
            self.protocol.dataReceived(segment)

    def close(self, error: type[Exception] = ConnectionDone) -> None:
        self.protocol.connectionLost(Failure(error()))


class Tape:
    """A recorder into a file, and the events that it noted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "x.jsonl"
        self.trail = Trail(None)
        self.recorder = Recorder(
            self.path, PROFILE, self.trail, part_octets=1 << 20, source="a test"
        )
        self.recorder.begin()

    def events(self) -> list[Event]:
        lines = self.path.read_bytes().splitlines()
        return [decode(line, number) for number, line in enumerate(lines, 1)]

    def said(self, sender: str) -> list[bytes]:
        return [
            bytes(event.octets)
            for event in self.events()
            if isinstance(event, Segment) and event.sender == sender
        ]


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path)


def in_words(event: Event) -> str:
    facts = msgspec.to_builtins(event, enc_hook=lambda octets: bytes(octets).decode("latin-1"))
    for key in ("at", "hop", "connection", "decoded"):
        facts.pop(key, None)
    return " ".join(f"{value}" for value in facts.values())


def test_the_header_says_under_what_profile_and_when(tape: Tape) -> None:
    (header,) = tape.events()
    assert isinstance(header, Header)
    assert profile_of(header) == PROFILE
    assert (header.source, header.part, header.format) == ("a test", 1, 1)
    assert header.started.endswith("Z")
    assert set(header.host) == {"system", "machine", "python"}


def test_a_connection_is_noted_from_its_opening_to_its_end(tape: Tape) -> None:
    port = Port(tape.recorder)
    port.feed(frame(b"a<>"))
    port.feed(frame(b"bye"))
    port.feed(b"more")
    port.protocol.readConnectionLost()
    port.close()
    tape.recorder.end()
    _, *events, end = tape.events()
    assert [in_words(event) for event in events] == [
        "opened 192.168.1.1:54321 10.0.0.1:12345",
        f"octets client {frame(b'a<>').decode('latin-1')}",
        f"octets server {frame(b'A<>').decode('latin-1')}",
        f"octets client {frame(b'bye').decode('latin-1')}",
        f"octets server {frame(b'BYE').decode('latin-1')}",
        "ended server answered",
        "octets client more True",
        "ended client",
        "closed server closed",
    ]
    assert isinstance(end, End)
    assert end.reason == "stopped"
    places = {(event.hop, event.connection) for event in events if not isinstance(event, End)}
    assert len(places) == 1
    times = [event.at for event in events if not isinstance(event, Header)]
    assert times == sorted(times)


def test_octets_stand_in_the_pieces_in_which_they_came(tape: Tape) -> None:
    octets = frame(b"a<>") + frame(b"b<>")
    pieces = [octets[n : n + 1] for n in range(60)] + [octets[60:]]
    Port(tape.recorder).feed(*pieces)
    assert tape.said("client") == pieces
    assert tape.said("server") == [frame(b"A<>"), frame(b"B<>")]


def test_what_is_decoded_stands_where_it_became_whole(tape: Tape) -> None:
    octets = frame(b"GRTL<IO=O>")
    Port(tape.recorder).feed(octets[:7], octets[7:])
    first, second, _ = [event for event in tape.events() if isinstance(event, Segment)]
    assert first.decoded is msgspec.UNSET
    assert isinstance(second.decoded, msgspec.Raw)
    (told,) = msgspec.json.decode(second.decoded)
    assert (told["acronym"], told["parameters"]) == ("GRTL", [["IO", "O"]])


ENDINGS: list[tuple[Callable[[Port], None], list[str]]] = [
    (lambda port: port.close(ConnectionLost), ["closed client lost"]),
    (lambda port: port.close(ConnectionAborted), ["closed server aborted"]),
    (lambda port: port.close(), ["closed client closed"]),
    (
        lambda port: (port.feed(frame(b"a<>")[:9]), port.close(ConnectionLost))[0],
        ["closed client lost 9"],
    ),
    (
        lambda port: (port.protocol.readConnectionLost(), port.close())[0],
        ["ended client", "ended server the client ended", "closed client closed"],
    ),
    (
        lambda port: (port.clock.advance(100), port.close())[0],
        ["ended server silent for 100 seconds", "closed server closed"],
    ),
    (
        lambda port: (port.feed(b"\x09"), port.close())[0],
        [
            "ended server version 9 is not 1, in the frame at octet 0",
            "closed server closed",
        ],
    ),
]


@pytest.mark.parametrize(("happens", "noted"), ENDINGS)
def test_who_ended_and_why(tape: Tape, happens: Callable[[Port], None], noted: list[str]) -> None:
    happens(Port(tape.recorder))
    told = [in_words(one) for one in tape.events() if isinstance(one, Ended | Closed)]
    assert told == noted


def test_refused_octets_are_noted_as_all_others(tape: Tape) -> None:
    port = Port(tape.recorder)
    port.feed(frame(b"a<>") + b"\x09 and more", b"and more")
    assert tape.said("client") == [frame(b"a<>") + b"\x09 and more", b"and more"]
    (_, _, _, unread) = [one for one in tape.events() if isinstance(one, Segment)]
    assert unread.unread


SCRIPT = [frame(b"a<>"), frame(b"b<>")[:5], frame(b"b<>")[5:] + frame(b"bye"), b"behind"]


@pytest.mark.parametrize("sealed", [False, True])
def test_the_peer_sees_no_difference(tape: Tape, sealed: bool) -> None:
    transcripts = []
    for recorder in (tape.recorder, None):
        port = Port(recorder, sealed=sealed)
        segments = SCRIPT
        if sealed:
            link = SealedLink(KEY, b"c" * 32, opens=True, longest=PROFILE.frame_octets)
            link.feed(b"s" * 32)
            assert link.ready
            octets = [link.seal(frame(b"a<>")), link.seal(frame(b"bye"))]
            segments = [link.greeting + octets[0][:9], octets[0][9:] + octets[1], b"behind"]
        port.feed(*segments)
        port.close()
        transcripts.append((port.wire.said, port.wire.calls, port.log.getvalue()))
    assert transcripts[0] == transcripts[1]
    assert transcripts[0][0]


def test_of_a_sealed_link_the_frames_are_noted(tape: Tape) -> None:
    port = Port(tape.recorder, sealed=True)
    link = SealedLink(KEY, b"c" * 32, opens=True, longest=PROFILE.frame_octets)
    link.feed(b"s" * 32)
    assert link.ready
    record = link.seal(frame(b"a<>"))
    port.feed(link.greeting, record[:20], record[20:], b"\x00\x00\x00\x11" + b"?" * 17, b"late")
    opened = tape.events()[1]
    assert isinstance(opened, Opened)
    assert opened.sealed
    assert tape.said("client") == [frame(b"a<>")]
    assert tape.said("server") == [frame(b"A<>")]
    assert in_words(tape.events()[-1]) == "ended server a record that does not authenticate"


def test_what_is_open_when_the_server_stops_is_closed(tape: Tape) -> None:
    Port(tape.recorder)
    tape.recorder.end()
    told = [in_words(one) for one in tape.events()[2:-1]]
    assert told == ["ended server the server stops", "closed server aborted"]


def test_the_transaction_for_which_a_peer_connected_is_noted(tape: Tape) -> None:
    tape.trail.opened("192.168.1.1:54321", "t-7")
    Port(tape.recorder).feed(frame(b"a<>"))
    told = [event.transaction for event in tape.events() if isinstance(event, Segment)]
    assert told == ["t-7", "t-7"]


def test_a_lost_disk_leaves_the_wire_alone(tape: Tape) -> None:
    port = Port(tape.recorder)
    tape.recorder._files._give_up("No space left on device")
    port.feed(frame(b"a<>"))
    assert port.wire.said == [frame(b"A<>")]
    assert tape.recorder.failure == f"{tape.path}: No space left on device"
    assert tape.said("client") == []
    tape.recorder.end()


def test_connections_of_two_runs_have_different_names(tmp_path: Path) -> None:
    names = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        tape = Tape(tmp_path / folder)
        Port(tape.recorder)
        opened = tape.events()[1]
        assert isinstance(opened, Opened)
        names.add(opened.connection)
    assert len(names) == 2
