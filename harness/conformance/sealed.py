"""Lines whose octets travel in records (ENC-01): what a case writes is sealed, a record a piece."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starwire.protocol.endpoints import spoken_at
from starwire.protocol.frames import NEED_DATA
from starwire.protocol.profile import Profile
from starwire.protocol.sealing import GREETING_OCTETS, LinkKeys, SealedLink

from .wire import Line, Reset, read_until


def link_key(keys: LinkKeys | None, place: str) -> bytes:
    """The key of the link to a place; b"" where nothing is sealed."""
    if keys is None:
        return b""
    return {"dispatcher": keys.web, "common": keys.proxy}.get(spoken_at(place), b"")


class SealedLine:
    """A line on which frames go out and come in as records."""

    def __init__(
        self, line: Line, key: bytes, profile: Profile, clock: Callable[[], float], seconds: float
    ) -> None:
        """Greet, and wait so long for the greeting of the other side. Raises Silent, Reset."""
        self._line = line
        self._clock = clock
        self._piece = profile.frame_octets
        greeting = secrets.token_bytes(GREETING_OCTETS)
        self._link = SealedLink(key, greeting, opens=True, longest=profile.frame_octets)
        self.half_close, self.close, self.abort = line.half_close, line.close, line.abort
        line.write(greeting)
        until = clock() + seconds
        while not self._link.ready:
            octets = read_until(line, clock, until)
            if not octets:
                raise Reset
            self._link.feed(octets)

    def write(self, octets: bytes) -> None:
        """Send octets as a record, or several where they are longer than the longest frame."""
        for start in range(0, len(octets), self._piece):
            self._line.write(self._link.seal(octets[start : start + self._piece]))

    def read(self, seconds: float) -> bytes:
        """What was in the records that came, at least one octet; b"" at the end.

        Raises Silent, Reset, and SealError for what is no record.
        """
        until = self._clock() + seconds
        while not (frame := self._pulled()):
            octets = read_until(self._line, self._clock, until)
            if not octets:
                return b""
            self._link.feed(octets)
        return frame

    def _pulled(self) -> bytes:
        frame = self._link.pull()
        return b"" if frame is NEED_DATA else frame
