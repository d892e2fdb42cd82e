"""The moments at which something can be judged, made of events by `connections`."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from starwire.protocol.bulk import Receiving
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import Profile
from starwire.protocol.recording import Request, Response, Sender
from starwire.protocol.units import Unit

from .talk import Talk


class Where(Struct, frozen=True):
    """Which event of which recording."""

    file: str
    line: int
    """Counted from 1."""
    hop: str
    connection: str
    at: int
    """Microseconds since the recording began."""
    transaction: str = ""


class Asked(Struct, kw_only=True, eq=False):
    """A request is whole, or has turned out to be none."""

    where: Where
    profile: Profile
    unit: Unit | None
    """None for octets that are no frame or message, and for HTTP without both headers."""
    octets: bytes
    problem: str = ""
    """Why they are none."""
    status: int = 0
    """101 or 102, where that is the answer to the problem."""
    request: Request | None = None
    """On the hop `web`."""
    cut: bool = False
    """Whether the body of the HTTP request is not known whole."""
    optional: bool = False
    """A cancel that the last frame of its run may have answered (TRN-03)."""
    begun: int = 0
    """When its first octet came, microseconds."""
    receiving: Receiving | None = None
    """The run that answers it, as far as its frames were good; `failed` when one was not."""
    failed: bool = False
    adopted: str = ""
    """The transaction id of the frame by which a dispatcher sent it on, if it had none itself."""

    frame: CommonHeader | DispatcherHeader | None = None
    """The header of the frame, and where it is a common one, the same."""
    common: CommonHeader | None = None

    def __post_init__(self) -> None:
        if self.unit is not None:
            self.frame = frame = self.unit.frame
            self.common = frame if isinstance(frame, CommonHeader) else None

    @property
    def web(self) -> WebHeader | None:
        return web_of(self.unit)

    @property
    def bulk(self) -> BulkHeader | None:
        return bulk_of(self.unit)

    @property
    def key(self) -> str:
        """The session key under which it is asked; of an HTTP request that of its web header, else
        the cookie's.
        """
        web, frame = self.web, self.frame
        if self.request is not None:
            return (web.session_key if web is not None else "") or self.request.cookie
        return "" if frame is None else frame.session_key

    @property
    def is_echo(self) -> bool:
        common = self.common
        return common is not None and common.echo != 0


class Answered(Struct, kw_only=True, eq=False):
    """A reply to a request is whole; of a transfer, one of its frames."""

    where: Where
    profile: Profile
    asked: Asked
    reply: Unit
    first: bool
    """Whether it is the first frame of the answer, and whether the last."""
    last: bool
    in_turn: bool = True
    """Whether all requests before it on the connection were answered."""
    multiplexed: bool = False
    replies: int = 1
    """How many frames of the answer there were, this one included."""
    behind_last: bool = False
    """On the hop `web`, whether the frame before it was the last already."""
    is_repeated: bool = False
    """Whether it tells again what was told before: a poll's outcome, or a resumed transfer."""
    run: str = ""
    """What is wrong with the frame as one of a transfer's run."""
    talk: Talk | None = None
    """The messages, where both are known; and the rules that the request puts to the test."""
    rules: list[str] = field(default_factory=list)
    frame: CommonHeader | DispatcherHeader | None = None
    """The header of the frame, and where it is a common one, the same."""
    common: CommonHeader | None = None
    status: int = -1
    """Of the frame; -1 of a bare message."""

    def __post_init__(self) -> None:
        self.frame = frame = self.reply.frame
        if frame is not None:
            self.common = frame if isinstance(frame, CommonHeader) else None
            self.status = frame.status

    @property
    def octets(self) -> bytes:
        return self.reply.octets

    @property
    def bulk(self) -> BulkHeader | None:
        return bulk_of(self.reply)


class Responded(Struct, kw_only=True, eq=False):
    """An HTTP response is whole."""

    where: Where
    profile: Profile
    asked: Asked
    response: Response
    frames: int
    """How many dispatcher frames it held."""
    status: int
    """Of the last; -1 if there was none."""
    web: WebHeader | None
    """Its web header."""
    rest: int
    """Octets behind the last frame, or of no frame."""
    octets: bytes
    """What began the body."""
    problem: str = ""
    tls: bool = False
    """Whether the connection was opened over TLS."""


class Unasked(Struct, kw_only=True, eq=False):
    """A server has said something for which there is no request."""

    where: Where
    profile: Profile
    octets: bytes


class Garbled(Struct, kw_only=True, eq=False):
    """What a server says is no frame or message from here on, or ends within one."""

    where: Where
    profile: Profile
    problem: str
    status: int
    octets: bytes
    unfinished: bool = False
    owed: bool = False
    """Whether a request was open, so that a reply was to come."""


class Ending(Struct, kw_only=True, eq=False):
    """A server ends a connection on which its client has not ended."""

    where: Where
    profile: Profile
    spoken: str
    reason: str
    """The rule that lets it; "" for none."""
    unanswered: Asked | None
    """The oldest request without an answer."""
    octets: bytes = b""
    """What it said last."""


Due: TypeAlias = Literal["close", "mid-frame", "idle", "reply"]


class Overdue(Struct, kw_only=True, eq=False):
    """Something that has to happen on a connection by now has not."""

    where: Where
    profile: Profile
    due: Due
    rule: str
    since: int
    """Microseconds of the recording's clock."""
    seconds: float
    """How long it may take."""
    octets: bytes = b""


class Over(Struct, kw_only=True, eq=False):
    """A connection is gone."""

    where: Where
    profile: Profile
    by: Sender
    met: dict[str, bool] = field(default_factory=dict)
    """Which limits and duties of the connection were met."""


Moment: TypeAlias = Asked | Answered | Responded | Unasked | Garbled | Ending | Overdue | Over


def web_of(unit: Unit | None) -> WebHeader | None:
    """The web header of a unit that has one."""
    first = unit.headers[0] if unit and unit.headers else None
    return first if isinstance(first, WebHeader) else None


def bulk_of(unit: Unit | None) -> BulkHeader | None:
    """The bulk header of a unit that has one."""
    last = unit.headers[-1] if unit and unit.headers else None
    return last if isinstance(last, BulkHeader) else None
