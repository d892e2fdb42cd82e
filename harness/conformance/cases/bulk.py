"""Bulk transfers: open, data, end, cancel, resume (TRN-03, TRN-04, WEB-08)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from starwire.protocol.layout import IntegerSlot
from starwire.protocol.profile import Profile

from ...transcript import Draft, Received, unpacked
from ..case import case
from ..connection import Connection
from ..expecting import Ending, Expectation, satisfies, status
from ..peer import Peer

_BULK = ("rm", "inbox")
_OPENED = ("inbox", "rm", "dispatcher", "web")
OPEN, DATA, END, CANCEL, CANCELLED, RESUME = range(6)
_FILE = bytes(range(256)) * 1000
"""A file of several frames: 256,000 octets."""


class Run(msgspec.Struct):
    """The frames of a run, taken apart."""

    frames: list[Received]
    headers: list[dict[str, Any]]
    payload: bytes
    digest: bytes = b""

    @property
    def transfer(self) -> int:
        number: int = self.headers[0]["transfer"]
        return number


def bulk_header(
    peer: Peer, operation: int, transfer: int = 0, offset: int = 0, *, total: int = 0
) -> bytes:
    """The octets at the front of the data of a client's frame."""
    values = {"operation": operation, "transfer": transfer, "offset": offset, "total": total}
    octets = b""
    for slot in peer.profile.wire.bulk.slots:
        assert isinstance(slot, IntegerSlot)
        octets += values[slot.name].to_bytes(slot.width, slot.order)
    return octets


def frame(
    peer: Peer,
    operation: int,
    message: bytes = b"",
    *,
    transfer: int = 0,
    offset: int = 0,
    **f: Any,
) -> Draft:
    """A client's frame of type 3."""
    if peer.place in ("dispatcher", "web"):
        f.setdefault("target", "INBOX" if message[:2] in (b"F<", b"") else "RM")
    octets = bulk_header(peer, operation, transfer, offset) + message
    return peer.request(octets, type=3, **f)


def wrapped(peer: Peer, message: bytes) -> Draft:
    """A frame that opens a transfer of what a message asks for."""
    return frame(peer, OPEN, message)


def opening(peer: Peer, octets: bytes = _FILE, **f: Any) -> tuple[Draft, bytes]:
    """A frame that opens a transfer, and what it has to give: a file where there is an Inbox."""
    if peer.place == "rm":
        message = peer.grounds.good("GRTL")
        return frame(peer, OPEN, message, **f), peer.ask(peer.request(message)).data
    item = peer.grounds.item(octets=octets)
    return frame(peer, OPEN, b"F<INBOXID=%b>" % item.encode(), **f), octets


def run(peer: Peer, line: Connection, *, limit: int = 10_000) -> Run:
    """All frames of a run, up to its last. Departs where one has no bulk header."""
    made = Run([], [], b"")
    for _ in range(limit):
        reply = line.expect(_with_header(peer))
        size = peer.profile.wire.bulk.size
        header = unpacked(peer.profile, "bulk", reply.data)
        made.frames.append(reply)
        made.headers.append(header)
        if reply.status == 3:
            made.payload += reply.data[size:]
            continue
        made.digest = reply.data[size:]
        return made
    raise AssertionError("a run without an end")


def _with_header(peer: Peer) -> Expectation:
    size = peer.profile.wire.bulk.size

    def holds(reply: Received) -> bool:
        return reply.status in (3, 4, 5, 100) and len(reply.data) >= size

    return satisfies("a frame with a bulk header", holds, "status")


def _fetched(peer: Peer, octets: bytes = _FILE) -> tuple[Run, bytes]:
    draft, wanted = opening(peer, octets)
    line = peer.connect()
    line.send(draft)
    return run(peer, line), wanted


@case("bulk.whole", rules="TRN-03", places=_OPENED, rests="WEB-08")
def whole(peer: Peer) -> None:
    """The payloads of a run are the source, octet for octet, and its last frame has status 4."""
    got, wanted = _fetched(peer)
    peer.must(got.frames[-1].status == 4, "status 4 at the end", f"{got.frames[-1].status}")
    peer.must(
        got.payload == wanted, f"{len(wanted)} octets", f"{len(got.payload)} octets or others"
    )


