"""Requests under way, and the connections that they are on.

A request is answered, frame by frame, or lost. Each reply must be that of the request whose turn it
is, under its serial, key and type; one that comes unasked, for another, twice or never is a
Violation. A connection may end under a request only if its process was killed, or its own client
hung up.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from stateful.facts import Session
from stateful.model import About, Deferred, Transfer, Violation, hold

from starwire.protocol.bulk import Asked as Wanted
from starwire.protocol.bulk import Cancel, Open, Resume, request_data
from starwire.protocol.frames import NEED_DATA, Frame, FrameError, FrameReader
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader
from starwire.protocol.status import MessageType, Operation, Status

if TYPE_CHECKING:
    from stateful.clients import Clients

TROUBLES = frozenset({Status.UNAVAILABLE, Status.TIMED_OUT, Status.OVERLOADED})
"""What may be answered to anything while something is broken."""
TARGETS = {"rm": "RM", "rs": "RS", "inbox": "INBOX", "staroe": "STAROE"}


class Asked(ABC):
    """A request under way. `answered` tells whether nothing more is owed."""

    type = MessageType.SYNC
    echo = 0
    is_optional = False
    """Whether it may be that no reply is owed."""

    def __init__(self, session: Session | None, door: str, data: bytes) -> None:
        self.session = session
        self.door = door
        self.data = data
        self.serial = 0
        self.sent_at = 0
        self.over_at: int | None = None
        """When nothing more could come of it."""
        self.troubles = 0

    def __repr__(self) -> str:
        whose = self.session.user.name if self.session else "nobody"
        return (
            f"<{type(self).__name__} {self.serial} at {self.door} of {whose}: {self.data[:40]!r}>"
        )

    def begins(self, clients: Clients) -> None:
        """It is sent."""

    def answered(self, clients: Clients, status: int, data: bytes) -> bool:
        if status in TROUBLES and not data:
            hold(not clients.is_strict(self), f"{self}: status {status} while all was well")
            clients.tally[f"status {int(status)}"] += 1
            self.lost(clients)
            return True
        return self.done(clients, status, data)

    @abstractmethod
    def done(self, clients: Clients, status: int, data: bytes) -> bool:
        """Judge a reply that is no trouble; whether it was the last."""

    def lost(self, clients: Clients) -> None:
        """Nobody will tell what came of it."""

    def undone(self, clients: Clients) -> None:
        """It was not even read."""


class Echo(Asked):
    echo = 1

    def done(self, clients: Clients, status: int, data: bytes) -> bool:
        hold((status, data) == (0, self.data), f"{self}: {status} {data!r}")
        return True


class Now(Asked):
    """Type 0."""

    def __init__(self, session: Session, door: str, about: About) -> None:
        super().__init__(session, door, about.message)
        self.about = about

    def begins(self, clients: Clients) -> None:
        self.about.begins(clients.world)

    def done(self, clients: Clients, status: int, data: bytes) -> bool:
        self.about.answered(clients.world, status, data, strict=clients.is_strict(self))
        return True

    def undone(self, clients: Clients) -> None:
        self.about.undone()


class Later(Asked):
    """Type 1: the identifier that an equal frame had, or one that nobody has."""

    type = MessageType.REQUEST
    session: Session

    def __init__(self, session: Session, door: str, about: About) -> None:
        super().__init__(session, door, about.message)
        self.about = about

    def begins(self, clients: Clients) -> None:
        if self.equals is None:
            self.about.begins(clients.world)

    equals: Later | None = None
    """The first with the same frame, if this is not it."""
    accepted: Deferred | None = None

    def again(self) -> Later:
        """The same frame once more."""
        first = self.equals or self
        made = Later(self.session, self.door, self.about)
        made.serial, made.equals = self.serial, first
        return made

    def done(self, clients: Clients, status: int, data: bytes) -> bool:
        good = status == Status.ACCEPTED and len(data) == 20 and data.isdigit()
        hold(good, f"{self}: {status} {data!r}")
        first = self.equals or self
        if first.accepted is None:
            hold(data not in clients.deferred, f"{self}: {data!r} is another's identifier")
            user, troubles = self.session.user, self.troubles
            first.accepted = Deferred(data, user, self.door, self.about, troubles)
            clients.deferred[data] = first.accepted
        same = first.accepted.number == data
        hold(same, f"{self}: an equal frame had {first.accepted.number!r}, now {data!r}")
        if self.equals is not None:
            clients.tally["equal frame accepted again"] += 1
        return True


class Poll(Asked):
    type = MessageType.POLL
    session: Session

    def done(self, clients: Clients, status: int, data: bytes) -> bool:
        deferred = clients.deferred.get(self.data)
        user, door = self.session.user, self.door
        if deferred is None or (deferred.user, deferred.door) != (user, door):
            hold((status, data) == (Status.UNKNOWN_ID, b""), f"{self}: {status} {data!r}")
            clients.tally["poll of what is not one's own"] += 1
        elif status == Status.IN_PROGRESS:
            hold(not data and not deferred.is_due, f"{self}: still in progress, {data!r}")
            clients.tally["poll in progress"] += 1
        else:
            strict = clients.is_strict(self) and deferred.troubles == self.troubles
            deferred.told(clients.world, status, data, strict=strict)
            clients.tally["poll with a result"] += 1
        return True


class Bulk(Asked, ABC):
    """Type 3: its data begins with a bulk header."""

    type = MessageType.BULK
    session: Session

    def __init__(self, session: Session, door: str, wanted: Wanted, clients: Clients) -> None:
        self.bulk = clients.profile.wire.bulk
        super().__init__(session, door, request_data(self.bulk, wanted))
        self.wanted = wanted

    def done(self, clients: Clients, status: int, data: bytes) -> bool:
        if status in (Status.UNKNOWN_ID, Status.BAD_BULK):
            hold(status == self.refusal(clients) and not data, f"{self}: {status} {data!r}")
            clients.tally[f"bulk refused with {status}"] += 1
            return True
        hold(self.refusal(clients) is None, f"{self}: {status}, not {self.refusal(clients)}")
        hold(len(data) >= self.bulk.size, f"{self}: {status} {data!r}")
        return self.told(clients, status, self.bulk.decode(data), data[self.bulk.size :])

    @abstractmethod
    def told(self, clients: Clients, status: int, header: BulkHeader, payload: bytes) -> bool:
        """Judge a frame of the transfer; whether it was the last."""

    def refusal(self, clients: Clients) -> Status | None:
        """Why it must be refused."""
        wanted = self.wanted
        if isinstance(wanted, Open):
            return None
        transfer = clients.transfers.get(wanted.transfer)
        whose = (self.session.user, self.door)
        if transfer is None or (transfer.user, transfer.door) != whose:
            return Status.UNKNOWN_ID
        if isinstance(wanted, Resume) and wanted.offset > (transfer.total or 0):
            return Status.BAD_BULK
        return None


class Cancelling(Bulk):
    """A cancel; on the connection of the run that it ends it has no reply of its own."""

    wanted: Cancel

    def __init__(self, session: Session, door: str, wanted: Cancel, clients: Clients) -> None:
        super().__init__(session, door, wanted, clients)
        self.place = ("", "")
        """Process and port that it was sent to."""
        self.begun: list[Run] = []
        """The runs of the transfer of which a frame had come by then."""

    def begins(self, clients: Clients) -> None:
        runs = [run for _, run in clients.runs() if run.has_begun]
        number = self.wanted.transfer
        self.begun = [run for run in runs if run.transfer and run.transfer.number == number]

    def told(self, clients: Clients, status: int, header: BulkHeader, payload: bytes) -> bool:
        transfer = clients.transfers[self.wanted.transfer]
        right = (Status.CANCELLED, Operation.CANCELLED, transfer.number, transfer.total)
        said = (status, header.operation, header.transfer, header.total)
        hold(said == right and not payload, f"{self}: {said} {payload!r}")
        hold(header.offset <= header.total, f"{self}: {header}")
        clients.tally["cancelled"] += 1
        clients.cancelled(self, header.offset)
        return True


class Run(Bulk):
    """The answer to an open or a resume: data frames without a gap, and one that is the last."""

    def __init__(
        self, session: Session, door: str, about: About, clients: Clients, wanted: Wanted
    ) -> None:
        super().__init__(session, door, wanted, clients)
        self.about = about
        self.content: bytes | None = None
        """What the file holds, if it is one."""
        self.transfer: Transfer | None = None
        self.offset = 0
        self.has_begun = False
        self._last: tuple[BulkHeader, bytes] | None = None
        """The data frame before."""
        self.stops_at: int | None = None
        """Where it ends, if it was cancelled."""
        if isinstance(wanted, Resume):
            self.transfer = clients.transfers.get(wanted.transfer)
            self.offset = wanted.offset

    def begins(self, clients: Clients) -> None:
        if self.transfer is None:
            self.about.begins(clients.world)

    def undone(self, clients: Clients) -> None:
        if isinstance(self.wanted, Open):
            self.about.undone()

    def told(self, clients: Clients, status: int, header: BulkHeader, payload: bytes) -> bool:
        if status == Status.APPLICATION_ERROR:
            hold(header == BulkHeader(Operation.END), f"{self}: {header} under status 100")
            self._declined(clients, payload)
            return True
        if (header, payload) == self._last and not clients.is_strict(self):
            return False  # a fault has doubled it, and dispatchers pass on what they get (DSP-04)
        self._check(clients, header)
        transfer = self.transfer
        assert transfer is not None
        strict = clients.is_strict(self)
        if (status, header.operation) == (Status.BULK, Operation.DATA):
            transfer.seen(clients.world, header.offset, payload, header.total, strict=strict)
            self.offset += len(payload)
            self.has_begun = True
            self._last = header, payload
            within = self.stops_at is None or self.offset <= self.stops_at
            hold(within, f"{self}: goes on to {self.offset}, cancelled at {self.stops_at}")
            return False
        if (status, header.operation) == (Status.CANCELLED, Operation.CANCELLED):
            hold(not payload and self._may_be_cancelled(), f"{self}: cancelled by nobody")
            clients.tally["run cancelled"] += 1
            return True
        right = (Status.BULK_END, Operation.END)
        hold((status, header.operation) == right, f"{self}: {status} {header}")
        hold(self.offset == header.total, f"{self}: an end at {self.offset} of {header.total}")
        if transfer.content is not None:
            digest = hashlib.sha256(transfer.content).digest()
            hold(payload == digest, f"{self}: the digest is not that of what was sent")
        kind = "resumed run" if isinstance(self.wanted, Resume) else "run"
        clients.tally[f"{kind} complete"] += 1
        return True

    def _check(self, clients: Clients, header: BulkHeader) -> None:
        """The id is the transfer's, the offset has no gap."""
        if self.transfer is None:
            number = header.transfer
            hold(
                number and number not in clients.transfers, f"{self}: transfer {number} is another"
            )
            user = self.session.user
            made = Transfer(number, user, self.door, self.about, self.content)
            self.transfer = clients.transfers[number] = made
        hold(header.transfer == self.transfer.number, f"{self}: transfer {header.transfer}")
        hold(header.offset == self.offset, f"{self}: offset {header.offset}, not {self.offset}")

    def _declined(self, clients: Clients, payload: bytes) -> None:
        strict = clients.is_strict(self)
        self.about.answered(clients.world, Status.APPLICATION_ERROR, payload, strict=strict)
        clients.tally["bulk declined"] += 1

    def _may_be_cancelled(self) -> bool:
        """Whether somebody cancelled or resumed the transfer since this run was asked for."""
        assert self.transfer is not None
        return any(
            one is not self and (one.over_at is None or one.over_at > self.sent_at)
            for one in self.transfer.disturbing
        )


