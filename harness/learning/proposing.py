"""From connections to a proposal: every header that was captured, and what they share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

from starwire.protocol.layout import (
    BulkLayout,
    ByteOrder,
    CommonLayout,
    DispatcherLayout,
    IntegerSlot,
    WebLayout,
)

from .bulk import bulk_search
from .cutting import Cut, Stream, cut, web_prefix
from .fields import Row
from .preferences import LITTLE, UNLIKELY
from .search import Choice, Search
from .traffic import Line, NothingLearned

NAMES = {
    "common": CommonLayout.__struct_fields__,
    "dispatcher": DispatcherLayout.__struct_fields__,
    "web": WebLayout.__struct_fields__,
    "bulk": BulkLayout.__struct_fields__,
}
"""The fields of each header, in wire order."""
_ORDERS: tuple[ByteOrder, ...] = ("big", "little")
_MOST_ROWS = 3000
"""Frames of a header that are searched over."""
Allows: TypeAlias = Callable[[Choice], bool]


class Alternative(Struct, frozen=True):
    """Another place of a field that no frame speaks against more than against the chosen one."""

    start: int
    width: int
    variant: str
    """Byte order or fill; "" for an integer of one octet."""
    unlikely: bool
    """Against custom and protocol, though not against the frames."""


class Found(Struct, frozen=True):
    """A field with its evidence."""

    name: str
    start: int
    width: int
    variant: str
    wrong: int
    """Frames that speak against it."""
    of: int
    words: str
    alternatives: tuple[Alternative, ...] = ()


class Proposal(Struct):
    """The layout of every header that was captured."""

    byte_order: ByteOrder
    version: int | None
    """None if neither frames of the common nor of the dispatcher header were captured."""
    headers: dict[str, tuple[Found, ...]]
    longest: int
    """The longest frame, octets."""
    frames: dict[str, int]
    notes: list[str]
    """What else is to be known, such as headers that were not captured."""
    left: list[str]
    """The streams that are not all frames, and from which octet on."""


def propose(lines: Sequence[Line], beside: Sequence[str] = ()) -> Proposal:
    """The wire profile that explains these connections best, noting what is to be told `beside`.
    Raises NothingLearned.
    """
    names = [line.name for line in lines]
    notes = list(beside)
    left: list[str] = []
    searches: dict[str, Search] = {}
    cuts: dict[str, Cut] = {}
    longest, counts = 0, {}
    for spoken in ("common", "dispatcher"):
        streams, prefixes = _streams(lines, spoken)
        if not streams:
            continue
        found = cuts[spoken] = cut(streams, names, spoken)
        left += _left_notes(found, streams, lines)
        rows = _rows(found)
        longest = max([longest, *(row.size for row in rows)])
        counts[spoken] = len(rows)
        searches[spoken] = _search(spoken, rows, found.header, found.lengths)
        if prefixes:
            counts["web"] = len(prefixes)
            searches["web"] = _search("web", prefixes, len(prefixes[0].octets))
    if not searches:
        why = f": {'; '.join(beside)}" if beside else ""
        raise NothingLearned(f"there is no connection of this wire in the capture{why}")
    chosen, order = _together(searches)
    if (bulk := bulk_search(cuts, chosen, order)) is not None:
        searches["bulk"], chosen["bulk"] = bulk
        counts["bulk"] = len(searches["bulk"].rows)
    notes += (
        f"no {header} header was captured: it is kept as `default` has it"
        for header in NAMES
        if header not in chosen
    )
    proposal = Proposal(order, None, {}, longest, counts, notes, left)
    for header, path in chosen.items():
        proposal.headers[header] = _with_alternatives(searches, chosen, header, path, order)
    proposal.version = _version_of(proposal, searches)
    return proposal


def _streams(lines: Sequence[Line], spoken: str) -> tuple[list[Stream], list[Row]]:
    """The streams whose frames begin with that header, and the web headers in front of them."""
    streams, prefixes = [], []
    for number, line in enumerate(lines):
        if line.spoken == spoken:
            streams += [
                Stream(number, "client", line.client),
                Stream(number, "server", line.server),
            ]
    if spoken == "dispatcher":
        bodies = [
            (number, sender, body)
            for number, line in enumerate(lines)
            if line.spoken == "web"
            for sender, body in line.bodies
        ]
        if bodies:
            prefix = web_prefix([(sender, body) for _, sender, body in bodies])
            for number, sender, body in bodies:
                if len(body) > prefix:
                    streams.append(Stream(number, sender, body, prefix))
                    prefixes.append(Row(body[:prefix], len(body), sender == "client", number))
    return [stream for stream in streams if stream.octets], prefixes


def _rows(found: Cut) -> list[Row]:
    return [
        Row(
            frame.octets[: found.header],
            len(frame.octets),
            frame.is_request,
            frame.line,
            frame.is_twin,
            data,
        )
        for frame, data in zip(found.frames, found.data, strict=True)
        if len(frame.octets) >= found.header
    ][:_MOST_ROWS]


def _search(
    header: str, rows: Sequence[Row], size: int, lengths: Collection[IntegerSlot] | None = None
) -> Search:
    search = Search(NAMES[header], rows, size, lengths)
    if not rows or not any(True for _ in search.choices(NAMES[header][0])):
        raise NothingLearned(
            f"no layout of the {header} header explains its {size} octets: there is no place for"
            f" {search.unplaced or 'all fields'}; is it another header (--hop), or are most frames"
            " broken?"
        )
    return search


def _together(searches: dict[str, Search]) -> tuple[dict[str, list[Choice]], ByteOrder]:
    """The cheapest layouts that have one byte order, one key width and one version."""
    best: tuple[float, ByteOrder, dict[str, list[Choice]]] | None = None
    for order, key, version in itertools.product(
        _ORDERS, sorted(_key_widths(searches)), sorted(_versions(searches))
    ):
        found = {
            header: search.best(order, _sharing(search, key, version, order))
            for header, search in searches.items()
        }
        whole = {header: one for header, one in found.items() if one is not None}
        if len(whole) < len(searches):
            continue
        cost = sum(one[0] for one in whole.values()) + (LITTLE if order == "little" else 0.0)
        if best is None or cost < best[0]:
            best = cost, order, {header: one[1] for header, one in whole.items()}
    if best is None:
        raise NothingLearned(
            "the headers were learned, but no profile has them all: their session keys differ in"
            " width, or their versions; learn them one at a time with --hop"
        )
    return best[2], best[1]


def _key_widths(searches: dict[str, Search]) -> set[int]:
    """Those that every header may have."""
    widths = [
        {choice.width for choice in search.choices("session_key")}
        for search in searches.values()
        if "session_key" in search.names
    ]
    return set.intersection(*widths) if widths else {0}


def _versions(searches: dict[str, Search]) -> set[int]:
    values = [
        {_value(search, choice, order) for choice in search.choices("version") for order in _ORDERS}
        for search in searches.values()
        if "version" in search.names
    ]
    return set.intersection(*values) if values else {0}


def _value(search: Search, choice: Choice, order: ByteOrder) -> int:
    """What a field holds in the most frames."""
    octets = [row.octets[choice.start : choice.end] for row in search.rows]
    own = choice.variant if choice.variant in _ORDERS else order
    return int.from_bytes(max(set(octets), key=octets.count), own)


def _sharing(search: Search, key: int, version: int, order: ByteOrder) -> Allows:
    versions = {
        choice.key
        for choice in (search.choices("version") if "version" in search.names else ())
        if _value(search, choice, order) == version
    }

    def allows(choice: Choice) -> bool:
        if choice.name == "session_key":
            return choice.width == key
        return choice.name != "version" or choice.key in versions

    return allows


def _with_alternatives(
    searches: dict[str, Search],
    chosen: dict[str, list[Choice]],
    header: str,
    path: list[Choice],
    order: ByteOrder,
) -> tuple[Found, ...]:
    """The fields of a header, each with the others that explain the frames as well."""
    widths = _key_widths(searches)
    through = searches[header].through(
        order, lambda choice: choice.name != "session_key" or choice.width in widths
    )
    wrong = sum(choice.judged.wrong for choice in path)
    least = through[path[0].key][1][1]
    others: dict[str, list[Alternative]] = {name: [] for name in NAMES[header]}
    mine = {choice.key for choice in path}
    for key, (choice, (against, cost)) in sorted(through.items()):
        if key not in mine and against <= wrong:
            unlikely = cost - least >= UNLIKELY
            others[choice.name].append(
                Alternative(choice.start, choice.width, choice.variant or "", unlikely)
            )
    return tuple(
        Found(
            choice.name,
            choice.start,
            choice.width,
            choice.variant or "",
            choice.judged.wrong,
            choice.judged.of,
            choice.judged.words,
            tuple(others[choice.name]),
        )
        for choice in path
    )


def _version_of(proposal: Proposal, searches: dict[str, Search]) -> int | None:
    for header in ("common", "dispatcher"):
        if header in proposal.headers:
            field = proposal.headers[header][0]
            octets = [
                row.octets[field.start : field.start + field.width] for row in searches[header].rows
            ]
            own = field.variant or proposal.byte_order
            return int.from_bytes(max(set(octets), key=octets.count), own)  # type: ignore[arg-type]
    return None


def _left_notes(found: Cut, streams: Sequence[Stream], lines: Sequence[Line]) -> Iterator[str]:
    lengths = {(stream.line, stream.sender): len(stream.octets) for stream in streams}
    for (number, sender), at in found.left.items():
        line = lines[number]
        if not line.is_cut:
            left = lengths[number, sender] - at
            yield (
                f"{line.name}: the frames do not tile the {sender}'s stream from octet {at} on;"
                f" {left} octets left out"
            )