@case("bulk.data", rules="TRN-03", places=_OPENED, after="bulk.whole")
def data_frames(peer: Peer) -> None:
    """Data frames have operation 1 and rising offsets without a gap."""
    got, _ = _fetched(peer)
    at, size = 0, peer.profile.wire.bulk.size
    for reply, header in zip(got.frames[:-1], got.headers, strict=False):
        place = (header["operation"], header["offset"])
        peer.must(place == (DATA, at), f"operation 1 at {at}", f"operation and offset {place}")
        at += len(reply.data) - size


@case("bulk.total", rules="TRN-03", places=_OPENED, after="bulk.whole")
def total_everywhere(peer: Peer) -> None:
    """Every frame of a run tells the whole size as the total."""
    got, wanted = _fetched(peer)
    totals = {header["total"] for header in got.headers}
    peer.must(totals == {len(wanted)}, f"total {len(wanted)}", f"totals {sorted(totals)}")


@case("bulk.transfer-id", rules="TRN-03", places=_OPENED, after="bulk.whole")
def one_transfer(peer: Peer) -> None:
    """Every frame of a run tells the one transfer id, which is not 0."""
    got, _ = _fetched(peer)
    ids = {header["transfer"] for header in got.headers}
    peer.must(len(ids) == 1 and 0 not in ids, "one transfer id, not 0", f"{sorted(ids)}")


@case("bulk.ids-differ", rules="TRN-03", places=_BULK, after="bulk.whole")
def own_id(peer: Peer) -> None:
    """Every transfer has an id of its own."""
    one, two = _fetched(peer)[0], _fetched(peer)[0]
    peer.must(one.transfer != two.transfer, "two transfer ids", f"{one.transfer} twice")


@case("bulk.end", rules="TRN-03", places=_OPENED, after="bulk.whole")
def end_frame(peer: Peer) -> None:
    """The end has operation 2, an offset equal to the total, and 32 octets of payload."""
    got, wanted = _fetched(peer)
    last = got.headers[-1]
    place = (last["operation"], last["offset"], len(got.digest))
    expected = f"operation 2, offset {len(wanted)}, a digest of 32 octets"
    peer.must(place == (END, len(wanted), 32), expected, f"{place}")


@case("bulk.digest", rules="TRN-03", places=_OPENED, after="bulk.whole")
def digest(peer: Peer) -> None:
    """The digest is the SHA-256 of the whole source."""
    got, wanted = _fetched(peer)
    expected = hashlib.sha256(wanted).hexdigest()
    peer.must(got.digest.hex() == expected, expected, got.digest.hex())


@case("bulk.digest-literally", rules="TRN-03", places=("inbox",), after="bulk.whole")
def digest_literally(peer: Peer) -> None:
    """The file `44,30` ends with the digest of the specification's example."""
    got, _ = _fetched(peer, b"44,30")
    peer.must(got.payload == b"44,30", "44,30", f"{got.payload!r}")
    start = "5fb59fdfbd1f483d5944ee08a6939c490ea4c6bd0a30"
    peer.must(got.digest.hex().startswith(start), f"{start}..", got.digest.hex())


@case("bulk.chunk", rules="TRN-03", places=_OPENED, after="bulk.whole")
def chunk(peer: Peer) -> None:
    """No data frame has more payload than the profile's chunk."""
    got, _ = _fetched(peer)
    most = max(len(reply.data) for reply in got.frames) - peer.profile.wire.bulk.size
    peer.must(most <= peer.profile.bulk_chunk, f"at most {peer.profile.bulk_chunk}", f"{most}")


@case("bulk.serial", rules="TRN-03", places=_BULK, after="bulk.whole")
def serial(peer: Peer) -> None:
    """All frames of a run have the serial of the request that they answer."""
    draft, _ = opening(peer)
    line = peer.connect()
    line.send(draft)
    serials = {reply.fields["serial"] for reply in run(peer, line).frames}
    peer.must(serials == {draft.values["serial"]}, f"{draft.values['serial']}", f"{serials}")


@case("bulk.open-behind", rules="TRN-03", places=_BULK, after="bulk.whole")
def connection_stays(peer: Peer) -> None:
    """Behind the last frame of a run the connection is served on."""
    draft, _ = opening(peer)
    line = peer.connect()
    line.send(draft)
    run(peer, line)
    peer.still_served(line)


