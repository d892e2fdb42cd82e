"""The builder: fields to octets that parse back to the same fields, or an error (SYN-08)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from re import compile as pattern
from typing import TypeAlias

from .text import BLANKS

_UNSENDABLE = pattern("[<>\x01\u0100-\U0010ffff]")
_NAME = pattern("[^<>,\x01=\u0100-\U0010ffff]+")
_SEPARATORS = (",", "\x01")

Part: TypeAlias = "str | Block"
Content: TypeAlias = "Part | Sequence[Part]"
"""A value: text, a group, or several of them one right behind the other (`A<START=..>`)."""
Slot: TypeAlias = "Content | tuple[str, Content]"


class BuildError(ValueError):
    """A value that cannot be sent as data; `parameter` names where it stood."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class Block:
    """A group to be built: members by place, then `(key, content)` pairs.

    `Block("54", "55", separator="~")` is `<54~55>`; `Block(("START", "1"))` is `<START=1>`.
    A pair is a tuple of two whose first is text and which stands as a slot; a content that is
    several parts is a list. `unseparated` names the keys behind whose closing `>` no separator
    stands (SYN-04).
    """

    __slots__ = ("separator", "slots", "unseparated")

    def __init__(
        self, *slots: Slot, separator: str = ",", unseparated: Collection[str] = ()
    ) -> None:
        if separator not in (*_SEPARATORS, "~"):
            raise ValueError(f"{separator!r} does not divide members")
        self.slots = slots
        self.separator = separator
        self.unseparated = unseparated

    def __repr__(self) -> str:
        return f"Block({', '.join([*map(repr, self.slots), f'separator={self.separator!r}'])})"


def build(
    name: str | None,
    fields: Iterable[tuple[str, Content]],
    *,
    free: Collection[str] = (),
    separator: str = ",",
) -> bytes:
    """The message `name<key=value,...>` in ISO 8859-1.

    `free` names the parameters that are free text, in which `,` is data. Raises BuildError, which
    names the parameter, for all that would parse differently.
    """
    if separator not in _SEPARATORS:
        raise ValueError(f"{separator!r} does not divide fields")
    if name is not None and not _NAME.fullmatch(name):
        raise BuildError("acronym", f"{name!r} cannot stand before the '<'")
    written = [_field(key, content, free=key in free) for key, content in fields]
    return f"{name or ''}<{separator.join(written)}>".encode("latin-1")


def _field(key: str, content: Content, *, free: bool = False) -> str:
    if not key.strip(BLANKS) or not _NAME.fullmatch(key):
        raise BuildError(key, "cannot be a key")
    if isinstance(content, str):
        return f"{key}={_text(key, content, keyed=True, free=free)}"
    return f"{key}={_parts(key, content, keyed=True)}"


def _parts(where: str, content: Content, *, keyed: bool = False, divider: str = "") -> str:
    """What stands in a slot; only the first text of one with a key is behind the key."""
    if isinstance(content, str):
        return _text(where, content, keyed=keyed, divider=divider)
    if isinstance(content, Block):
        return _block(where, content)
    if any(isinstance(one, str) and isinstance(next_, str) for one, next_ in pairwise(content)):
        raise BuildError(where, "two texts one behind the other would be read as one")
    written = []
    for place, part in enumerate(content):
        if isinstance(part, Block):
            written.append(_block(where, part))
        elif keyed and part in _SEPARATORS and 0 < place < len(content) - 1:
            written.append(part)  # Behind a key it divides the groups of one list.
        else:
            written.append(_text(where, part, keyed=keyed and place == 0, divider=divider))
    return "".join(written)


def _text(where: str, text: str, *, keyed: bool, free: bool = False, divider: str = "") -> str:
    """`text`, if a reader takes it for one text; behind a key `=` is text too (SYN-05)."""
    found = _UNSENDABLE.search(text)
    if found:
        letter = found.group()
        cannot = "cannot be data" if letter <= "\xff" else "is not ISO 8859-1"
        raise BuildError(where, f"{letter!r} {cannot}")
    if divider and divider in text:
        raise BuildError(where, f"{divider!r} cannot stand in a member of a list divided by it")
    if "," in text and not free:
        raise BuildError(where, "',' cannot be data outside free text")
    if "=" not in text:
        return text
    first, *others = text.split(",")
    for piece in others if keyed else [first]:
        if piece.find("=") > 0:
            raise BuildError(where, f"{piece!r} would be read as a key")
    return text


def _block(where: str, block: Block) -> str:
    divider = "~" if block.separator == "~" else ""
    written: list[str] = []
    keyed = False
    for slot in block.slots:
        if isinstance(slot, tuple) and len(slot) == 2 and isinstance(slot[0], str):
            key, content = slot[0], slot[1]
            if divider:
                raise BuildError(key, "a key cannot stand in a list divided by '~'")
            keyed = True
            text = _field(key, content)
            runs_on = key in block.unseparated and text.endswith(">")
            written += (text, "" if runs_on else block.separator)
        elif keyed:
            raise BuildError(where, "a member behind a key would be read as part of its value")
        else:
            written += (_parts(where, slot, divider=divider), block.separator)
    return f"<{''.join(written[:-1])}>"
