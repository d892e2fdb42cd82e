"""The vocabulary of a script: what is sent, relative to what would be correct, and what came back.

A Draft is octets still as fields. Every field holds the correct value until a script says
otherwise, and what depends on others (the lengths) follows them:

    draft = request(profile, "common", b"GRTL<...>", session_key=key, serial=7)
    draft.octets                                  # a correct frame
    draft.with_(length=plus(1)).octets            # all right but its length, one too many
    draft.with_(length=plus(1)).but(data=b"")     # the same without data

Fields are laid out here by the profile's slots and not by the codecs of `protocol.packing`, so that
a mistake in those shows as a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from starwire.protocol.endpoints import Spoken
from starwire.protocol.layout import IntegerSlot, Slot
from starwire.protocol.profile import Profile
from starwire.protocol.status import Transaction

__all__ = ["Draft", "Received", "layers_of", "plus", "raw", "request"]

Change = Callable[[Any], Any]
"""What makes of the correct value the one that is sent."""


def plus(number: int) -> Change:
    """So much more than the correct value; an integer wraps at the width of its field."""
    return lambda value: value + number


class raw(bytes):
    """Octets of a field as they are, instead of text that would be filled up."""


def layers_of(spoken: Spoken) -> tuple[str, ...]:
    """The headers before a message on a port, outermost first, by their names in a Profile."""
    return {
        "web": ("web", "dispatcher"),
        "dispatcher": ("dispatcher",),
        "common": ("common",),
        "native": (),
    }[spoken]


class Layer(msgspec.Struct, frozen=True):
    """One header: its name, and what differs from the field's nought."""

    name: str
    values: dict[str, Any]


class Draft:
    """A request (or a reply) still as fields."""

    def __init__(
        self,
        profile: Profile,
        layers: tuple[Layer, ...],
        data: bytes,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        self.profile = profile
        self.data = data
        self._layers = layers
        self._changes = dict(changes or {})

    def with_(self, **changes: Any) -> Self:
        """Fields that are other than correct: a value, or what makes it of the correct one.

        A name means that field in every layer that has it; `web_session_key` and
        `dispatcher_session_key` mean one layer's alone.
        """
        return type(self)(self.profile, self._layers, self.data, {**self._changes, **changes})

    def but(self, *, data: bytes) -> Self:
        """The same with other data; lengths follow."""
        return type(self)(self.profile, self._layers, data, self._changes)

    @property
    def octets(self) -> bytes:
        """What is sent."""
        octets = self.data
        for layer in reversed(self._layers):
            octets = self._header(layer, len(octets)) + octets
        return octets

    @property
    def header_size(self) -> int:
        """The octets before the data."""
        return len(self.octets) - len(self.data)

    @property
    def values(self) -> dict[str, Any]:
        """What is sent in each field, the innermost layer's where several have it."""
        found: dict[str, Any] = {}
        for layer in self._layers:
            for slot in self._slots(layer):
                found[slot.name] = self._value(layer, slot, 0)
        return found

    def _slots(self, layer: Layer) -> tuple[Slot, ...]:
        slots: tuple[Slot, ...] = getattr(self.profile.wire, layer.name).slots
        return slots

    def _header(self, layer: Layer, behind: int) -> bytes:
        size = self._slots(layer)[-1].end
        return b"".join(
            _packed(slot, self._value(layer, slot, size + behind)) for slot in self._slots(layer)
        )

    def _value(self, layer: Layer, slot: Slot, length: int) -> Any:
        nought: Any = 0 if isinstance(slot, IntegerSlot) else ""
        value = length if slot.name == "length" else layer.values.get(slot.name, nought)
        for name in (slot.name, f"{layer.name}_{slot.name}"):
            if name in self._changes:
                change = self._changes[name]
                value = change(value) if callable(change) else change
        return value


def _packed(slot: Slot, value: Any) -> bytes:
    if isinstance(slot, IntegerSlot):
        number: int = value % (1 << 8 * slot.width)
        return number.to_bytes(slot.width, slot.order)
    if isinstance(value, raw):
        return value[: slot.width].ljust(slot.width, slot.pad)
    text: bytes = value.encode("latin-1")
    return text[: slot.width].ljust(slot.width, slot.pad)


def request(profile: Profile, spoken: Spoken, message: bytes, **values: Any) -> Draft:
    """A correct request for a port where `spoken` is spoken; values by the names of the fields.

    In the web seat the identity is left out, as a client does (DSP-01), and the session key stands
    in the web header alone.
    """
    given = {"version": profile.version, "transaction": Transaction.TRANSACTION, **values}
    hidden: tuple[str, ...] = ()
    if spoken == "web":
        hidden = ("user_id", "enterprise_id", "session_key")
    layers = []
    for name in layers_of(spoken):
        left_out = hidden if name == "dispatcher" else ()
        layers.append(Layer(name, {key: one for key, one in given.items() if key not in left_out}))
    return Draft(profile, tuple(layers), message)


class Received(msgspec.Struct, frozen=True):
    """A reply as it came: octets, the fields of its headers, and the data behind them."""

    octets: bytes
    data: bytes
    fields: dict[str, Any] = {}
    """Of the innermost header; those of an outer one under `web_session_key` and the like."""
    header_size: int = 0
    http: int | None = None
    """The status of HTTP, where that carried it."""
    http_headers: tuple[tuple[str, str], ...] = ()
    event: int = -1
    """Its place among the events of the transcript."""

    @property
    def status(self) -> int | None:
        """Of the innermost header; None where there is no header."""
        return self.fields.get("status")


def unpacked(profile: Profile, name: str, octets: bytes, start: int = 0) -> dict[str, Any]:
    """The fields of a header that begins at `start`, all of which must be there."""
    found: dict[str, Any] = {}
    for slot in getattr(profile.wire, name).slots:
        if isinstance(slot, IntegerSlot):
            found[slot.name] = slot.read(octets, start)
        else:
            field = octets[start + slot.offset : start + slot.end]
            found[slot.name] = field.rstrip(slot.pad).decode("latin-1")
    return found
