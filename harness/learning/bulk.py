"""The bulk header, at the front of the data of type 3 frames (TRN-03), when the header before it is
known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from starwire.protocol.layout import BulkLayout, ByteOrder
from starwire.protocol.status import MessageType, Status

from .cutting import Cut, message_start
from .fields import Row
from .search import Choice, Search
from .traffic import Frame, data_of

_WITH_HEADER = {Status.BULK, Status.BULK_END, Status.CANCELLED, Status.APPLICATION_ERROR}
"""The statuses of replies that have a bulk header; the others of type 3 are bare."""
_DIGEST = 32
_LONGEST = 32
"""Octets of a bulk header: four integers."""


def bulk_search(
    cuts: Mapping[str, Cut], chosen: Mapping[str, Sequence[Choice]], order: ByteOrder
) -> tuple[Search, list[Choice]] | None:
    """The bulk header under the chosen layouts; None if none explains what was captured."""
    found = [
        (frame, cuts[header].header, status)
        for header, path in chosen.items()
        if header in cuts
        for frame, status in _frames(cuts[header], path, order)
    ]
    size = _size(found)
    if size is None:
        return None
    rows = [
        Row(
            frame.octets[start : start + size],
            len(frame.octets),
            frame.is_request,
            frame.line,
            data=data_of(frame.octets, start + size),
            status=status,
        )
        for frame, start, status in found
        if len(frame.octets) >= start + size
    ]
    search = Search(BulkLayout.__struct_fields__, rows, size)
    paths = [path for width in range(1, 9) if (path := search.best(order, _no_wider(width)))]
    return (search, min(paths, key=lambda one: one[0])[1]) if paths else None


def _frames(cut: Cut, path: Sequence[Choice], order: ByteOrder) -> Iterator[tuple[Frame, int]]:
    """The frames that have a bulk header, each with its status."""
    fields = {choice.name: choice for choice in path}
    for frame in cut.frames:
        status = _number(frame, fields["status"], order)
        is_bulk = _number(frame, fields["type"], order) == MessageType.BULK
        has_header = frame.is_request or status in _WITH_HEADER
        if is_bulk and has_header and not frame.is_twin and len(frame.octets) > cut.header:
            yield frame, status


def _number(frame: Frame, choice: Choice, order: ByteOrder) -> int:
    own: ByteOrder = "big" if choice.variant == "big" else "little"
    octets = frame.octets[choice.start : choice.end]
    return int.from_bytes(octets, own if choice.variant else order)


def _size(found: Sequence[tuple[Frame, int, int]]) -> int | None:
    """The octets of the bulk header: up to the message of an open, or else to the digest."""
    opens = [frame.octets[start:] for frame, start, _ in found if frame.is_request]
    size = message_start(opens)
    if size is None:
        ends = {
            len(frame.octets) - start - _DIGEST
            for frame, start, status in found
            if status == Status.BULK_END
        }
        size = ends.pop() if len(ends) == 1 else None
    return size if size is not None and 4 <= size <= _LONGEST else None


def _no_wider(width: int) -> Callable[[Choice], bool]:
    """A total of that width, and an offset that can hold it (HDR-10)."""

    def allows(choice: Choice) -> bool:
        if choice.name == "total":
            return choice.width == width
        return choice.name != "offset" or choice.width >= width

    return allows
