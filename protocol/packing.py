"""Headers to octets and back, compiled from a layout of the wire profile.

Strategy: a codec is asked for every frame at every hop, so it is compiled once, from its layout, to
three functions without a loop: one `struct` call each, and a look in a table for each text field,
text to padded octets or padded octets to text. The same targets, users and session keys come again
and again, so a text is checked, padded or stripped when it is first met, entered, and the call
begins anew. That keeps a codec within three times the bare `struct` call (`benchmarks/headers.py`).
Integers of a width or byte order that the `struct` call cannot do travel through it as octets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from .layout import ByteOrder, IntegerSlot, Layout, Slot, TextSlot, slots

H = TypeVar("H", bound=Struct)


class HeaderError(ValueError):
    """A value that its field cannot carry, or octets too few for a header."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        """The header, or the header and its field: `common.serial`."""
        self.reason = reason


class HeaderCodec(Generic[H]):
    """One header under one profile, both ways.

    `encode(header)` gives the octets of the header as it is. `frame(header, data)` gives header and
    data with the header's length set to that of both (a header without a length goes as it is).
    Both raise HeaderError, naming the field, for an integer or a text that does not fit, a text
    with a character beyond ISO 8859-1, and one that ends in its own pad, which would come back
    shorter.

    `decode(octets, offset=0)` gives the header that begins at `offset`; octets behind it do not
    matter. It takes off pads, only on the right, and judges nothing. HeaderError if the octets end
    within the header.
    """

    encode: Callable[[H], bytes]
    frame: Callable[[H, bytes], bytes]
    decode: Callable[..., H]

    def __init__(self, name: str, kind: type[H], layout: Layout, byte_order: ByteOrder) -> None:
        self.name = name
        self.kind = kind
        """The class of the headers."""
        self.slots: tuple[Slot, ...] = slots(layout, byte_order)
        """The fields in wire order: name, offset, width and byte order or pad of each."""
        self._integers = {slot.name: slot for slot in self.slots if isinstance(slot, IntegerSlot)}
        self.size = self.slots[-1].end
        """The octets of the header."""
        self._integers = {slot.name: slot for slot in self.slots if isinstance(slot, IntegerSlot)}
        self.encode, self.frame, self.decode = _compile(self)

    def integer(self, name: str) -> IntegerSlot:
        """The integer field of that name, in its place."""
        return self._integers[name]

    def __repr__(self) -> str:
        return f"<{self.name} header, {self.size} octets>"


_SOURCE = """
def encode(header):
    try:
        return pack({encoded})
    except KeyError:
        learn_texts(header)
    except (StructError, OverflowError):
        raise misfit(header, None) from None
    return encode(header)

def frame(header, data):
    try:
        return pack({framed}) + data
    except KeyError:
        learn_texts(header)
    except (StructError, OverflowError):
        raise misfit(header, {size} + len(data)) from None
    return frame(header, data)

def decode(octets, offset=0):
    try:
        {names} = unpack_from(octets, offset)
        return kind({decoded})
    except KeyError:
        learn_octets(octets, offset)
    except StructError:
        raise short(octets, offset) from None
    return decode(octets, offset)
