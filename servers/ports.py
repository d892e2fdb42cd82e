"""What can be read from the requests and replies of a port without knowing what they mean."""

from __future__ import annotations

import re
from typing import Any

from starwire.protocol.endpoints import PROXY_OF_TARGET
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Operation, Status

_ERROR = re.compile(rb"[<,][ \t\r\n]*ERROR[ \t\r\n]*=[ \t\r\n]*([0-9]{1,5})")
_LOOKED_AT = 256
"""Octets of a reply in which ERROR is looked for: it stands first, in Z behind REQ (CAT-04)."""
_WITH_A_MESSAGE = (None, Status.OK, Status.APPLICATION_ERROR)
BARE = ("rm-native", "inbox-native", "jar")
"""The ports of bare messages."""
_TARGET_OF = {name: target for target, name in PROXY_OF_TARGET.items()}


class Port:
    """One port of frames or of bare messages; what answers there is asked with either."""

    def __init__(self, name: str, codec: HeaderCodec[Any] | None, bulk: HeaderCodec[Any]) -> None:
        self.name = name
        self.codec = codec
        """Of the header before each message; None where there is none."""
        self.target = _TARGET_OF.get(name, "")
        """Whose requests come here; "" where the header says it."""
        self._bulk = bulk
        self.size = codec.size if codec else 0
        self._status = codec.integer("status") if codec else None

    def octets(self, request: Any) -> bytes:
        """A request as it came, headers included."""
        return request if self.codec is None else request.octets  # type: ignore[no-any-return]

    def data(self, request: Any) -> bytes:
        """What stands behind its header."""
        return request if self.codec is None else request.data  # type: ignore[no-any-return]

    def header(self, request: Any) -> Any | None:
        """Its header."""
        return None if self.codec is None else request.header

    def is_echo(self, request: Any) -> bool:
        """Whether it is a dispatcher's test of the connection (HDR-05)."""
        return self.codec is not None and bool(getattr(request.header, "echo", 0))

    def outcome(self, reply: bytes, start: int = 0) -> tuple[int | None, str]:
        """Status and value of ERROR of a reply that begins at `start`; None and "" for none."""
        status = None
        if self._status is not None:
            if len(reply) < start + self.size:
                return None, ""
            status = self._status.read(reply, start)
        if status not in _WITH_A_MESSAGE:
            return status, ""
        behind = start + self.size
        found = _ERROR.search(reply, behind, behind + _LOOKED_AT)
        return status, found[1].decode() if found else ""

    def without_payload(self, frame: bytes) -> bytes:
        """A bulk frame of a reply as it may be kept: of a data frame only the headers."""
        if self.codec is None or len(frame) < self.size + self._bulk.size:
            return frame
        header = self.codec.decode(frame)
        is_data = self._bulk.decode(frame, self.size).operation == Operation.DATA
        if header.type == MessageType.BULK and is_data:
            return frame[: self.size + self._bulk.size]
        return frame


def ports_of(profile: Profile) -> dict[str, Port]:
    """Every port on which frames or bare messages come in."""
    wire = profile.wire
    codecs: dict[str, HeaderCodec[Any] | None] = {"dispatcher": wire.dispatcher}
    codecs |= dict.fromkeys(_TARGET_OF, wire.common)
    codecs |= dict.fromkeys(BARE)
    return {name: Port(name, codec, wire.bulk) for name, codec in codecs.items()}
