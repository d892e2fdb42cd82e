"""Traffic of any profile, made with the project's own codecs, for what learns profiles."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import msgspec
from hypothesis import strategies as st

from starwire.harness.learning import Line
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.layout import (
    BulkLayout,
    CommonLayout,
    DispatcherLayout,
    Integer,
    Text,
    WebLayout,
)
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile, shipped

ORDERS = st.sampled_from(["big", "little"])
PADS = st.sampled_from(["nul", "blank"])


def integers(least: int = 1, most: int = 8, own_order: float = 0.0) -> st.SearchStrategy[Integer]:
    """An integer field, perhaps with an order of its own."""
    order = st.one_of(st.none(), ORDERS) if own_order else st.none()
    return st.builds(Integer, st.integers(least, most), order)


@st.composite
def profiles(draw: st.DrawFn, *, own_orders: bool = False) -> Profile:
    """Any valid profile."""
    mixed = 1.0 if own_orders else 0.0
    flag, serial = integers(1, 4, mixed), integers(3, 8, mixed)
    length = integers(2, 8, mixed)
    status = integers(1, 4, mixed)
    key = st.builds(Text, st.just(draw(st.integers(8, 40))), PADS)
    base = shipped("default")
    common = CommonLayout(*[draw(one) for one in (flag, length, flag, key, flag, serial, status)])
    dispatcher = DispatcherLayout(
        draw(flag),
        draw(length),
        Text(draw(st.integers(6, 12)), draw(PADS)),
        draw(flag),
        Text(draw(st.integers(8, 24)), draw(PADS)),
        Text(draw(st.integers(8, 12)), draw(PADS)),
        draw(key),
        draw(status),
    )
    total = draw(integers(4, 8, mixed))
    bulk = BulkLayout(
        draw(flag), draw(serial), Integer(draw(st.integers(total.width, 8)), total.order), total
    )
    narrowest = min(common.length.width, dispatcher.length.width)
    octets = min(base.frame_octets, (1 << 8 * narrowest) - 1)
    return Profile(
        **msgspec.structs.asdict(base)
        | {
            "name": "any",
            "version": draw(st.integers(1, 255)),
            "byte_order": draw(ORDERS),
            "frame_octets": octets,
            "bulk_frame_octets": min(octets, base.bulk_frame_octets),
            "bulk_chunk": 1000,
            "common": common,
            "dispatcher": dispatcher,
            "web": WebLayout(draw(flag), draw(key)),
            "bulk": bulk,
        }
    )


USERS = [("jeanvnet", "00022924"), ("tom", "00000017"), ("margaret", "90210000")]
TARGETS = ("RM", "RS", "INBOX", "STAROE")


class Traffic:
    """Connections of a profile, as a capture would have them."""

    def __init__(self, profile: Profile, seed: int, transactions: int = 40) -> None:
        self.profile = profile
        self.lines: list[Line] = []
        self.headers: dict[str, list[bytes]] = {
            "common": [],
            "dispatcher": [],
            "web": [],
            "bulk": [],
        }
        self._random = random.Random(seed)
        widest = min(profile.common.serial.width, 6)
        self._serial = self._random.randrange(1, 1 << 8 * widest - 2)
        width = profile.common.session_key.width
        self._keys = ["".join(self._random.choices("0123456789abcdef", k=width)) for _ in USERS]
        self._transfer = 0
        for _ in range(transactions):
            self._transaction()

    def _line(self, spoken: Any) -> Line:
        line = Line(f"{spoken} {len(self.lines)}", spoken, bodies=[])
        self.lines.append(line)
        return line

    def _frame(self, codec: HeaderCodec[Any], header: Any, data: bytes = b"") -> bytes:
        framed = codec.frame(header, data)
        self.headers[codec.name].append(framed[: codec.size])
        return framed

    def _transaction(self) -> None:
        kinds = (self._sync, self._sync, self._error, self._asynchronous, self._echo, self._bulk)
        kinds[len(self.lines) % len(kinds) if len(self.lines) < 12 else self._random.randrange(6)]()

    def _message(self) -> tuple[bytes, int]:
        user = self._random.randrange(len(USERS))
        name, enterprise = USERS[user]
        more = b"," * self._random.randrange(0, 300)
        message = f"GRTL<PRODUCT=V,USERID={name},ENTPID={enterprise}".encode() + more + b">"
        return message, user

    def _hops(self, type_: int, data: bytes, status: int, answer: bytes, user: int) -> None:
        """One request and its reply, on all three hops."""
        wire, version = self.profile.wire, self.profile.version
        key, (name, enterprise) = self._keys[user], USERS[user]
        self._serial += self._random.randrange(1, 4)
        common = CommonHeader(version, 0, 0, key, type_, self._serial)
        line = self._line("common")
        line.client = self._frame(wire.common, common, data)
        line.server = self._frame(wire.common, common.reply(status), answer)
        target = TARGETS[len(self.lines) % len(TARGETS)]
        asked = DispatcherHeader(version, 0, target, type_, name, enterprise, key)
        line = self._line("dispatcher")
        line.client = self._frame(wire.dispatcher, asked, data)
        line.server = self._frame(wire.dispatcher, asked.reply(status), answer)
        line = self._line("web")
        transaction = type_ and 1
        for sender, header, rest in (
            ("client", DispatcherHeader(version, 0, target, type_), data),
            ("server", asked.reply(status), answer),
        ):
            web = wire.web.encode(WebHeader(transaction, key))
            self.headers["web"].append(web)
            line.bodies.append((sender, web + self._frame(wire.dispatcher, header, rest)))

    def _sync(self) -> None:
        message, user = self._message()
        answer = b"SRTL<ERROR=0,REPORTS=<a,1,R>>" * (self._random.random() < 0.9)
        self._hops(0, message, 0, answer, user)

    def _error(self) -> None:
        message, user = self._message()
        self._hops(0, message, 100, b"SRTL<ERROR=6827>", user)
        self._hops(0, message, 105, b"", user)

    def _asynchronous(self) -> None:
        message, user = self._message()
        ident = b"%020d" % self._random.randrange(1 << 40)
        self._hops(1, message, 1, ident, user)
        self._hops(2, ident, 2, b"", user)
        self._hops(2, ident, 0, b"SRTL<ERROR=0>", user)

    def _echo(self) -> None:
        self._serial += 1
        line = self._line("common")
        header = CommonHeader(self.profile.version, 0, 1, "", 0, self._serial)
        line.client = line.server = self._frame(self.profile.wire.common, header)

    def _bulk(self) -> None:
        wire, profile = self.profile.wire, self.profile
        message, user = self._message()
        payload = self._random.randbytes(self._random.randrange(1, 5000))
        self._transfer += 1
        self._serial += 1
        header = CommonHeader(profile.version, 0, 0, self._keys[user], 3, self._serial)
        line = self._line("common")

        def bulk(one: BulkHeader, rest: bytes) -> bytes:
            octets = wire.bulk.encode(one)
            self.headers["bulk"].append(octets)
            return octets + rest

        line.client = self._frame(wire.common, header, bulk(BulkHeader(0), message))
        at = 0
        while at < len(payload):
            chunk = payload[at : at + profile.bulk_chunk]
            one = BulkHeader(1, self._transfer, at, len(payload))
            line.server += self._frame(wire.common, header.reply(3), bulk(one, chunk))
            at += len(chunk)
        one = BulkHeader(2, self._transfer, at, at)
        digest = hashlib.sha256(payload).digest()
        line.server += self._frame(wire.common, header.reply(4), bulk(one, digest))