@case("bulk.empty", rules="TRN-03", places=("inbox",), after="bulk.whole")
def empty_source(peer: Peer) -> None:
    """A source of 0 octets has the end only, with the digest of nothing."""
    got, _ = _fetched(peer, b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    peer.must(len(got.frames) == 1, "one frame", f"{len(got.frames)} frames")
    peer.must(got.digest.hex() == empty, empty, got.digest.hex())


@case("bulk.error", rules="TRN-03", places=_BULK)
def message_in_error(peer: Peer) -> None:
    """A message in error is answered with one end frame of status 100 and its response message."""
    line = peer.connect()
    line.send(frame(peer, OPEN, b"QQQ<>"))
    got = run(peer, line)
    header = got.headers[0]
    facts = (got.frames[0].status, header["operation"], header["transfer"])
    numbers = (header["offset"], header["total"])
    peer.must(
        (*facts, *numbers) == (100, END, 0, 0, 0), "100, end, all else 0", f"{facts} {numbers}"
    )
    wanted = b"Z<REQ=QQQ,ERROR=5103>" if peer.place == "inbox" else b"QQQ<ERROR=6104>"
    peer.must(got.digest == wanted, repr(wanted), repr(got.digest))


# ---- resume --------------------------------------------------------------------------------------


def _resumed(peer: Peer, offset: int, **f: Any) -> tuple[Run, bytes, int]:
    first, wanted = _fetched(peer)
    line = peer.connect()
    line.send(frame(peer, RESUME, transfer=first.transfer, offset=offset, **f))
    return run(peer, line), wanted, first.transfer


@case("bulk.resume.middle", rules="TRN-03", places=_OPENED, after="bulk.whole")
def resumed_in_the_middle(peer: Peer) -> None:
    """A resume sends the source from the wanted offset on."""
    got, wanted, _ = _resumed(peer, 101)
    peer.must(got.headers[0]["offset"] == 101, "offset 101", f"{got.headers[0]['offset']}")
    peer.must(got.payload == wanted[101:], "the octets from 101 on", f"{len(got.payload)} others")


@case("bulk.resume.id", rules="TRN-03", places=_BULK, after="bulk.whole")
def resumed_under_its_id(peer: Peer) -> None:
    """A resumed transfer keeps its id."""
    got, _, transfer = _resumed(peer, 101)
    peer.must(got.transfer == transfer, f"transfer {transfer}", f"{got.transfer}")


@case("bulk.resume.digest", rules="TRN-03", places=_OPENED, after="bulk.whole")
def digest_of_the_whole(peer: Peer) -> None:
    """After a resume too the digest is that of the whole."""
    got, wanted, _ = _resumed(peer, 101)
    expected = hashlib.sha256(wanted).hexdigest()
    peer.must(got.digest.hex() == expected, expected, got.digest.hex())


@case("bulk.resume.end", rules="TRN-03", places=_BULK, after="bulk.whole")
def resumed_at_the_end(peer: Peer) -> None:
    """A resume at the total gives the end alone."""
    first, wanted = _fetched(peer)
    line = peer.connect()
    line.send(frame(peer, RESUME, transfer=first.transfer, offset=len(wanted)))
    got = run(peer, line)
    peer.must(len(got.frames) == 1, "one frame", f"{len(got.frames)} frames")


@case("bulk.resume.beyond", rules="TRN-03", places=_BULK, after="bulk.whole")
def resumed_beyond(peer: Peer) -> None:
    """An offset beyond the total is 110."""
    first, wanted = _fetched(peer)
    draft = frame(peer, RESUME, transfer=first.transfer, offset=len(wanted) + 1)
    peer.ask(draft, status(110))


@case("bulk.resume.unknown", rules="TRN-03", places=_BULK)
def unknown_transfer(peer: Peer) -> None:
    """A transfer that nobody was given is 108, to resume and to cancel."""
    number = (1 << 8 * peer.profile.wire.bulk.integer("transfer").width) - 2
    peer.ask(frame(peer, RESUME, transfer=number), status(108))
    peer.ask(frame(peer, CANCEL, transfer=number), status(108))


@case("bulk.resume.another-user", rules="TRN-03", places=_BULK, after="bulk.whole")
def another_user(peer: Peer) -> None:
    """Another user's transfer is 108, to resume and to cancel."""
    first, _ = _fetched(peer)
    for operation in (RESUME, CANCEL):
        draft = frame(peer, operation, transfer=first.transfer, use="other")
        peer.ask(draft, status(108))


@case("bulk.resume.elsewhere", rules="TRN-03", places=("dispatcher",), after="bulk.whole")
def at_another_target(peer: Peer) -> None:
    """A transfer that was opened at one target is unknown at every other: 108."""
    first, _ = _fetched(peer)
    peer.ask(frame(peer, RESUME, transfer=first.transfer, target="RM"), status(108))


@case("bulk.resume.session", rules="TRN-03", places=_BULK, after="bulk.whole session.several")
def in_another_session(peer: Peer) -> None:
    """Another session of the same user may resume."""
    got, wanted, _ = _resumed(peer, 7, key=peer.new_key())
    peer.must(got.payload == wanted[7:], "the octets from 7 on", f"{len(got.payload)} others")


@case(
    "bulk.resume.old",
    rules="TRN-03",
    places=_BULK,
    after="bulk.whole session.several",
    takes=90_000.0,
)
def after_a_day(peer: Peer) -> None:
    """After 24 hours a transfer that has ended is unknown: 108."""
    first, _ = _fetched(peer)
    peer.pass_time(25.1 * 3600)
    draft = frame(peer, RESUME, transfer=first.transfer, key=peer.new_key())
    peer.ask(draft, status(108))


@case(
    "bulk.resume.kept",
    rules="TRN-03",
    places=_BULK,
    after="bulk.whole session.several",
    takes=86_000.0,
)
def within_a_day(peer: Peer) -> None:
    """For 24 hours a transfer that has ended may be resumed."""
    first, wanted = _fetched(peer)
    peer.pass_time(23.9 * 3600)
    line = peer.connect()
    line.send(frame(peer, RESUME, transfer=first.transfer, key=peer.new_key()))
    peer.must(run(peer, line).payload == wanted, "the whole again", "something else")


@case("bulk.resume.once", rules="TRN-03", places=("rm",), after="bulk.whole")
def done_once(peer: Peer) -> None:
    """The answer to a message is made once: a resume sends the same octets and does nothing."""
    line = peer.connect()
    line.send(frame(peer, OPEN, peer.grounds.good("ARD")))
    first = run(peer, line)
    line.send(frame(peer, RESUME, transfer=first.transfer))
    again = run(peer, line)
    peer.must(again.payload == first.payload, repr(first.payload), repr(again.payload))


# ---- form ----------------------------------------------------------------------------------------


@case("bulk.operation", rules="TRN-03", places=_BULK)
def unknown_operation(peer: Peer) -> None:
    """An operation that is none of a client's is 110."""
    for operation in (DATA, END, CANCELLED, 6, 255):
        peer.ask(frame(peer, operation, b"GRTL<>"), status(110))


@case("bulk.short", rules="TRN-03", places=_BULK)
def no_bulk_header(peer: Peer) -> None:
    """Less data than a bulk header is 110."""
    for count in (0, 1, peer.profile.wire.bulk.size - 1):
        peer.ask(peer.request(bytes(count), type=3), status(110))


@case("bulk.unused", rules="TRN-03", places=_BULK, after="bulk.whole")
def unused_fields(peer: Peer) -> None:
    """Fields that a client's frame has as 0 are not looked at."""
    draft, wanted = opening(peer)
    noise = bulk_header(peer, OPEN, 7, 9)
    line = peer.connect()
    line.send(draft.but(data=noise + draft.data[len(noise) :]))
    peer.must(run(peer, line).payload == wanted, "the source", "something else")


@case("bulk.unused-in-cancel", rules="TRN-03", places=_BULK, after="bulk.cancel.ended")
def unused_fields_of_a_cancel(peer: Peer) -> None:
    """Fields that a cancel has as 0 are not looked at, nor what stands behind its header."""
    first, _ = _fetched(peer)
    draft = frame(peer, CANCEL, transfer=first.transfer)
    noise = bulk_header(peer, CANCEL, first.transfer, 7, total=9)
    peer.ask(draft.but(data=noise + b"and more"), status(5))


@case("bulk.session", rules="HDR-11", places=_BULK)
def needs_a_session(peer: Peer) -> None:
    """A transfer needs a session as all others do: 105."""
    peer.ask(frame(peer, OPEN, b"GRTL<>", key="f" * 16), status(105))


# ---- cancel --------------------------------------------------------------------------------------


def _cancelled(peer: Peer, line: Connection) -> dict[str, Any]:
    """The bulk header of a cancelled frame, data frames under way before it aside."""
    got = run(peer, line)
    last = got.frames[-1].status
    peer.must(last == 5, "a cancelled frame, status 5", f"status {last}")
    return got.headers[-1]


@case("bulk.cancel.ended", rules="TRN-03", places=_BULK, after="bulk.whole")
def cancel_behind_the_end(peer: Peer) -> None:
    """A cancel of a transfer that runs no more has its cancelled frame: operation 4, the id."""
    first, wanted = _fetched(peer)
    line = peer.connect()
    line.send(frame(peer, CANCEL, transfer=first.transfer))
    header = _cancelled(peer, line)
    facts = (header["operation"], header["transfer"], header["offset"], header["total"])
    expected = (CANCELLED, first.transfer, len(wanted), len(wanted))
    peer.must(facts == expected, f"{expected}", f"{facts}")


@case("bulk.cancel.serial", rules="TRN-03", places=_BULK, after="bulk.whole")
def cancel_has_its_serial(peer: Peer) -> None:
    """The answer to a cancel on another connection has the serial of the cancel."""
    first, _ = _fetched(peer)
    draft = frame(peer, CANCEL, transfer=first.transfer)
    reply = peer.ask(draft, status(5))
    serial = reply.fields["serial"]
    peer.must(serial == draft.values["serial"], f"{draft.values['serial']}", f"{serial}")


@case("bulk.cancel.resumed", rules="TRN-03", places=_BULK, after="bulk.whole")
def resumed_behind_a_cancel(peer: Peer) -> None:
    """A transfer that was cancelled may be resumed."""
    first, wanted = _fetched(peer)
    peer.ask(frame(peer, CANCEL, transfer=first.transfer), status(5))
    line = peer.connect()
    line.send(frame(peer, RESUME, transfer=first.transfer))
    peer.must(run(peer, line).payload == wanted, "the whole again", "something else")


# ---- while it runs -------------------------------------------------------------------------------

_MOMENT = 0.05
"""Seconds in which a cancel arrives, though nothing is read."""
_LARGE = 12_000_000
"""Octets of a file that no buffers between the two can swallow."""


def _running(peer: Peer) -> tuple[Connection, Draft, dict[str, Any]]:
    """A run whose reader has taken one frame, and takes no more for now."""
    item = peer.grounds.item(octets=bytes(_LARGE))
    draft = frame(peer, OPEN, b"F<INBOXID=%b>" % item.encode())
    line = peer.connect()
    line.send(draft)
    first = line.expect(status(3))
    return line, draft, unpacked(peer.profile, "bulk", first.data)


def _cut_off(peer: Peer, line: Connection) -> tuple[Received, int]:
    """The last frame of a run that ends before its time, and the offset behind what was sent."""
    rest = run(peer, line)
    last, size = rest.frames[-1], peer.profile.wire.bulk.size
    peer.must(last.status == 5, "a cancelled frame, status 5", f"status {last.status}")
    sent = sum(len(reply.data) - size for reply in rest.frames[:-1])
    return last, rest.headers[0]["offset"] + sent


@case(
    "bulk.cancel.running", rules="TRN-03 TRN-04", places=("inbox", "dispatcher"), after="bulk.whole"
)
def cancelled_on_its_connection(peer: Peer) -> None:
    """A cancel on the run's connection ends it with one cancelled frame, under the run's serial."""
    line, draft, first = _running(peer)
    line.send(frame(peer, CANCEL, transfer=first["transfer"]))
    peer.pass_time(_MOMENT)
    last, _ = _cut_off(peer, line)
    if peer.spoken == "common":
        serial = last.fields["serial"]
        peer.must(serial == draft.values["serial"], f"{draft.values['serial']}", f"{serial}")
    peer.still_served(line)


@case("bulk.cancel.offset", rules="TRN-03 TRN-04", places=("inbox",), after="bulk.cancel.running")
def cancelled_frame_tells_how_far(peer: Peer) -> None:
    """The cancelled frame tells the offset of the first octet that the run did not send."""
    line, _, first = _running(peer)
    line.send(frame(peer, CANCEL, transfer=first["transfer"]))
    peer.pass_time(_MOMENT)
    last, sent = _cut_off(peer, line)
    header = unpacked(peer.profile, "bulk", last.data)
    facts = (header["offset"], header["total"])
    peer.must(facts == (sent, _LARGE), f"offset {sent}, total {_LARGE}", f"{facts}")


@case("bulk.cancel.elsewhere", rules="TRN-03 TRN-04", places=("inbox",), after="bulk.whole")
def cancelled_from_elsewhere(peer: Peer) -> None:
    """A cancel on another connection is answered there, and ends the run: each its own serial."""
    line, draft, first = _running(peer)
    cancel = frame(peer, CANCEL, transfer=first["transfer"])
    answer = peer.ask(cancel, status(5))
    last, _ = _cut_off(peer, line)
    serials = (answer.fields["serial"], last.fields["serial"])
    wanted = (cancel.values["serial"], draft.values["serial"])
    peer.must(serials == wanted, f"serials {wanted}", f"{serials}")


@case("bulk.two-at-once", rules="TRN-03 TRN-04", places=("inbox",), after="bulk.cancel.running")
def two_at_once(peer: Peer) -> None:
    """A run whose reader takes nothing keeps no other waiting."""
    line, _, _ = _running(peer)
    got, wanted = _fetched(peer)
    peer.must(got.payload == wanted, f"{len(wanted)} octets", f"{len(got.payload)} or others")
    line.close()


@case("bulk.resume.running", rules="TRN-03 TRN-04", places=("inbox",), after="bulk.whole")
def resumed_while_it_runs(peer: Peer) -> None:
    """Resuming a transfer that runs ends the older run with a cancelled frame."""
    line, _, first = _running(peer)
    other = peer.connect()
    other.send(frame(peer, RESUME, transfer=first["transfer"], offset=_LARGE - 10))
    peer.must(len(run(peer, other).payload) == 10, "10 octets", "others")
    _cut_off(peer, line)


@case("bulk.resume.restarted", rules="TRN-03", places=_BULK, after="bulk.whole", alone=True)
def resumed_behind_a_restart(peer: Peer) -> None:
    """A transfer may be resumed when the proxy was killed and started again."""
    first, wanted = _fetched(peer)
    peer.restart()
    line = peer.connect()
    line.send(frame(peer, RESUME, transfer=first.transfer, offset=3))
    peer.must(run(peer, line).payload == wanted[3:], "the octets from 3 on", "others")


# ---- a reader that does not read -----------------------------------------------------------------


@case(
    "bulk.reader.waited-for", rules="TRN-04 TRN-03", places=("inbox",), after="bulk.cancel.running"
)
def reader_is_waited_for(peer: Peer) -> None:
    """A reader that stops reading stops the sender: what a run sends meanwhile is no whole file."""
    line, _, first = _running(peer)
    peer.pass_time(_MOMENT)
    line.send(frame(peer, CANCEL, transfer=first["transfer"]))
    peer.pass_time(_MOMENT)
    last, _ = _cut_off(peer, line)
    offset = unpacked(peer.profile, "bulk", last.data)["offset"]
    peer.must(offset < _LARGE, f"less than {_LARGE} octets sent", f"{offset}")


def _quiet_for(profile: Profile) -> float:
    return profile.idle_seconds * 1.1 + 1


@case(
    "bulk.reader.cut-off",
    rules="TRN-04 HDR-04 TRN-03",
    places=("inbox",),
    after="bulk.cancel.running",
    takes=_quiet_for,
)
def silent_reader_is_cut_off(peer: Peer) -> None:
    """A reader that takes nothing for the idle time is cut off."""
    line, _, _ = _running(peer)
    peer.pass_time(_quiet_for(peer.profile))
    for _ in range(_LARGE):
        outcome = line.outcome()
        if isinstance(outcome, Ending):
            peer.must(outcome.kind != "silent", "the connection closed", str(outcome))
            return
        peer.must(outcome.status == 3, "data, then the end", f"status {outcome.status}")
