"""Streams cut into frames: where the length is, and where the data begin.

A length field is right if the frames that it tells tile every stream. Leading zeros of a length may
belong to the version, and trailing ones to the next field, so several fields may tell the same
frames; all that do are kept.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from starwire.protocol.layout import ByteOrder, IntegerSlot
from starwire.protocol.recording import Sender

from .traffic import Data, Frame, NothingLearned, Spoken, bracket_of, data_of

_WIDTHS = range(1, 9)
_SHORTEST = 12
"""Octets of a header behind its length: a key has 8, and there are fields around it."""
_LONGEST_HEADER = 1024
_LONGEST_ACRONYM = 8
_LONGEST_ASKED = 65_536
_MOST_ASKED = 1000
"""Frames, and octets of each, that are asked where their message begins."""
_ENOUGH = 65_536
"""Octets of a stream that count for a tiling: a long one must not outweigh all others."""
_WIDEST = 8
_SHORTEST_PREFIX = 9
_LONGEST_PREFIX = 263
"""Octets of a web header: an integer and a key of 8 to 255."""
_ORDERS: tuple[ByteOrder, ...] = ("big", "little")
_LEAST_TILED = 0.5
"""Of the octets of streams that begin with a frame: below this the frames are accidents."""


class Stream(Struct):
    """What one side of a connection said, from its first frame on."""

    line: int
    sender: Sender
    octets: bytes
    start: int = 0
    """Where the first frame begins."""


class Cut(Struct):
    """The frames of all streams of one header."""

    frames: list[Frame]
    lengths: frozenset[IntegerSlot]
    """Every field that tells these frames."""
    header: int
    """The octets of the header."""
    data: list[Data]
    """Of each frame."""
    left: dict[tuple[int, Sender], int]
    """Where in a stream the frames end, if they end before it does."""


class _Tiling(Struct):
    """What the streams are cut into by the fields that cut them alike."""

    lengths: list[IntegerSlot]
    ends: list[list[int]]
    """For each stream where its frames begin and end, as far as they are whole."""
    explained: int
    """Octets, of a long stream no more than count."""


def cut(streams: list[Stream], names: list[str], spoken: Spoken) -> Cut:
    """Find the frames. Raises NothingLearned where there are none."""
    tilings = sorted(_tilings(streams), key=lambda one: -one.explained)
    if not tilings or not _is_enough(streams, tilings[0]):
        raise _does_not_tile(streams, tilings, names, spoken)
    found = [_cut(streams, tiling) for tiling in tilings]
    votes, best = max(found, key=lambda one: (one[0], _wholes(streams, one[1])))
    if not votes:
        raise NothingLearned(
            f"no message text found in the frames of the {spoken} header: is the capture encrypted?"
            " Capture behind the encryption, or one that holds transactions and not only echoes"
        )
    best.data = [data_of(frame.octets, best.header) for frame in best.frames]
    return best


def _wholes(streams: list[Stream], found: Cut) -> int:
    """The streams that are frames to their end, less those that only begin as if they were."""
    left = {(one.line, one.sender): one.start for one in streams}
    begun = [place for place, end in found.left.items() if end > left[place]]
    return len(streams) - len(found.left) - len(begun)


def _is_enough(streams: list[Stream], tiling: _Tiling) -> bool:
    """Whether the frames are most of the streams that begin with one."""
    pairs = list(zip(streams, tiling.ends, strict=True))
    total = sum(min(_ENOUGH, len(one.octets) - one.start) for one, ends in pairs if len(ends) > 1)
    return tiling.explained >= max(1, _LEAST_TILED * total)


def _cut(streams: list[Stream], tiling: _Tiling) -> tuple[int, Cut]:
    """The frames of a tiling, and how many have a message at the one place where most have it."""
    pairs = list(zip(streams, tiling.ends, strict=True))
    asking = {one.line for one, ends in pairs if one.sender == "client"}
    framed = {one.line for one, ends in pairs if one.sender == "client" and len(ends) > 1}
    frames = [
        Frame(one.octets[start:end], one.sender == "client", one.line)
        for one, ends in pairs
        if one.line in framed or one.line not in asking  # a client that sends none is no peer
        for start, end in itertools.pairwise(ends)
    ]
    _mark_twins(frames)
    left = {(one.line, one.sender): ends[-1] for one, ends in pairs if ends[-1] < len(one.octets)}
    header, votes = _message_start(frame.octets for frame in frames)
    return votes, Cut(frames, frozenset(tiling.lengths), header, [], left)


def web_prefix(bodies: list[tuple[Sender, bytes]]) -> int:
    """The octets of the web header: where in each body of a request the frame begins whose length
    is the rest of the body (WEB-01). Raises NothingLearned.
    """
    requests = sorted({body for sender, body in bodies if sender == "client"}, key=len)
    votes: Counter[int] = Counter()
    for body in requests:
        votes.update(set(_whole_rests(body)))
    best = max(votes.values(), default=0)
    if best < max(1, _LEAST_TILED * len(requests)):
        raise NothingLearned(
            "no web header found: no number in the bodies of the POSTs is the length of what stands"
            " behind it; are these POSTs of this wire? Give --hop if they are not"
        )
    # Accidents hit some bodies, the right one hits all; where several hit as many, the shortest.
    return min(prefix for prefix, count in votes.items() if count == best)


def _whole_rests(body: bytes) -> Iterator[int]:
    """Where a frame would begin that ends with the body."""
    for width in _WIDTHS:
        for at in range(_SHORTEST_PREFIX + 1, min(len(body), _LONGEST_PREFIX + _WIDEST) - width):
            number = body[at : at + width]
            for order in _ORDERS:
                prefix = len(body) - int.from_bytes(number, order)
                if at - _WIDEST <= prefix < at and prefix >= _SHORTEST_PREFIX:
                    yield prefix


def _slots() -> Iterator[IntegerSlot]:
    for version in _WIDTHS:
        for width in _WIDTHS:
            orders = _ORDERS if width > 1 else _ORDERS[:1]
            yield from (IntegerSlot("length", version, width, order) for order in orders)


def _tilings(streams: list[Stream]) -> list[_Tiling]:
    """Every way in which some field cuts off frames."""
    found: dict[tuple[tuple[int, ...], ...], _Tiling] = {}
    for slot in _slots():
        ends = [_ends(stream, slot) for stream in streams]
        pairs = zip(streams, ends, strict=True)
        explained = sum(min(_ENOUGH, cuts[-1] - one.start) for one, cuts in pairs)
        if explained:
            key = tuple(map(tuple, ends))
            found.setdefault(key, _Tiling([], ends, explained)).lengths.append(slot)
    return list(found.values())


def _ends(stream: Stream, slot: IntegerSlot) -> list[int]:
    """Where frames begin and end in a stream, as far as they are whole."""
    octets, at = stream.octets, stream.start
    least, most = slot.end + _SHORTEST, len(octets)
    first, last, order = slot.offset, slot.end, slot.order
    cuts = [at]
    while at + least <= most:
        length = int.from_bytes(octets[at + first : at + last], order)
        if length < least or at + length > most:
            break
        at += length
        cuts.append(at)
    return cuts


def _mark_twins(frames: list[Frame]) -> None:
    said = {(frame.line, frame.is_request, frame.octets) for frame in frames}
    for frame in frames:
        frame.is_twin = (frame.line, not frame.is_request, frame.octets) in said


def message_start(frames: Iterable[bytes]) -> int | None:
    """Where in most frames a message begins that is all of the rest; None if there is none."""
    start, votes = _message_start(frames)
    return start if votes else None


def _message_start(frames: Iterable[bytes]) -> tuple[int, int]:
    """Where it begins, and in how many frames."""
    votes: Counter[int] = Counter()
    asked = {octets for octets in frames if len(octets) <= _LONGEST_ASKED}
    for octets in itertools.islice(asked, _MOST_ASKED):
        votes.update(_starts(octets))
    # A bare group counts behind an acronym too, so that several starts may have as many votes.
    best = max(votes.values(), default=0)
    return min((start for start, count in votes.items() if count == best), default=0), best


def _starts(octets: bytes) -> Iterator[int]:
    """Where a message may begin that is all of the rest."""
    at = octets.find(b"<", 0, _LONGEST_HEADER)
    while at >= 0:
        if data_of(octets, at).is_message:
            first = max(0, at - _LONGEST_ACRONYM)
            yield from (start for start in range(first, at + 1) if bracket_of(octets, start) == at)
            return
        at = octets.find(b"<", at + 1, _LONGEST_HEADER)


def _does_not_tile(
    streams: list[Stream], tilings: list[_Tiling], names: list[str], spoken: Spoken
) -> NothingLearned:
    """The stream of which the most is left, and where."""
    ends = tilings[0].ends if tilings else [[stream.start] for stream in streams]
    pairs = zip(streams, ends, strict=True)
    stream, cuts = max(pairs, key=lambda one: len(one[0].octets) - one[1][-1])
    return NothingLearned(
        f"the frames do not tile the {stream.sender}'s stream of {names[stream.line]} from octet"
        f" {cuts[-1]} on: no length field fits; is this the {spoken} header (--hop), whole and not"
        " encrypted?"
    )