"""

_MARKS = {"big": ">", "little": "<"}
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_REMEMBERED = 4096
"""Values that a table of one text field keeps before it starts anew: a peer chooses the values."""


def _compile(codec: HeaderCodec[Any]) -> tuple[Any, Any, Any]:
    """The functions `encode`, `frame` and `decode` of `codec`, written for its layout."""
    order = _struct_order(codec.slots)
    whole = struct.Struct(_MARKS[order] + "".join(_code(slot, order) for slot in codec.slots))
    texts = [_Texts(codec.name, slot) for slot in codec.slots if isinstance(slot, TextSlot)]
    names: dict[str, Any] = {
        "pack": whole.pack,
        "unpack_from": whole.unpack_from,
        "StructError": struct.error,
        "kind": codec.kind,
        "misfit": lambda header, length: _misfits(codec, header, length)[0],
        "short": lambda octets, offset: HeaderError(
            codec.name, f"{len(octets) - offset} octets, the header has {codec.size}"
        ),
        "learn_texts": lambda header: _learn_texts(texts, header),
        "learn_octets": lambda octets, offset: _learn_octets(texts, octets, offset),
    }
    for text in texts:
        names[f"padded_{text.slot.name}"] = text.padded
        names[f"plain_{text.slot.name}"] = text.plain
    encoded = [_encoded(slot, order, f"header.{slot.name}") for slot in codec.slots]
    framed = [
        _encoded(slot, order, f"({codec.size} + len(data))") if slot.name == "length" else source
        for slot, source in zip(codec.slots, encoded, strict=True)
    ]
    source = _SOURCE.format(
        encoded=", ".join(encoded),
        framed=", ".join(framed),
        names=", ".join(slot.name for slot in codec.slots),
        decoded=", ".join(_decoded(slot, order) for slot in codec.slots),
        size=codec.size,
    )
    exec(source, names)
    return names["encode"], names["frame"], names["decode"]


def _struct_order(fields: tuple[Slot, ...]) -> ByteOrder:
    """The byte order of the `struct` call, which has but one: that of the first integer to care."""
    for slot in fields:
        if isinstance(slot, IntegerSlot) and slot.width in _CODES and slot.width > 1:
            return slot.order
    return "big"


def _is_direct(slot: IntegerSlot, order: ByteOrder) -> bool:
    return slot.width in _CODES and (slot.width == 1 or slot.order == order)


def _code(slot: Slot, order: ByteOrder) -> str:
    if isinstance(slot, IntegerSlot) and _is_direct(slot, order):
        return _CODES[slot.width]
    return f"{slot.width}s"


def _encoded(slot: Slot, order: ByteOrder, value: str) -> str:
    """The source of what the `struct` call packs."""
    if isinstance(slot, TextSlot):
        return f"padded_{slot.name}[{value}]"
    if _is_direct(slot, order):
        return value
    return f"{value}.to_bytes({slot.width}, {slot.order!r})"


def _decoded(slot: Slot, order: ByteOrder) -> str:
    """The source of the value of what the `struct` call unpacked."""
    if isinstance(slot, TextSlot):
        return f"plain_{slot.name}[{slot.name}]"
    if _is_direct(slot, order):
        return slot.name
    return f"int.from_bytes({slot.name}, {slot.order!r})"


def _misfits(codec: HeaderCodec[Any], header: Struct, length: int | None) -> list[HeaderError]:
    """An error for each integer that does not fit its field; `length` stands for the header's."""
    errors = []
    for slot in codec.slots:
        if isinstance(slot, IntegerSlot):
            value = getattr(header, slot.name)
            if slot.name == "length" and length is not None:
                value = length
            if not (isinstance(value, int) and 0 <= value < 1 << 8 * slot.width):
                place = f"{codec.name}.{slot.name}"
                errors.append(HeaderError(place, f"{value} does not fit {slot.width} octets"))
    return errors


class _Texts:
    """The tables of one text field: text to the octets of the field, and back."""

    def __init__(self, header: str, slot: TextSlot) -> None:
        self.slot = slot
        self.padded: dict[str, bytes] = {}
        self.plain: dict[bytes, str] = {}
        self._place = f"{header}.{slot.name}"

    def learn_text(self, header: Struct) -> None:
        """Enter the field's text in the one table. HeaderError if the field cannot carry it."""
        text: str = getattr(header, self.slot.name)
        width, pad = self.slot.width, self.slot.pad
        try:
            octets = text.encode("latin-1")
        except UnicodeEncodeError:
            raise HeaderError(self._place, "a character beyond ISO 8859-1") from None
        if len(octets) > width:
            raise HeaderError(self._place, f"{len(octets)} octets do not fit {width}")
        if octets.endswith(pad):
            raise HeaderError(self._place, f"ends in its own pad, {pad!r}")
        if len(self.padded) >= _REMEMBERED:
            self.padded.clear()
        self.padded[text] = octets.ljust(width, pad)

    def learn_octets(self, octets: bytes, start: int) -> None:
        """Enter the field's octets in the other table, for the header that begins at `start`."""
        field = bytes(octets[start + self.slot.offset : start + self.slot.end])
        if len(self.plain) >= _REMEMBERED:
            self.plain.clear()
        self.plain[field] = field.rstrip(self.slot.pad).decode("latin-1")


def _learn_texts(texts: list[_Texts], header: Struct) -> None:
    for text in texts:
        text.learn_text(header)


def _learn_octets(texts: list[_Texts], octets: bytes, start: int) -> None:
    for text in texts:
        text.learn_octets(octets, start)
