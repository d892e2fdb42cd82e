"""The trail of a process: what is recorded, when it is written, signed and kept (ENC-02)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import OperationalError
from support import Immediate, at_once
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from starwire.protocol.audit import SignedHead, Verdict, verify
from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import shipped
from starwire.servers.answering import Answer, Answerer, Hop
from starwire.servers.audit import AUDITED, Audit
from starwire.servers.audit_heads import keep_head, known_heads
from starwire.servers.store import Store, StoreError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
HOP = Hop("b-7", "192.0.2.7:4711")
WIRE = shipped("default").wire
SHA_OF_ABC = b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class Slow:
    """A database whose transactions are carried out when the test says so, or fail."""

    def __init__(self, store: Store) -> None:
        self._now = Immediate(store)
        self.waiting: list[Deferred[None]] | None = None
        self.failure: Exception | None = None
        self.asked = 0

    async def write(self, work: Callable[[Any], Any]) -> Any:
        self.asked += 1
        if self.waiting is not None:
            self.waiting.append(Deferred())
            await self.waiting[-1]
        if self.failure is not None:
            raise self.failure
        return await self._now.write(work)


class Kept:
    """An audit under test: its clock, its file, its store, and what it logs."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.reactor = Clock()
        self.database = Slow(store)
        self.logged: list[str] = []

        async def at_once_(work: Callable[[], Any]) -> Any:
            return work()

        self.audit = Audit(
            self.reactor,
            self.database,  # type: ignore[arg-type]
            folder,
            KEY,
            clock=lambda: 904034960_000_000_000 + int(self.reactor.seconds() * 1e9),
            in_thread=at_once_,
        )

    def open(self) -> None:
        at_once(self.audit.open())

    def port(self, name: str, answer: Answerer | None = None) -> Answerer:
        async def told(request: Any, hop: Hop) -> Answer:
            return Answer(b"abc", user="jeanvnet2")

        return self.audit.interpose(name, answer or told)

    def ask(self, name: str = "rm", answer: Answerer | None = None, serial: int = 42) -> Answer:
        octets = WIRE.common.frame(CommonHeader(1, serial=serial), b"GRTL<>")
        given: Answer = at_once(self.port(name, answer)(common(octets), HOP))
        return given

    @property
    def lines(self) -> list[bytes]:
        return self.audit.path.read_bytes().splitlines(keepends=True)

    @property
    def records(self) -> list[list[bytes]]:
        return [line.split(b" ") for line in self.lines[1:]]

    def verdict(self) -> Verdict:
        with self.store.read() as connection:
            [(signed, public_key)] = known_heads(connection)
        assert public_key == PUBLIC
        return verify(self.lines, [signed], PUBLIC)

    def signed(self) -> int:
        verdict = self.verdict()
        assert verdict.findings == ()
        return verdict.signed

    def close(self) -> None:
        closing = Deferred.fromCoroutine(self.audit.close())
        self.reactor.pump([0, 0.01, 5, 5])
        assert closing.called
        closing.addErrback(lambda failure: failure.raiseException())


def common(octets: bytes) -> Frame[CommonHeader]:
    return Frame(WIRE.common.decode(octets), octets, WIRE.common.size)


