"""What was captured: connections, their frames, and what the data of the frames say."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from msgspec import Struct

from starwire.grammar import MetadataError, parse
from starwire.protocol.recording import Sender

Spoken: TypeAlias = Literal["common", "dispatcher", "web"]
"""Which headers frames begin with: the common header, the dispatcher header, or the web header once
and then dispatcher headers."""

_MESSAGE = re.compile(rb"(?:[A-Z]{1,4}|METADATA)?<")
_ERROR = re.compile(r"[0-9]{1,9}")


class NothingLearned(Exception):
    """No profile can be proposed; the text is one line that says why and what to do."""


class Line(Struct):
    """One connection."""

    name: str
    """For people."""
    spoken: Spoken
    client: bytes = b""
    """What the client sent, from the beginning of the connection, without a gap."""
    server: bytes = b""
    bodies: list[tuple[Sender, bytes]] = []
    """On the web the bodies of requests and responses take the place of the streams."""
    is_cut: bool = False
    """More was said than stands here."""


class Frame(Struct, gc=False):
    """A frame, and what is known of it without its layout."""

    octets: bytes
    is_request: bool
    line: int
    """The number of its connection."""
    is_twin: bool = False
    """The other side of its connection sent the same octets: an echo or the reply to one."""


class Data(Struct, frozen=True, gc=False):
    """What the data of a frame say."""

    is_message: bool = False
    is_other: bool = False
    """There are data, and they are not even the beginning of a message."""
    error: int | None = None
    """The value of ERROR."""
    user: str = ""
    """The value of USERID, and of ENTPID."""
    enterprise: str = ""
    size: int = 0


def bracket_of(octets: bytes, start: int) -> int:
    """Where the `<` of a message stands that may begin at `start`, with an acronym of 1 to 4
    letters or none (SYN-01); -1 if none may.
    """
    found = _MESSAGE.match(octets, start)
    return found.end() - 1 if found else -1


def data_of(octets: bytes, start: int) -> Data:
    """What the octets from `start` on say."""
    size = len(octets) - start
    if bracket_of(octets, start) < 0:
        return Data(is_other=size > 0, size=size)
    try:
        message = parse(octets[start:])
    except MetadataError:
        return Data(size=size)
    told = {field.name: field.value.scalar or "" for field in message.body.fields}
    error = told.get("ERROR", "").strip()
    return Data(
        True,
        False,
        int(error) if _ERROR.fullmatch(error) else None,
        told.get("USERID", "").strip(),
        told.get("ENTPID", "").strip(),
        size,
    )
