"""What is known of asynchronous requests and of transfers, by their ids."""

from __future__ import annotations

from msgspec import Struct

from starwire.protocol.bulk import BulkError, Receiving
from starwire.protocol.frames import Frame
from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Operation, Status

from .moments import Answered, Moment
from .remembered import Remembered, stamp

_MOST = 50_000
"""Identifiers and transfers that are remembered."""


Place = tuple[str, str]
"""A hop, and on the outer hops the target: ids are those of one target (TRN-03)."""


def place_of(moment: Answered) -> Place:
    """Where the ids of a request hold."""
    frame = moment.asked.frame
    return moment.where.hop, frame.target if isinstance(frame, DispatcherHeader) else ""


class Accepted(Struct):
    """An asynchronous request, as its identifier was given."""

    frame: tuple[str, int, bytes]
    """Session key, serial and data: equal ones get the same identifier (TRN-02)."""
    question: bytes
    """Its message, or nothing where that is long."""
    key: str
    at: int
    outcome: bytes | None = None
    """The first answer to a poll that was one."""


class Transfer(Struct):
    """A transfer of which the server has told the id."""

    key: str
    question: bytes
    total: int
    at: int
    digest: bytes | None = None


class Transports:
    """By hop and id."""

    def __init__(self, profile: Profile) -> None:
        self.accepted: Remembered[tuple[Place, bytes], Accepted] = Remembered(_MOST)
        self.transfers: Remembered[tuple[Place, int], Transfer] = Remembered(_MOST)
        self.by_frame: Remembered[tuple[Place, str, int, bytes], bytes] = Remembered(_MOST)
        """The identifier that a frame got."""
        self._profile = profile

    def question(self, moment: Answered) -> bytes | None:
        """The message that a poll's outcome, or a transfer's first frame, answers."""
        asked, frame = moment.asked, moment.asked.frame
        if frame is None or asked.unit is None:
            return None
        if frame.type == MessageType.POLL and moment.status in (0, Status.APPLICATION_ERROR):
            accepted = self.accepted.get((place_of(moment), asked.unit.data))
            moment.is_repeated = accepted is not None and accepted.outcome is not None
            return accepted.question or None if accepted is not None else None
        if asked.bulk is None or asked.bulk.operation != Operation.OPEN or moment.bulk is None:
            return None
        return asked.unit.data if _is_whole(moment) else None

    def accepted_at(self, place: Place, identifier: bytes) -> int:
        """When the identifier was given, as far as that is remembered."""
        accepted = self.accepted.get((place, identifier))
        return 0 if accepted is None else accepted.at

    def receive(self, moment: Answered) -> None:
        """Take the frame of a transfer in; `moment.run` says what is wrong with it."""
        asked = moment.asked
        if asked.bulk is None or moment.frame is None:
            return
        if asked.receiving is None and not asked.failed:
            asked.receiving = self._receiving(moment)
        if asked.receiving is None:
            return
        wire = self._profile.wire
        beginning = wire.web.size if asked.web is not None and moment.first else 0
        size = wire.common.size if moment.common is not None else wire.dispatcher.size
        try:
            asked.receiving.take(Frame(moment.frame, moment.octets[beginning:], size))
        except BulkError as error:
            asked.receiving, asked.failed = None, True
            moment.run = str(error)

    def _receiving(self, moment: Answered) -> Receiving | None:
        bulk = moment.asked.bulk
        assert bulk is not None
        codec, chunk = self._profile.wire.bulk, self._profile.bulk_chunk
        if bulk.operation == Operation.OPEN:
            return Receiving(codec, chunk=chunk)
        if bulk.operation == Operation.RESUME:
            return Receiving(codec, chunk=chunk, transfer=bulk.transfer, offset=bulk.offset)
        return None

    def learn(self, moment: Moment) -> None:
        if not isinstance(moment, Answered) or moment.asked.unit is None:
            return
        frame, asked = moment.frame, moment.asked.frame
        if frame is None or asked is None or moment.asked.is_echo:
            return
        place, data = place_of(moment), moment.asked.unit.data
        if frame.status == Status.ACCEPTED and asked.type == MessageType.REQUEST:
            self._learn_identifier(moment, place, data)
        elif asked.type == MessageType.POLL and frame.status in (0, Status.APPLICATION_ERROR):
            accepted = self.accepted.get((place, data))
            if accepted is not None:
                accepted.outcome = stamp(moment.reply.data)
        elif moment.bulk is not None and moment.bulk.transfer:
            self._learn_transfer(moment, place)

    def _learn_identifier(self, moment: Answered, place: Place, data: bytes) -> None:
        serial = moment.asked.common.serial if moment.asked.common else -1
        key = moment.asked.key
        frame = (key, serial, stamp(data))
        question = data if len(data) <= 4096 else b""
        identifier = moment.reply.data
        if (place, identifier) not in self.accepted:
            given = Accepted(frame, question, key, moment.where.at)
            self.accepted[place, identifier] = given
        if serial >= 0:
            self.by_frame[(place, *frame)] = identifier

    def _learn_transfer(self, moment: Answered, place: Place) -> None:
        bulk, asked = moment.bulk, moment.asked
        assert bulk is not None
        assert asked.unit is not None
        key = (place, bulk.transfer)
        known = self.transfers.get(key)
        if known is None:
            is_open = asked.bulk is not None and asked.bulk.operation == Operation.OPEN
            question = asked.unit.data if is_open and len(asked.unit.data) <= 4096 else b""
            known = Transfer(asked.key, question, bulk.total, moment.where.at)
            self.transfers[key] = known
        known.at = moment.where.at
        if moment.status == Status.BULK_END and len(moment.reply.data) == 32:
            known.digest = known.digest or moment.reply.data


def _is_whole(moment: Answered) -> bool:
    """Whether a frame holds the whole answer: the message in error, or all octets of a short one
    that is no file.
    """
    bulk, asked = moment.bulk, moment.asked
    assert bulk is not None
    assert asked.unit is not None
    if moment.status == Status.APPLICATION_ERROR:
        return moment.first
    is_file = asked.unit.data.lstrip().startswith(b"F")
    return (
        moment.status == Status.BULK
        and not is_file
        and bulk.offset == 0
        and bulk.total == len(moment.reply.data)
    )
