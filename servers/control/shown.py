"""Records of the journal as people are shown them: decoded, and without passwords."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from starwire.grammar import Limits, MetadataError, parse
from starwire.grammar.plain import as_plain
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType
from starwire.servers.backend import acronym_of
from starwire.servers.journal import Outcome, Record
from starwire.servers.masking import masked


class HeaderShown(Struct, frozen=True):
    """A header and its fields."""

    layer: str
    fields: dict[str, int | str]


class MessageShown(Struct, frozen=True):
    """Octets of a request or a reply: as text, a character for each, and decoded."""

    octets: str
    """U+0000 to U+00FF, headers included; passwords are `*`."""
    whole: bool
    """Whether these are all octets of it."""
    headers: list[HeaderShown]
    message: dict[str, Any] | None
    """The tree behind the headers, as `starwire parse --json` has it."""
    no_message: str
    """Why there is no tree; "" where there is one."""


class TransactionShown(Struct, frozen=True, kw_only=True):
    """One transaction at one port."""

    id: int
    hop: str
    transaction: str
    """The same at every hop of this process."""
    peer: str
    user: str
    target: str
    type: int | None
    serial: int | None
    acronym: str
    """Of the request; "" where it has none."""
    status: int | None
    code: str
    """The value of ERROR in the reply; "" where it has none."""
    http: int | None
    outcome: Outcome
    began: float
    """Seconds since 1970."""
    seconds: float
    request_octets: int
    reply_octets: int
    reply_frames: int
    request: MessageShown | UnsetType = UNSET
    """Only where the whole transaction was asked for."""
    reply: MessageShown | UnsetType | None = UNSET
    """None if there was none."""


class Showing:
    """Decodes records under one profile."""

    def __init__(self, profile: Profile) -> None:
        wire = profile.wire
        self._limits: Limits = profile.limits
        common: list[HeaderCodec[Any]] = [wire.common]
        self._layers: dict[str, list[HeaderCodec[Any]]] = {
            "web": [wire.web, wire.dispatcher],
            "dispatcher": [wire.dispatcher],
            **dict.fromkeys(("staroe", "rm", "rs", "inbox"), common),
        }
        self._bulk = wire.bulk

    def summary(self, record: Record) -> TransactionShown:
        """A record in short."""
        data = self._data(record, record.request)
        return TransactionShown(
            id=record.number,
            hop=record.hop,
            transaction=record.transaction,
            peer=record.peer,
            user=record.user or self._userid(data),
            target=record.target,
            type=record.type,
            serial=self._serial(record),
            acronym=acronym_of(data) or "",
            status=record.status,
            code=record.code,
            http=record.http,
            outcome=record.outcome,
            began=record.began,
            seconds=record.seconds,
            request_octets=record.request_octets,
            reply_octets=record.reply_octets,
            reply_frames=record.frames,
        )

    def whole(self, record: Record) -> TransactionShown:
        """A record with all that is kept of it."""
        kept = len(record.request) == record.request_octets
        request = self._message(record, record.request, kept)
        reply = None
        if record.frames:
            kept = record.frames == 1 and len(record.reply) == record.reply_octets
            reply = self._message(record, record.reply, kept)
        short = self.summary(record)
        return msgspec.structs.replace(short, request=request, reply=reply)

    def texts(self, record: Record) -> tuple[str, str]:
        """Request and reply as text, without passwords."""
        both = (record.request, record.reply)
        request, reply = (self._masked(record, octets).decode("latin-1") for octets in both)
        return request, reply

    def _headers(self, record: Record) -> list[HeaderCodec[Any]]:
        layers = self._layers.get(record.hop, [])
        return [*layers, self._bulk] if record.type == MessageType.BULK else layers

    def _offset(self, record: Record) -> int:
        return sum(codec.size for codec in self._headers(record))

    def _data(self, record: Record, octets: bytes) -> bytes:
        return octets[self._offset(record) :]

    def _masked(self, record: Record, octets: bytes) -> bytes:
        offset = self._offset(record)
        return octets[:offset] + masked(octets[offset:], self._limits)

    def _serial(self, record: Record) -> int | None:
        for codec in self._headers(record):
            if codec.name == "common":
                return int(codec.decode(record.request).serial)
        return None

    def _userid(self, data: bytes) -> str:
        """Whom the message itself names: a logon has no session yet."""
        try:
            field = parse(data, self._limits).fields().get("USERID")
        except MetadataError:
            return ""
        return "" if field is None else field.value.scalar

    def _message(self, record: Record, octets: bytes, whole: bool) -> MessageShown:
        hidden = self._masked(record, octets)
        headers, offset = [], 0
        for codec in self._headers(record):
            if len(hidden) < offset + codec.size:
                break
            told = msgspec.structs.asdict(codec.decode(hidden, offset))
            headers.append(HeaderShown(codec.name, told))
            offset += codec.size
        tree, reason = self._tree(hidden[offset:])
        return MessageShown(hidden.decode("latin-1"), whole, headers, tree, reason)

    def _tree(self, data: bytes) -> tuple[dict[str, Any] | None, str]:
        if not data:
            return None, "no data"
        try:
            plain = as_plain(parse(data, self._limits))
            msgspec.json.encode(plain)
        except MetadataError as error:
            return None, f"octet {error.offset}: {error.explain()}"
        except RecursionError:
            return None, "groups too deep for JSON"
        return plain, ""
