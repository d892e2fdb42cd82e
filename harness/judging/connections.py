"""Events of a recording to moments that can be judged, over all its connections.

The memory is that of the connections that are open. A connection whose beginning is not in the
recording, or that was open across a gap (a part that is missing or was cut off), is blind.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from starwire.protocol.profile import Profile
from starwire.protocol.recording import (
    Closed,
    End,
    Ended,
    Event,
    Header,
    Opened,
    Request,
    Response,
    Segment,
    profile_of,
)
from starwire.protocol.status import Status

from .lines import Line
from .moments import Due, Ending, Garbled, Moment, Over, Overdue, Where

SLACK = 5.0
"""Seconds that a duty may be late: a recorder's clock and a busy machine are no fault of a peer."""
_EARLY = 0.1
"""Seconds that a time limit may seem to have come before its time."""
_CONFIRMED = 1_000_000
"""Microseconds between the two events that must both find a duty not done: a process that was
stopped for a while wakes with its timers, and the events of that moment have any order."""


class Connections:
    """Reads the events in their order, headers included."""

    def __init__(self, profile: Profile | None = None) -> None:
        """With a `profile` that one counts in place of the recording's own."""
        self.profile = profile
        self.run = ""
        self.judged = 0
        """Connections that were read from their beginning, and those that could not be."""
        self.blind = 0
        self._given = profile
        self._part = 0
        self._rotated = False
        self._lines: dict[str, Line] = {}
        self._doubted: dict[str, list[Ending]] = {}
        """Endings that are in order only if the server stops, by hop."""
        self._due: list[tuple[int, str]] = []

    def read(self, event: Event, file: str, number: int) -> Iterator[Moment]:
        """What an event brings about. Raises RecordingError for a profile that cannot be used."""
        if isinstance(event, Header):
            self._begin(event)
            return
        if isinstance(event, End):
            self._rotated = event.reason == "rotated"
            return
        transaction = getattr(event, "transaction", "")
        where = Where(file, number, event.hop, event.connection, event.at, transaction)
        if self._due and self._due[0][0] <= event.at:
            yield from self._overdue(event.at)
        line = self._line(event, where)
        yield from self._happened(line, event, where)
        if event.connection in self._lines:
            self._wind(event.connection, line)

    def _begin(self, header: Header) -> None:
        goes_on = header.run == self.run and self._rotated and header.part == self._part + 1
        if not goes_on:
            self._forget()
        if header.run != self.run or self.profile is None:
            self.profile = self._given or profile_of(header)
        self.run, self._part, self._rotated = header.run, header.part, False

    def _forget(self) -> None:
        self._lines.clear()
        self._doubted.clear()
        self._due.clear()

    def _line(self, event: Event, where: Where) -> Line:
        line = self._lines.get(where.connection)
        if line is None:
            assert self.profile is not None, "a recording begins with its header"
            line = Line(where.hop, self.profile, blind=not isinstance(event, Opened))
            line.last = where
            self._lines[where.connection] = line
            self.blind += line.blind
            self.judged += not line.blind
        return line

    def _happened(self, line: Line, event: Event, where: Where) -> Iterator[Moment]:
        match event:
            case Opened():
                line.tls = event.tls
                yield from self._doubted.pop(where.hop, ())
            case Segment(sender="client", unread=False) | Request():
                yield from line.heard(event, where)
            case Segment(sender="server") | Response():
                yield from line.answered(event, where)
            case Ended(sender="client"):
                yield from line.client_ends(where)
            case Ended():
                yield from self._server_ends(line, where)
            case Closed():
                if event.by == "server" and not line.server_ended:
                    yield from self._server_ends(line, where)
                del self._lines[where.connection]
                if not line.blind:
                    yield Over(where=where, profile=line.profile, by=event.by)

    def _server_ends(self, line: Line, where: Where) -> Iterator[Moment]:
        line.server_ended = True
        if line.blind or line.spoken == "web":
            return
        if line.unfinished and not line.client_ended:
            yield Garbled(
                where=where,
                profile=line.profile,
                problem=f"it ends {line.unfinished} octets into a frame or message",
                status=0,
                octets=b"",
                unfinished=True,
            )
            return
        if line.client_ended:
            return
        ending = Ending(
            where=where,
            profile=line.profile,
            spoken=line.spoken,
            reason=_reason(line, where.at),
            unanswered=line.asked[0] if line.asked else None,
            octets=line.said,
        )
        if ending.reason:
            yield ending
        else:
            self._doubted.setdefault(where.hop, []).append(ending)
            del self._doubted[where.hop][1000:]

    # Time.

    def _wind(self, connection: str, line: Line) -> None:
        """See to it that the line is looked at when its next duty is due."""
        due = _due(line)
        line.doubted = False
        if due is not None and (line.armed is None or due[0] < line.armed):
            self._arm(connection, line, due[0])

    def _arm(self, connection: str, line: Line, at: int) -> None:
        line.armed = at
        heapq.heappush(self._due, (at, connection))
        if len(self._due) > 64 + 4 * len(self._lines):
            self._due = [entry for entry in self._due if entry[1] in self._lines]
            heapq.heapify(self._due)

    def _overdue(self, now: int) -> Iterator[Moment]:
        while self._due and self._due[0][0] <= now:
            at, connection = heapq.heappop(self._due)
            line = self._lines.get(connection)
            if line is None or line.armed != at:
                continue
            line.armed = None
            due = _due(line)
            if due is None:
                continue
            if due[0] > now or not line.doubted:
                line.doubted = due[0] <= now
                self._arm(connection, line, max(due[0], now + _CONFIRMED * line.doubted))
                continue
            line.blind = True
            yield Overdue(
                where=line.last,
                profile=line.profile,
                due=due[1],
                rule=due[2],
                since=due[3],
                seconds=due[4],
                octets=line.said,
            )


