"""Header fields made wrong, in the octets of a frame or of a web server's body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starwire.protocol.layout import IntegerSlot, Slot
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile

from .fault import Fault

_FRAMED = ("staroe", "rm", "rs", "inbox")


class Headers:
    """The headers that the octets of a port begin with, outermost first."""

    def __init__(self, profile: Profile, port: str) -> None:
        wire = profile.wire
        layers: Sequence[HeaderCodec[Any]] = ()
        if port == "web":
            layers = (wire.web, wire.dispatcher)
        elif port == "dispatcher":
            layers = (wire.dispatcher,)
        elif port in _FRAMED:
            layers = (wire.common,)
        self.size = sum(codec.size for codec in layers)
        self._places: dict[str, tuple[int, Slot]] = {}
        offset = 0
        for codec in layers:
            for slot in codec.slots:
                self._places.setdefault(slot.name, (offset + slot.offset, slot))
            offset += codec.size
        self.fields = frozenset(self._places)
        """Their names; of two of one name the outer one is meant."""

    def altered(self, octets: bytes, fault: Fault, draw: int) -> bytes:
        """The octets with one field of their header as the fault wants it, their length kept."""
        if len(octets) < self.size:
            return octets
        start, slot = self._places[fault.field]
        end = start + slot.width
        old = octets[start:end]
        if fault.kind == "wrong-serial":
            new = _another(old, draw)
        elif fault.to is None:
            new = _turned(old, draw)
        else:
            new = _field_octets(slot, fault.to)
        return octets[:start] + new + octets[end:]


def _another(old: bytes, draw: int) -> bytes:
    """Other octets than the old ones, whatever was drawn."""
    width = 8 * len(old)
    return (int.from_bytes(old, "big") ^ (draw % ((1 << width) - 1) + 1)).to_bytes(len(old), "big")


def _turned(old: bytes, draw: int) -> bytes:
    """The octets with one bit turned over."""
    return (int.from_bytes(old, "big") ^ 1 << draw % (8 * len(old))).to_bytes(len(old), "big")


def _field_octets(slot: Slot, value: int | str) -> bytes:
    """What stands in a field for a value; one that does not fit is cut."""
    if isinstance(slot, IntegerSlot):
        return (int(value) % (1 << 8 * slot.width)).to_bytes(slot.width, slot.order)
    octets = str(value).encode("latin-1", "replace")[: slot.width]
    return octets.ljust(slot.width, slot.pad)
