"""All layouts of one header at once.

A layout is a path through the places of the header, a field from each to the next. The frames
against it and its cost by preference are both sums over its fields, so the best path through each
field is the best way to it and the best way on, without a look at every path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

from starwire.protocol.layout import ByteOrder, IntegerSlot, Pad

from .fields import TEXTS, Judged, Row, judge_integer, judge_text
from .preferences import WRONG, order_cost, pad_cost, width_cost

_TOLERATED = 0.1
"""A field with more of the frames against it than that is none."""
_WIDEST_INTEGER = 8
_WIDEST_TEXT = 255
_LEAST = {"session_key": 8, "target": 6}
"""A narrower field of that name no profile has."""

Sum: TypeAlias = tuple[int, float]
"""Frames against it, and cost."""


class Choice(Struct, frozen=True):
    """One field in one place."""

    name: str
    start: int
    width: int
    variant: ByteOrder | Pad | None
    """The byte order of an integer of several octets, the fill of a text."""
    judged: Judged
    cost: float

    @property
    def end(self) -> int:
        return self.start + self.width

    @property
    def key(self) -> tuple[str, int, int, str]:
        return self.name, self.start, self.width, self.variant or ""


class Search:
    """The fields of one header over its frames; what was judged once is kept."""

    def __init__(
        self,
        names: Sequence[str],
        rows: Sequence[Row],
        size: int,
        lengths: Collection[IntegerSlot] | None = None,
    ) -> None:
        self.names = names
        self.rows = rows
        self.size = size
        """The octets of the header."""
        self.unplaced = ""
        """The first field for which there is no place, if there is one."""
        self._lengths = {(slot.offset, slot.width, slot.order) for slot in lengths or ()}
        self._layers = self._graph() if rows else []

    def _graph(self) -> list[dict[int, list[Choice]]]:
        """For each field, by the place where it begins, each choice that leads to the end."""
        layers: list[dict[int, list[Choice]]] = []
        starts = {0}
        for place, name in enumerate(self.names):
            behind = len(self.names) - place - 1
            layer = {start: list(self._choices(name, start, behind)) for start in starts}
            layers.append(layer)
            starts = {choice.end for choices in layer.values() for choice in choices}
            if not starts:
                self.unplaced = self.unplaced or name
        ends = {self.size}
        for layer in reversed(layers):
            for start, choices in layer.items():
                layer[start] = [choice for choice in choices if choice.end in ends]
            ends = {start for start, choices in layer.items() if choices}
        return layers

    def _choices(self, name: str, start: int, behind: int) -> Iterator[Choice]:
        room = self.size - start - behind
        widest = _WIDEST_TEXT if name in TEXTS else _WIDEST_INTEGER
        least = _LEAST.get(name, 1) if behind else room
        widths = range(max(1, least), min(widest, room) + 1)
        for width in widths:
            if name not in TEXTS:
                yield from self._integers(name, start, width)
                continue
            pads: tuple[Pad, ...] = ("nul", "blank")
            judged = {pad: judge_text(name, self.rows, start, width, pad) for pad in pads}
            for pad, one in judged.items():
                yield from self._kept(name, start, width, pad, one)
            if all(one.no_text > _TOLERATED * one.of for one in judged.values()):
                return

    def _integers(self, name: str, start: int, width: int) -> Iterator[Choice]:
        orders: tuple[ByteOrder, ...] = ("big", "little") if width > 1 else ("big",)
        for order in orders:
            if name == "length" and (start, width, order) not in self._lengths:
                continue
            judged = judge_integer(name, self.rows, start, width, order)
            yield from self._kept(name, start, width, order if width > 1 else None, judged)

    def _kept(
        self, name: str, start: int, width: int, variant: ByteOrder | Pad | None, judged: Judged
    ) -> Iterator[Choice]:
        if judged.wrong > _TOLERATED * judged.of:
            return
        cost = width_cost(name, width, is_text=name in TEXTS) + judged.odd
        yield Choice(name, start, width, variant, judged, cost)

    def choices(self, name: str) -> Iterator[Choice]:
        """Every choice of that field that stands in some layout."""
        layer = self._layers[list(self.names).index(name)]
        for found in layer.values():
            yield from found

    def best(
        self, order: ByteOrder, allows: Callable[[Choice], bool]
    ) -> tuple[float, list[Choice]] | None:
        """The cheapest layout of fields that are allowed, frames against it included; None if there
        is none.
        """
        reached: dict[int, tuple[float, list[Choice]]] = {0: (0.0, [])}
        for layer in self._layers:
            ahead: dict[int, tuple[float, list[Choice]]] = {}
            for start, (cost, path) in reached.items():
                for choice in filter(allows, layer.get(start, ())):
                    sum_ = cost + total_cost(choice, order)
                    if choice.end not in ahead or sum_ < ahead[choice.end][0]:
                        ahead[choice.end] = (sum_, [*path, choice])
            reached = ahead
        return reached.get(self.size)

    def through(
        self, order: ByteOrder, allows: Callable[[Choice], bool]
    ) -> dict[tuple[str, int, int, str], tuple[Choice, Sum]]:
        """For every field that is allowed, the best sum of a layout that has it: first the frames
        against it, then the cost.
        """
        before: list[dict[int, Sum]] = [{0: (0, 0.0)}]
        for layer in self._layers:
            before.append(_onward(layer, before[-1], order, allows))
        after: dict[int, Sum] = {self.size: (0, 0.0)}
        found: dict[tuple[str, int, int, str], tuple[Choice, Sum]] = {}
        for layer, reached in zip(reversed(self._layers), reversed(before[:-1]), strict=True):
            ahead: defaultdict[int, list[Sum]] = defaultdict(list)
            for start, so_far in reached.items():
                for choice in filter(allows, layer.get(start, ())):
                    if choice.end in after:
                        rest = _plus(_sum(choice, order), after[choice.end])
                        ahead[start].append(rest)
                        found[choice.key] = (choice, _plus(so_far, rest))
            after = {start: min(sums) for start, sums in ahead.items()}
        return found


def total_cost(choice: Choice, order: ByteOrder) -> float:
    """Of a field under that byte order of the profile, the frames against it included."""
    wrong, cost = _sum(choice, order)
    return cost + WRONG * wrong


def _sum(choice: Choice, order: ByteOrder) -> Sum:
    if choice.variant in ("nul", "blank"):
        own = pad_cost(choice.name, choice.variant)
    elif choice.variant is not None:
        own = order_cost(choice.variant, order)  # type: ignore[arg-type]
    else:
        own = 0.0
    return choice.judged.wrong, choice.cost + own


def _plus(one: Sum, other: Sum) -> Sum:
    return one[0] + other[0], one[1] + other[1]


def _onward(
    layer: dict[int, list[Choice]],
    reached: dict[int, Sum],
    order: ByteOrder,
    allows: Callable[[Choice], bool],
) -> dict[int, Sum]:
    ahead: dict[int, Sum] = {}
    for start, so_far in reached.items():
        for choice in filter(allows, layer.get(start, ())):
            through = _plus(so_far, _sum(choice, order))
            if choice.end not in ahead or through < ahead[choice.end]:
                ahead[choice.end] = through
    return ahead