def _reason(line: Line, now: int) -> str:
    """The rule by which a server may end a connection now; "" for none (ERR-07)."""
    profile = line.profile
    quiet = (now - line.last.at) / 1e6
    if line.must_close:
        return line.must_close
    if line.status == Status.OVERLOADED:
        return "ERR-08"
    if quiet >= profile.idle_seconds - _EARLY:
        return "HDR-04"
    if line.waiting and (now - line.begun) / 1e6 >= profile.mid_frame_seconds - _EARLY:
        return "HDR-04"
    if line.waiting and line.spoken == "native":
        return "ERR-08"  # of a message no more could be held
    if not (line.answers or line.asked or line.waiting):
        return "HDR-08"  # not admitted, or one too many (ERR-08)
    return ""


def _due(line: Line) -> tuple[int, Due, str, int, float] | None:
    """What must happen on a line: when at the latest, what, by which rule, since when, and how
    long it may take.
    """
    profile, since = line.profile, line.last.at
    if line.blind or line.lost or line.server_ended:
        return None
    if line.must_close:
        return since + _micro(SLACK), "close", line.must_close, since, SLACK
    if line.asked and line.asked[0].bulk is not None:
        return None  # whoever reads a transfer may take his time
    if line.asked:
        seconds = {"web": profile.reply_seconds, "dispatcher": 2 * profile.reply_seconds}
        if line.spoken not in seconds:
            return None
        most = seconds[line.spoken]
        return since + _micro(most + SLACK), "reply", "DSP-06", since, most
    if line.spoken == "web" or line.client_ended:
        return None
    if line.waiting:
        most = profile.mid_frame_seconds
        return line.begun + _micro(most + SLACK), "mid-frame", "HDR-04", line.begun, most
    most = profile.idle_seconds
    return since + _micro(most + SLACK), "idle", "HDR-04", since, most


def _micro(seconds: float) -> int:
    return int(seconds * 1e6)
