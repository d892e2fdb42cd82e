"""A request of a target file, changed in one place and nowhere else.

A request is text, its braces not yet filled. A place is a path: `("PRODUCT",)`, or
`("THRESHOLD", "RANKING")` for a member of the first group of a parameter. Names compare as the
wire does (SYN-06). What is given is put there as it is; `literal` makes text of octets that have
braces.

    without("GRTL<PRODUCT=V,IO=O>", ("PRODUCT",))             GRTL<IO=O>
    with_value("GRTL<PRODUCT=V,IO=O>", ("IO",), "<>")         GRTL<PRODUCT=V,IO=<>>
    with_slot("GRTL<PRODUCT=V,IO=O>", ("IO",), "io = O")      GRTL<PRODUCT=V,io = O>
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from starwire.grammar import Fields, Group, fold, parse

Path = tuple[str, ...]


class NoPlace(ValueError):
    """The request has no such parameter."""


class Place(NamedTuple):
    """Where a parameter stands: its key, its value, its end; all offsets in the request."""

    key: str
    start: int
    value: int
    end: int


def literal(text: str) -> str:
    """Text for a request as it is: its braces are no names of things to be filled in."""
    return text.replace("{", "{{").replace("}", "}}")


def values(form: str) -> dict[str, str]:
    """The parameters directly under the message, by folded name; of several the first."""
    found: dict[str, str] = {}
    for place in _places(form, ()):
        found.setdefault(fold(place.key), form[place.value : place.end])
    return found


def has(form: str, path: Path) -> bool:
    """Whether the parameter is there."""
    return any(fold(place.key) == fold(path[-1]) for place in _places(form, path[:-1]))


def has_group(form: str, path: Path) -> bool:
    """Whether the parameter is there and has a group."""
    try:
        return bool(_group(form, path))
    except NoPlace:
        return False


def slot(form: str, path: Path) -> str:
    """A parameter as it stands, key and value."""
    place = _place(form, path)
    return form[place.start : place.end]


def value(form: str, path: Path) -> str:
    """The value of a parameter as it stands; its name where it stands alone."""
    place = _place(form, path)
    return form[place.value : place.end] or place.key


def without(form: str, path: Path) -> str:
    """The parameter left out, with one separator."""
    places = list(_places(form, path[:-1]))
    index = _index(places, path)
    start, end = places[index].start, places[index].end
    if index + 1 < len(places):
        end = places[index + 1].start
    elif index:
        start = places[index - 1].end
    return form[:start] + form[end:]


def with_value(form: str, path: Path, text: str) -> str:
    """The parameter with another value, added at the end where it is not there."""
    if not has(form, path):
        return added(form, f"{path[-1]}={text}", path[:-1])
    return with_slot(form, path, f"{_place(form, path).key}={text}")


def with_slot(form: str, path: Path, text: str) -> str:
    """Key and value of the parameter replaced by a text."""
    place = _place(form, path)
    return form[: place.start] + text + form[place.end :]


def added(form: str, text: str, within: Path = (), *, first: bool = False) -> str:
    """A slot more, at the end of the message or of a group within it, or at its front."""
    group = _group(form, within)
    inside = form[group.offset + 1 : group.end - 1]
    pieces = [text, inside] if first else [inside, text]
    changed = ",".join(piece for piece in pieces if piece)
    return form[: group.offset + 1] + changed + form[group.end - 1 :]


def reversed_order(form: str) -> str:
    """The parameters directly under the message from the last to the first."""
    group = _group(form, ())
    slots = [form[place.start : place.end] for place in _places(form, ())]
    return form[: group.offset + 1] + ",".join(reversed(slots)) + form[group.end - 1 :]


def _group(form: str, path: Path) -> Group:
    message = parse(form.encode("latin-1"))
    group = message.body
    for name in path:
        found = _fields(group, is_message=group is message.body).get(fold(name))
        if found is None or not found.value.groups:
            raise NoPlace(f"{form[:60]} has no group {name}")
        group = found.value.groups[0]
    return group


def _fields(group: Group, *, is_message: bool) -> Fields:
    """The fields of a level; directly under a GPL the name of a list may stand alone (SYN-05)."""
    if not is_message:
        return group.fields
    alone = {fold(place.text) for place in group.positional}
    alone |= {fold(part) for field in group.fields for part in field.value.text.split(",")[1:]}
    return group.read({name for name in alone if name.startswith("PL_")})


def _places(form: str, within: Path) -> Iterator[Place]:
    try:
        group = _group(form, within)
    except NoPlace:
        return
    for field in _fields(group, is_message=not within):
        value = field.value
        yield Place(field.key, field.offset, value.offset, value.end)


def _index(places: list[Place], path: Path) -> int:
    for index, place in enumerate(places):
        if fold(place.key) == fold(path[-1]):
            return index
    raise NoPlace(f"there is no {'.'.join(path)}")


def _place(form: str, path: Path) -> Place:
    places = list(_places(form, path[:-1]))
    return places[_index(places, path)]
