"""The octets that arrived and were not taken yet, at a cost linear in what arrives.

Strategy: a segment that arrives at an empty buffer is kept as it is, so that a segment of one frame
is that frame, uncopied. Only when a segment arrives behind a rest do both move into a `bytearray`,
which grows at its end, and loses octets at its front, without moving what lies between (CPython
advances its start).
"""


class HeldOctets:
    """What a reader of frames or of messages has not yet taken."""

    def __init__(self) -> None:
        self._held: bytes | bytearray = b""
        self._start = 0
        """What lies before is taken. Never at the end: a buffer all taken is an empty one."""
        self._deaf = False

    @property
    def cut_off(self) -> bool:
        """Whether octets of something unfinished are held. True only between its first octet and
        its last, if asked when the last pull gave NEED_DATA; false after an error.
        """
        return bool(self._held)

    @property
    def waiting(self) -> int:
        """How many octets are held."""
        return len(self._held) - self._start

    @property
    def held(self) -> int:
        """How many octets are held."""
        return len(self._held) - self._start

    def feed(self, data: bytes) -> None:
        """Octets from the peer, any number of them. After an error they are not even kept."""
        if self._deaf:
            return
        if not self._held:
            self._held = data
            return
        if isinstance(self._held, bytes):
            self._held = bytearray(self._held[self._start :])
        else:
            del self._held[: self._start]
        self._start = 0
        self._held += data

    def _take(self, count: int) -> bytes:
        """The next `count` octets, which are there."""
        held, start = self._held, self._start
        end = start + count
        if isinstance(held, bytes):
            taken = held[start:end]
        else:
            with memoryview(held) as view:
                taken = bytes(view[start:end])
        self._start = end
        if end == len(held):
            self._held, self._start = b"", 0
        return taken

    def _stop(self) -> None:
        """Forget what is held, and hear nothing more."""
        self._held, self._start = b"", 0
        self._deaf = True
