"""A recording, line by line: events to JSON and back (docs/recording.md). No I/O.

A recording is what crossed the wire, as text: a header line, then one event a line, in the order
in which the events happened. Only `octets` are evidence. What stands beside them decoded is for
people: it is kept as raw JSON, so that a program cannot even read it by accident, and whoever
wants fields decodes the octets anew.

Octets are a JSON string of one character for each octet, U+0000 to U+00FF, as the text of the wire
is everywhere here. Messages are ASCII text almost whole, so they can be read, searched with grep
and compared in git, and any JSON reader gives the octets back. Whatever is not printable ASCII is
escaped, so a line is ASCII whatever was on the wire, and no terminal or editor acts on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from .profile import Profile, profile_of_tables, translated

FORMAT = 1
"""The version of the format that is written here, and the newest that is read."""

Sender: TypeAlias = Literal["client", "server"]
"""Of a connection: the client opened it, the server accepted it."""
Microseconds: TypeAlias = Annotated[int, Meta(ge=0)]
"""Of the monotonic clock, since the recording began."""
HttpHeaders: TypeAlias = tuple[tuple[str, str], ...]


class RecordingError(ValueError):
    """A line that is none of a recording; `line` counts from 1, `key` is "" for the whole line."""

    def __init__(self, line: int, key: str, reason: str) -> None:
        super().__init__(f"line {line}: {key}: {reason}" if key else f"line {line}: {reason}")
        self.line = line
        self.key = key
        self.reason = reason


class Octets(bytes):
    """Octets that a line holds as text, one character for each."""

    __slots__ = ()


class _Line(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="event"):
    """What all lines have: an object with the key `event`, and no key that is not known."""


class _OfConnection(_Line, frozen=True):
    at: Microseconds
    hop: str
    """The port that accepted the connection, by name; it says what is spoken there."""
    connection: str
    """Its id, unlike that of any other connection of any recording."""


class Header(_Line, frozen=True, tag="recording"):
    """The first line of every file of a recording."""

    format: int
    starwire: str
    """The version of the program that wrote it."""
    source: str
    """What wrote it, such as `starwire serve`."""
    run: str
    """The same in all files of one run of the recorder; every connection id begins with it."""
    part: Annotated[int, Meta(ge=1)]
    """Which file of a folder of rotated files this is; 1 where there is one file."""
    started: str
    """Wall clock when the run began, RFC 3339, UTC."""
    origin: int
    """The host's monotonic clock when the run began, in microseconds: `at` counts from here, and
    recordings of several processes of one host are laid side by side by it."""
    host: dict[str, str]
    """System, machine and versions; no names and no addresses."""
    profile: dict[str, Any]
    """The wire profile, every key of it, the overlay of the catalogue included."""


class Opened(_OfConnection, frozen=True, tag="opened"):
    """A connection was accepted."""

    peer: str
    """The client's address, `HOST:PORT`."""
    own: str
    """The server's."""
    sealed: bool = False
    """The link is encrypted (ENC-01): `octets` are the frames within the records, one to a line."""
    tls: bool = False


class Segment(_OfConnection, frozen=True, tag="octets"):
    """Octets as the server read them in one piece, or handed them to the connection in one."""

    sender: Sender = field(name="from")
    octets: Octets
    transaction: str = ""
    """What joins the hops of one transaction within a process; "" where it is not known."""
    unread: bool = False
    """They came when the server had stopped reading, and no answer depends on them."""
    more: bool = False
    """On the hop `web`: the body goes on behind these octets."""
    decoded: Raw | UnsetType = UNSET
    """For people: a list of `explaining.Explained`, what became whole with these octets."""


class Request(_OfConnection, frozen=True, tag="request"):
    """An HTTP request on the hop `web`, when the server had it whole."""

    method: str
    path: str
    headers: HttpHeaders
    octets: Octets
    """The body, or its beginning."""
    cookie: str = ""
    """For people: the session key of the cookie."""
    transaction: str = ""
    more: bool = False
    decoded: Raw | UnsetType = UNSET


class Response(_OfConnection, frozen=True, tag="response"):
    """An HTTP response on the hop `web`, when the server began it."""

    status: int
    headers: HttpHeaders
    octets: Octets
    """The body, or its beginning."""
    cookie: str = ""
    """For people: the session key that the cookie is set to."""
    transaction: str = ""
    more: bool = False
    decoded: Raw | UnsetType = UNSET


class Ended(_OfConnection, frozen=True, tag="ended"):
    """One side said that it sends nothing more; the other may go on."""

    sender: Sender = field(name="from")
    reason: str = ""
    """Why the server ended."""


