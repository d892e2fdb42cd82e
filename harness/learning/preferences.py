"""What is preferred where several layouts explain the octets alike.

Costs are comparable with each other and nothing else. The seed says that the version may be one
byte and the length is preferably a 32-bit integer (HDR-02); the other widths are those of the
protocol's tables, then what programs of the time had: 1, 2, 4 or 8 octets.
"""

from __future__ import annotations

from starwire.protocol.layout import ByteOrder, Pad

WRONG = 2.0
"""The cost of a frame that speaks against a field."""
UNLIKELY = 6.0
"""A layout that costs so much more than the chosen one is told apart from those that might be."""
OWN_ORDER = 4.0
"""A field with another byte order than the rest of the profile."""
LITTLE = 0.25
"""Network byte order is the custom of TCP/IP."""
OWN_PAD = 0.5
WIDE_MULTIPLE = 5.0
"""A number whose last octet is 0 in each of one or two values that were seen."""
WIDE_FLAG = 12.0
"""The same of a flag, which is 0 or 1 wherever it is nothing but a flag."""

_NARROW = {1: 0.0, 2: 1.0, 4: 1.5}
_WIDTHS: dict[str, dict[int, float]] = {
    "version": _NARROW,
    "length": {4: 0.0, 2: 1.0, 8: 1.5, 1: 6.0},
    "echo": _NARROW,
    "type": _NARROW,
    "transaction": _NARROW,
    "operation": _NARROW,
    "serial": {8: 0.0, 4: 0.0, 2: 1.0},
    "status": {2: 0.0, 1: 0.1, 4: 0.5, 8: 1.5},
    "transfer": {8: 0.0, 4: 0.0, 2: 2.0},
    "offset": {8: 0.0, 4: 0.0},
    "total": {8: 0.0, 4: 0.0},
    "session_key": {32: 0.0, 16: 0.0, 24: 0.3, 20: 0.3, 40: 0.3, 64: 0.3, 8: 0.3},
    "target": {8: 0.0, 6: 0.2, 16: 0.2},
    "user_id": {20: 0.0, 8: 0.3, 16: 0.3, 32: 0.3},
    "enterprise_id": {8: 0.0},
}
_OTHER_INTEGER = 3.0
_OTHER_TEXT = 1.0
_FILLS: dict[str, Pad] = {"session_key": "nul"}
_USUAL = {"serial": 8, "status": 2, "transfer": 8, "offset": 8, "total": 8, "session_key": 32}


def width_cost(name: str, width: int, *, is_text: bool) -> float:
    """Of a field of that name and width."""
    known = _WIDTHS[name]
    other = _OTHER_TEXT if is_text else _OTHER_INTEGER
    usual = _USUAL.get(name, next(iter(known)))
    return known.get(width, other) + 0.01 * abs(width - usual)


def order_cost(order: ByteOrder, rest: ByteOrder) -> float:
    """Of a field's byte order beside that of the profile."""
    return OWN_ORDER if order != rest else 0.0


def pad_cost(name: str, pad: Pad) -> float:
    """Of a text's fill: NUL for keys, blanks for all else (OCT-03)."""
    return OWN_PAD if pad != _FILLS.get(name, "blank") else 0.0
