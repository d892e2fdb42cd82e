"""How a header lies in octets: its fields, in wire order, as a wire profile describes them.

The order of the fields is the wire's own (HDR-01) and is the order of the classes here; everything
else of a field comes from the profile (HDR-10).
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

ByteOrder = Literal["big", "little"]
Pad = Literal["nul", "blank"]

_PADS: dict[Pad, bytes] = {"nul": b"\0", "blank": b" "}
_WIDEST_INTEGER = 8
_WIDEST_TEXT = 255
"""No bound of the wire's: wide enough for any key or name, narrow enough to hold thousands."""


class Integer(Struct, frozen=True, forbid_unknown_fields=True):
    """An unsigned integer. `order` stands over the profile's `byte_order` where it is given."""

    width: int
    order: ByteOrder | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.width <= _WIDEST_INTEGER:
            raise ValueError(f"width: must be 1 to {_WIDEST_INTEGER}")

    @property
    def greatest(self) -> int:
        """The greatest number that the field can hold."""
        return (1 << 8 * self.width) - 1


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """Text of one octet a character, filled on the right with `pad`."""

    width: int
    pad: Pad

    def __post_init__(self) -> None:
        if not 1 <= self.width <= _WIDEST_TEXT:
            raise ValueError(f"width: must be 1 to {_WIDEST_TEXT}")


class CommonLayout(Struct, frozen=True, forbid_unknown_fields=True):
    """Dispatcher to proxy and back (HDR-01, HDR-02)."""

    version: Integer
    length: Integer
    echo: Integer
    session_key: Text
    type: Integer
    serial: Integer
    status: Integer


class DispatcherLayout(Struct, frozen=True, forbid_unknown_fields=True):
    """Web server to dispatcher and back (DSP-01)."""

    version: Integer
    length: Integer
    target: Text
    type: Integer
    user_id: Text
    enterprise_id: Text
    session_key: Text
    status: Integer


class WebLayout(Struct, frozen=True, forbid_unknown_fields=True):
    """Client to web server and back (WEB-02)."""

    transaction: Integer
    session_key: Text


class BulkLayout(Struct, frozen=True, forbid_unknown_fields=True):
    """What the data of a bulk frame begins with (TRN-03)."""

    operation: Integer
    transfer: Integer
    offset: Integer
    total: Integer


Layout = CommonLayout | DispatcherLayout | WebLayout | BulkLayout


class IntegerSlot(Struct, frozen=True):
    """An integer field in its place."""

    name: str
    offset: int
    width: int
    order: ByteOrder

    @property
    def end(self) -> int:
        """The offset behind the field."""
        return self.offset + self.width

    def read(self, octets: bytes | bytearray, start: int) -> int:
        """The number in the header that begins at `start`."""
        return int.from_bytes(octets[start + self.offset : start + self.end], self.order)


class TextSlot(Struct, frozen=True):
    """A text field in its place; `pad` is the octet that fills it."""

    name: str
    offset: int
    width: int
    pad: bytes

    @property
    def end(self) -> int:
        """The offset behind the field."""
        return self.offset + self.width


Slot = IntegerSlot | TextSlot


def slots(layout: Layout, byte_order: ByteOrder) -> tuple[Slot, ...]:
    """Every field of `layout` in its place; integers without an order of their own get
    `byte_order`.
    """
    return tuple(_slots(layout, byte_order))


def size_of(layout: Layout) -> int:
    """The octets of the header."""
    return sum(getattr(layout, name).width for name in layout.__struct_fields__)


def _slots(layout: Layout, byte_order: ByteOrder) -> Iterator[Slot]:
    offset = 0
    for name in layout.__struct_fields__:
        field: Integer | Text = getattr(layout, name)
        if isinstance(field, Integer):
            yield IntegerSlot(name, offset, field.width, field.order or byte_order)
        else:
            yield TextSlot(name, offset, field.width, _PADS[field.pad])
        offset += field.width