class Closed(_OfConnection, frozen=True, tag="closed"):
    """The connection is gone."""

    by: Sender
    """Who ended it first."""
    reason: Literal["closed", "lost", "aborted"]
    """Lost: a reset, or TLS without its goodbye."""
    unfinished: Annotated[int, Meta(ge=0)] = 0
    """Octets from the client that never became a whole frame or message; they stand above."""


class End(_Line, frozen=True, tag="end"):
    """The last line of a file that was ended in good order. Without it the file was cut off."""

    at: Microseconds
    reason: Literal["stopped", "rotated"]


Event: TypeAlias = Header | Opened | Segment | Request | Response | Ended | Closed | End
Piece: TypeAlias = Segment | Request | Response
"""What carries octets."""


def rfc3339(moment: datetime) -> str:
    """A moment of UTC as text, to the microsecond."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def part_name(number: int) -> str:
    """The file of that part in a folder of rotated parts, while it is not compressed."""
    return f"recording-{number:06d}.jsonl"


def parts_among(names: Iterable[str]) -> dict[int, str]:
    """The parts of a recording among the names of a folder, in their order. Of a part that is there
    twice the compressed one: it was whole before it got its name.
    """
    found = ((int(match[1]), match[0]) for name in names if (match := _PART.fullmatch(name)))
    return dict(sorted(found))  # NAME.zst sorts behind NAME


def sender_of(piece: Piece) -> Sender:
    """Who sent the octets."""
    if isinstance(piece, Segment):
        return piece.sender
    return "client" if isinstance(piece, Request) else "server"


def encode(event: Event) -> bytes:
    """The line of an event, its line end included: ASCII, and the same for equal events."""
    line = _encoder.encode(event)
    if not line.isascii() or b"\x7f" in line:
        line = _NOT_PRINTABLE.sub(_escaped, line.decode("utf-8")).encode("ascii")
    return line + b"\n"


def decode(line: bytes, number: int) -> Event:
    """The event of a line, with or without its line end. Raises RecordingError."""
    try:
        event: Event = _decoder.decode(line)
    except msgspec.ValidationError as error:
        wrong = translated(str(error), "")
        reason = wrong.reason.replace("a table", "an object")  # the words are those of TOML
        raise RecordingError(number, wrong.key, reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(number, "", f"is no JSON: {error}") from None
    return event


def decode_header(line: bytes) -> Header:
    """The header of a first line. Raises RecordingError, which says what to do about a version."""
    try:
        beginning = msgspec.json.decode(line, type=_Beginning)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RecordingError(1, "", "is not the header of a starwire recording") from None
    if beginning.format > FORMAT:
        reason = (
            f"is {beginning.format}, written by starwire {beginning.starwire}; this starwire reads"
            f" up to {FORMAT}: read it with a newer one"
        )
        raise RecordingError(1, "format", reason)
    if beginning.format < 1:
        raise RecordingError(1, "format", f"is {beginning.format}; the first format is 1")
    header = decode(line, 1)
    assert isinstance(header, Header)
    return header


def profile_of(header: Header) -> Profile:
    """The profile under which a recording was made. Raises RecordingError, which names the key."""
    try:
        return profile_of_tables(header.profile)
    except ValueError as error:
        key, _, reason = str(error).partition(": ")
        raise RecordingError(1, f"profile.{key}", reason) from None


class _Beginning(Struct, tag_field="event", tag="recording"):
    """What of a header is the same in every format, so that a newer one can be named."""

    format: int
    starwire: str = "of a later version"


def _octets_as_text(value: Any) -> Raw:
    """Called by msgspec for Octets, the one class that it does not know."""
    return Raw(encode_basestring_ascii(str(value, "latin-1")).encode("ascii"))


def _octets_from_text(kind: type, value: Any) -> Octets:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    try:
        return Octets(value.encode("latin-1"))
    except UnicodeEncodeError as error:
        raise ValueError(f"character {error.start} is beyond U+00FF, and no octet") from None


_PART = re.compile(r"recording-([0-9]{6,})\.jsonl(\.zst)?")
_NOT_PRINTABLE = re.compile(r"[^ -~]")


def _escaped(found: re.Match[str]) -> str:
    return encode_basestring_ascii(found[0])[1:-1]


_encoder = msgspec.json.Encoder(enc_hook=_octets_as_text)
_decoder = msgspec.json.Decoder(Event, dec_hook=_octets_from_text)