@pytest.fixture
def not_open(empty_store: Store, tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(empty_store, tmp_path / "state")

    def note(event: Any) -> None:
        if event.get("log_namespace") == "starwire.audit":
            kept.logged.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(note)
    yield kept
    globalLogPublisher.removeObserver(note)


@pytest.fixture
def kept(not_open: Kept) -> Kept:
    not_open.open()
    return not_open


# What is recorded.


def test_a_frame_and_its_reply_are_one_record(kept: Kept) -> None:
    assert kept.ask() == Answer(b"abc", user="jeanvnet2")
    kept.reactor.advance(0)
    [record] = kept.records
    assert record[:6] == [b"1", b"904034960000000", b"rm", b"b-7", b"42", b"jeanvnet2"]
    assert record[7] == SHA_OF_ABC


def test_a_bare_message_has_no_serial_and_no_user(kept: Kept) -> None:
    async def answer(request: bytes, hop: Hop) -> Answer:
        return Answer(b"")

    at_once(kept.port("inbox-native", answer)(b"abc", HOP))
    kept.reactor.advance(0)
    [record] = kept.records
    assert record[2:7] == [b"inbox-native", b"b-7", b"-", b"-", SHA_OF_ABC]


def test_a_frame_of_the_dispatcher_has_no_serial(kept: Kept) -> None:
    octets = WIRE.dispatcher.frame(DispatcherHeader(1, target="RM", user_id="forged"), b"GRTL<>")
    frame = Frame(WIRE.dispatcher.decode(octets), octets, WIRE.dispatcher.size)
    at_once(kept.port("dispatcher")(frame, HOP))
    kept.reactor.advance(0)
    [record] = kept.records
    assert record[2:6] == [b"dispatcher", b"b-7", b"-", b"jeanvnet2"]


def test_an_echo_is_no_transaction(kept: Kept) -> None:
    octets = WIRE.common.frame(CommonHeader(1, echo=1), b"")
    assert at_once(kept.port("rm")(common(octets), HOP)).octets == b"abc"
    kept.reactor.advance(1)
    assert kept.records == []


def test_nothing_stands_between_the_jar_and_its_answers(kept: Kept) -> None:
    async def answer(request: bytes, hop: Hop) -> Answer:
        raise AssertionError("not asked")

    assert kept.audit.interpose("jar", answer) is answer
    assert "jar" not in AUDITED


def test_a_request_that_got_no_reply_is_recorded_too(kept: Kept) -> None:
    waits: Deferred[Answer] = Deferred()

    async def answer(request: Any, hop: Hop) -> Answer:
        return await waits

    async def fail(request: Any, hop: Hop) -> Answer:
        raise ZeroDivisionError

    asked = Deferred.fromCoroutine(
        kept.port("rm", answer)(common(WIRE.common.frame(CommonHeader(1, serial=1), b"")), HOP)
    )
    asked.cancel()
    assert asked.addErrback(lambda failure: failure.trap(CancelledError)).called
    with pytest.raises(ZeroDivisionError):
        kept.ask(answer=fail, serial=2)
    kept.reactor.advance(0)
    assert [(record[4], record[5], record[7]) for record in kept.records] == [
        (b"1", b"-", b"-"),
        (b"2", b"-", b"-"),
    ]


class Frames:
    """A body of some frames."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)
        self.closed = 0

    async def next(self) -> bytes:
        return self.frames.pop(0) if self.frames else b""

    def take(self, request: Any) -> bool:
        return request == "cancel"

    def close(self) -> None:
        self.closed += 1


def test_the_reply_of_a_body_is_its_last_frame_once_it_is_out(kept: Kept) -> None:
    body = Frames(b"one", b"abc")

    async def answer(request: Any, hop: Hop) -> Answer:
        return Answer(b"", user="dorod", body=body)

    out: Any = kept.ask("inbox", answer).body
    assert out.take("cancel")
    assert not out.take("other")
    assert [at_once(out.next()) for _ in range(2)] == [b"one", b"abc"]
    kept.reactor.advance(0)
    assert kept.records == []
    assert at_once(out.next()) == b""
    out.close()
    kept.reactor.advance(0)
    [record] = kept.records
    assert (record[2], record[5], record[7], body.closed) == (b"inbox", b"dorod", SHA_OF_ABC, 1)


def test_a_body_that_was_broken_off_has_no_reply(kept: Kept) -> None:
    async def answer(request: Any, hop: Hop) -> Answer:
        return Answer(b"", body=Frames(b"abc", b"more"))

    out: Any = kept.ask("inbox", answer).body
    at_once(out.next())
    out.close()
    kept.reactor.advance(0)
    assert [record[7] for record in kept.records] == [b"-"]


# The file.


def test_records_are_written_once_for_a_turn_and_in_that_turn(kept: Kept) -> None:
    for _ in range(3):
        kept.ask()
    assert kept.records == []
    assert [call.getTime() for call in kept.reactor.getDelayedCalls()] == [0]
    kept.reactor.advance(0)
    assert [record[0] for record in kept.records] == [b"1", b"2", b"3"]


def test_each_process_has_a_file_of_its_own(empty_store: Store, tmp_path: Path) -> None:
    files = set()
    for _ in range(5):
        kept = Kept(empty_store, tmp_path)
        kept.open()
        files.add(kept.audit.path)
        assert kept.audit.path.stat().st_mode & 0o777 & ~0o640 == 0
    assert len(files) == 5
    assert set((tmp_path / "audit").iterdir()) == files


def test_a_file_that_is_there_is_never_written_into(not_open: Kept) -> None:
    not_open.audit.path.parent.mkdir(parents=True)
    not_open.audit.path.write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        not_open.open()
    assert not_open.audit.path.read_bytes() == b"theirs"


def test_while_the_file_cannot_be_written_nothing_is_answered(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.ask()
    write, room = os.write, [5]

    def full(file: int, octets: bytes) -> int:
        """As on a disk that fills up: a part is taken, then nothing."""
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        took = write(file, octets[: room[0]])
        room[0] -= took
        return took

    monkeypatch.setattr(os, "write", full)
    kept.reactor.advance(0)
    assert kept.lines[1] == kept.lines[1][:5]
    assert kept.logged == [
        f"{kept.audit.path}: No space left on device. No request is answered until it can be "
        "written; or set [audit] enabled = false"
    ]
    asked = []

    async def answer(request: Any, hop: Hop) -> Answer:
        asked.append(request)
        return Answer(b"done")

    assert kept.ask(answer=answer) == Answer(b"", close=True)
    kept.reactor.pump([0.5] * 20)
    assert (asked, len(kept.logged)) == ([], 1)
    monkeypatch.undo()
    kept.reactor.advance(1)
    assert kept.ask(answer=answer).octets == b"done"
    kept.reactor.pump([0.05] * 3)
    assert kept.logged[1:] == [f"{kept.audit.path} can be written again: requests are answered"]
    assert (kept.verdict().records, kept.signed()) == (2, 2)


# The heads.


def test_a_head_is_kept_before_the_first_request(kept: Kept) -> None:
    assert kept.verdict() == Verdict(0, 0, 0, False, False, ())


def test_without_a_first_head_nothing_starts(not_open: Kept) -> None:
    not_open.database.failure = OperationalError("INSERT", {}, Exception("disk I/O error"))
    with pytest.raises(StoreError, match="takes no head of the audit trail: "):
        not_open.open()


def test_what_is_new_is_signed_within_100_ms_and_nothing_is_done_otherwise(kept: Kept) -> None:
    kept.ask()
    kept.reactor.advance(0)
    assert kept.signed() == 0
    kept.reactor.advance(0.05)
    kept.ask()
    kept.reactor.advance(0.05)
    assert kept.signed() == 2
    assert kept.reactor.getDelayedCalls() == []
    kept.reactor.advance(100)
    kept.ask()
    kept.reactor.pump([0, 0.1])
    assert kept.signed() == 3


def test_under_load_a_head_is_signed_every_100_ms(kept: Kept) -> None:
    behind = []
    for _ in range(300):
        kept.ask()
        kept.reactor.advance(0.01)
        behind.append(kept.verdict().tail_microseconds)
    assert kept.signed() >= 280
    assert max(behind) <= 110_000


def test_a_store_that_hangs_keeps_no_answer_waiting(kept: Kept) -> None:
    kept.database.waiting = []
    for number in range(1, 101):
        assert kept.ask().octets == b"abc"
        kept.reactor.advance(0.1)
        assert len(kept.records) == number
    assert kept.verdict().signed == 0
    assert len(kept.database.waiting) == 1
    assert kept.logged == [
        "the state store takes no head of the audit trail: it does not answer. Requests are "
        f"answered and recorded in {kept.audit.path}, not signed until it does"
    ]
    waiting, kept.database.waiting = kept.database.waiting, None
    waiting[0].callback(None)
    kept.reactor.advance(0.1)
    assert kept.signed() == 100
    assert kept.logged[1:] == ["the state store takes heads of the audit trail again"]


def test_a_head_that_the_store_refused_is_tried_again(kept: Kept) -> None:
    kept.database.failure = OperationalError("UPDATE", {}, Exception("disk I/O error"))
    kept.ask()
    before = kept.database.asked
    kept.reactor.pump([0, 0.1, *[0.1] * 25])
    assert kept.database.asked - before == 3, "tried every second, not all the time"
    assert kept.signed() == 0
    assert [line.partition(":")[0] for line in kept.logged] == [
        "the state store takes no head of the audit trail"
    ]
    assert "disk I/O error. Requests are answered" in kept.logged[0]
    kept.database.failure = None
    kept.reactor.pump([1, 0.1])
    assert kept.signed() == 1


def test_no_head_is_kept_of_records_that_power_could_take(kept: Kept) -> None:
    """They are durable first."""
    done: list[str] = []

    async def in_thread(work: Callable[[], Any]) -> None:
        work()
        done.append("durable")

    async def write(work: Callable[[Any], Any]) -> None:
        done.append("kept")

    kept.audit._in_thread = in_thread
    kept.database.write = write  # type: ignore[method-assign]
    kept.ask()
    kept.reactor.pump([0, 0.1])
    assert done == ["durable", "kept"]


# The end.


def test_at_the_end_everything_is_signed_and_the_chain_is_closed(kept: Kept) -> None:
    kept.ask()
    kept.reactor.advance(0)
    kept.ask()
    kept.close()
    assert kept.verdict() == Verdict(2, 2, 0, False, True, ())
    assert kept.reactor.getDelayedCalls() == []
    kept.ask()
    kept.reactor.advance(1)
    assert len(kept.records) == 2
    assert kept.logged == []


def test_what_is_cut_off_at_the_end_is_recorded(kept: Kept) -> None:
    kept.reactor.callLater(0, kept.ask)  # as an aborted connection tells it
    kept.close()
    assert kept.verdict() == Verdict(1, 1, 0, False, True, ())


def test_a_store_that_hangs_does_not_hold_up_the_end(kept: Kept) -> None:
    kept.ask()
    kept.database.waiting = []
    kept.close()
    assert kept.verdict() == Verdict(1, 0, 0, False, False, ())
    assert kept.logged[-1].endswith("ends without its last head, and without 0 octets of records")


def test_the_end_overtakes_a_head_that_is_under_way(kept: Kept) -> None:
    kept.ask()
    kept.database.waiting = []
    kept.reactor.pump([0, 0.1])
    kept.ask()
    assert len(kept.database.waiting) == 1
    kept.database.waiting = None
    kept.close()
    assert kept.verdict() == Verdict(2, 2, 0, False, True, ())


def test_an_earlier_head_never_takes_the_place_of_a_later(kept: Kept) -> None:
    """Writers of a store may overtake each other."""

    def keep(head: SignedHead) -> None:
        with kept.store.write() as connection:
            keep_head(connection, head)

    with kept.store.read() as connection:
        [(first, _)] = known_heads(connection)
    kept.ask()
    kept.reactor.pump([0, 0.1])
    keep(first)
    assert kept.signed() == 1
    kept.close()
    keep(kept.audit._chain.head().signed(KEY))
    assert kept.verdict().final