class Line:
    """A client's connection, and the requests on it that are owed something."""

    def __init__(self, clients: Clients, process: str, port: str) -> None:
        self.process = process
        self.port = port
        self.life = clients.lives[process]
        self.wire = clients.driver.line(process, port)
        self.is_dispatchers = port == "dispatcher"
        self.reads = True
        self.is_over = False
        """Whether nothing more is asked here."""
        self.queue: list[Asked] = []
        self._clients = clients
        self._number = clients.moment()
        wire = clients.profile.wire
        self._codec: Any = wire.dispatcher if self.is_dispatchers else wire.common
        self._reader: FrameReader[Any] = FrameReader(self._codec, clients.profile)
        self._closes = False
        """Whether its process closes it by right."""
        self._hung_up = False
        self._is_late = False
        """Whether its client did not read its last reply for long: it is closed then (TRN-02)."""

    def __str__(self) -> str:
        return f"{self.port} of {self.process} [{self._number}]"

    def send(self, asked: Asked) -> None:
        clients = self._clients
        asked.sent_at = clients.moment()
        asked.troubles = clients.troubles
        asked.serial = asked.serial or clients.new_serial()
        if isinstance(asked, Cancelling):
            asked.place = (self.process, self.port)
        asked.begins(clients)
        self.queue.append(asked)
        if asked.type in (MessageType.REQUEST, MessageType.POLL) and not self.is_dispatchers:
            self.is_over = True
        clients.trace.append(f"{self}: {asked}")
        self.wire.send(self._codec.frame(self._header(asked), asked.data))

    def _header(self, asked: Asked) -> Any:
        session, version = asked.session, self._clients.profile.version
        key = session.key if session else ""
        if not self.is_dispatchers:
            return CommonHeader(version, 0, asked.echo, key, asked.type, asked.serial)
        assert session is not None
        user = session.user
        return DispatcherHeader(
            version, 0, TARGETS[asked.door], asked.type, user.name, user.enterprise, key
        )

    def wait(self) -> None:
        """Time passes."""
        self._is_late |= self.is_over and not self.reads

    def hang_up(self) -> None:
        self._clients.trace.append(f"{self}: the client hangs up")
        self._hung_up = True
        self.wire.hang_up()

    def collect(self) -> None:
        """Take what came, and judge it."""
        self._reader.feed(self.wire.take())
        try:
            while (frame := self._reader.next_frame()) is not NEED_DATA:
                self._take(frame)
        except FrameError as error:
            raise Violation(f"{self.port}: {error}") from None
        if self.wire.closed:
            self._closed()

    def _take(self, frame: Frame[Any]) -> None:
        clients, header = self._clients, frame.header
        asked = self._whose(frame)
        told = f"status {header.status} {frame.data[:60]!r} to {asked.serial}"
        clients.trace.append(f"{self}: {told}")
        if not self.is_dispatchers:
            said = (header.session_key, header.type, header.echo)
            right = (self._header(asked).session_key, asked.type, asked.echo)
            hold(said == right, f"{asked}: the reply has {said}")
        else:
            said = (header.target, header.type, header.user_id, header.session_key)
            hold(said == (TARGETS[asked.door], asked.type, "", ""), f"{asked}: {said}")
        if not asked.answered(clients, header.status, frame.data):
            return
        self.queue.remove(asked)
        asked.over_at = clients.moment()
        clients.tally["answered"] += 1
        if self.is_over and asked.type in (MessageType.REQUEST, MessageType.POLL):
            self._closes = True

    def _whose(self, frame: Frame[Any]) -> Asked:
        """The request that the frame answers: the first, or on a shared connection another."""
        while self.queue:
            first = self.queue[0]
            if self.is_dispatchers or first.serial == frame.header.serial:
                return first
            for asked in self.queue if self._clients.profile.multiplex else ():
                if asked.serial == frame.header.serial and asked.type == MessageType.SYNC:
                    self._clients.tally["answered out of turn"] += 1
                    return asked
            if not first.is_optional:
                break
            self.queue.pop(0)
        raise Violation(f"{self.port}: {frame.header} answers nothing of {self.queue}")

    def _closed(self) -> None:
        clients = self._clients
        killed = self.life != clients.lives[self.process] or not clients.driver.alive(self.process)
        queue, self.queue = self.queue, []
        clients.trace.append(f"{self}: closed")
        if self._reader.cut_off or any(not one.is_optional for one in queue):
            excused = killed or self._hung_up or self._closes or self._is_late
            hold(excused, f"{self.port} of {self.process} closed under {queue}")
        for asked in queue:
            if self._closes or self.wire.refused:
                asked.undone(clients)
            else:
                asked.lost(clients)
                clients.unsure.append(asked)
                clients.tally["lost with the connection"] += 1
        clients.lines.remove(self)
