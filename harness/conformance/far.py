"""What a script of a case says to the servers behind its target, for which the harness stands.

far = peer.far("RM")
line = peer.connect()
line.send(far.request(b"GRTL<PRODUCT=V>"))
frame = far.receive()                       # as the target sent it on
frame.reply(data=b"SRTL<ERROR=0>")
line.expect(status(0), data(b"SRTL<ERROR=0>"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..transcript import Draft
from .asker import Departure
from .description import Use
from .far_ends import BEHIND, Ends, FarConnection, FarFrame, Inbox

if TYPE_CHECKING:
    from .peer import Peer


class Forwarded:
    """A frame, or a bare message, that the target sent on, for the case to answer."""

    def __init__(self, far: Far, frame: FarFrame, number: int, event: int) -> None:
        self._far = far
        self._frame = frame
        self._number = number
        self.event = event
        self.octets = frame.octets
        self.fields = frame.fields
        self.data = frame.data
        self.place = frame.place
        self.instance = frame.connection.instance

    def answer(self, status: int = 0, data: bytes = b"") -> Draft:
        """The correct reply, to be changed and sent."""
        return self._frame.answer(status, data)

    def reply(self, status: int = 0, data: bytes = b"", **changes: Any) -> None:
        """Answer; `changes` are as those of Draft.with_."""
        self.send(self.answer(status, data).with_(**changes))

    def send(self, what: Draft | bytes) -> None:
        """Answer with these octets."""
        octets = what.octets if isinstance(what, Draft) else what
        self._far.note(self._number, self.place, "sent", octets)
        self._far.answer(self._frame, octets)

    def close(self) -> None:
        """Close the connection on which it came."""
        self._far.note(self._number, self.place, "note", text="closed by the tester")
        self._frame.connection.out.close()

    def abort(self) -> None:
        """Close it with a reset."""
        self._far.note(self._number, self.place, "note", text="reset by the tester")
        self._frame.connection.out.abort()

    def is_on_the_connection_of(self, other: Forwarded) -> bool:
        """Whether both came on one connection."""
        return self._frame.connection is other._frame.connection

    def expect_closed(self, within: float = 0.0) -> None:
        """The target closes the connection on which it came."""
        connection = self._frame.connection
        if not self._far.wait(lambda: connection.has_ended, within):
            raise Departure("the connection to be closed", "it is open", event=self.event)


class Far:
    """The servers behind the target, as one case sees them."""

    def __init__(self, peer: Peer, ends: Ends, target: str, use: Use) -> None:
        """Raises Unreachable where the harness cannot stand behind that peer."""
        self._peer = peer
        self._ends = ends
        self._use = use
        self._target = target
        self._inbox = Inbox()
        self._numbers: dict[FarConnection, int] = {}
        ends.begin(BEHIND.get(peer.place, ()))
        self.key = ends.book.mint(peer.grounds.user(use))
        ends.book.claim(self.key, self._inbox)

    @property
    def has_several(self) -> bool:
        """Whether the target's proxy has more than one instance."""
        return self._ends.several

    def request(self, message: bytes, **fields: Any) -> Draft:
        """A correct request to the target, in the session of this case."""
        return self._peer.request(
            message, **{"use": self._use, "key": self.key, "target": self._target, **fields}
        )

    def claim(self, word: str) -> None:
        """What carries no key and has this word in it is this case's too."""
        self._ends.book.claim(word, self._inbox)

    def answers(self, *acronyms: str) -> None:
        """This case answers these messages itself: GUA, CKG, CKM, CKD."""
        if {"CKG", "CKD"} & set(acronyms):
            self.claim(self.key)
        self._inbox.wanted |= set(acronyms)

    def receive(self, within: float = 0.0) -> Forwarded:
        """What the target sends on next. Raises Departure."""
        frames = self._inbox.frames
        if not self.wait(lambda: bool(frames), within):
            raise Departure("the frame to be sent on", "nothing is")
        frame = frames.popleft()
        number = self._number(frame.connection)
        text = f"instance {frame.connection.instance + 1}" if frame.connection.instance else ""
        event = self.note(number, frame.place, "received", frame.octets, text)
        return Forwarded(self, frame, number, event)

    def expect_nothing(self, seconds: float = 0.05) -> None:
        """The target sends nothing on for so long."""
        if self._inbox.frames or self.wait(lambda: bool(self._inbox.frames), seconds):
            frame = self._inbox.frames.popleft()
            number = self._number(frame.connection)
            event = self.note(number, frame.place, "received", frame.octets)
            raise Departure("nothing to be sent on", repr(frame.octets[:120]), event=event)

    def wait(self, ready: Any, within: float = 0.0) -> bool:
        """Until it is ready, at most so many seconds."""
        wire = self._peer.wire
        seconds = min(within or self._peer.patience, self._peer.until - wire.now())
        return self._ends.wait(ready, max(0.0, seconds))

    def answer(self, frame: FarFrame, octets: bytes) -> None:
        self._ends.book.answer(frame, octets)

    def note(self, number: int, place: str, what: Any, octets: bytes = b"", text: str = "") -> int:
        return self._peer.transcript.add(number, place, what, octets, text)

    def end(self) -> None:
        """The case is over."""
        self._ends.book.release(self._inbox)
        self._ends.end()

    def _number(self, connection: FarConnection) -> int:
        if connection not in self._numbers:
            self._numbers[connection] = self._peer.next_line()
        return self._numbers[connection]
