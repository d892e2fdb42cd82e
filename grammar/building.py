"""The builder: fields to octets that parse back to the same fields, or an error (SYN-08)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from re import compile as pattern
from typing import TypeAlias

from .text import BLANKS

_DELIMITER = pattern("[<>\x01]")
_NAME = pattern("[^<>,\x01=]+")

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
    """A group to be built: members by place, or `(key, content)` pairs.

    `Block("54", "55", separator="~")` is `<54~55>`; `Block(("START", "1"))` is `<START=1>`.
    A pair is a tuple of two whose first is text and which stands as a slot; a content that is
    several parts is a list.
    """

    __slots__ = ("separator", "slots")

    def __init__(self, *slots: Slot, separator: str = ",") -> None:
        if separator not in (",", "~", "\x01", ""):
            raise ValueError(f"{separator!r} does not divide members")
        self.slots = slots
        self.separator = separator

    def __repr__(self) -> str:
        return f"Block({', '.join(map(repr, self.slots))}, separator={self.separator!r})"


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
    if separator not in (",", "\x01"):
        raise ValueError(f"{separator!r} does not divide fields")
    if name is not None and not _NAME.fullmatch(name):
        raise BuildError("acronym", f"{name!r} cannot stand before the '<'")
    written = [_field(key, content, key in free) for key, content in fields]
    text = f"{name or ''}<{separator.join(written)}>"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise BuildError(
            _where(written, error.start), f"{text[error.start]!r} is not ISO 8859-1"
        ) from None


def _where(written: list[str], position: int) -> str:
    for text in written:
        if not text.isascii() and any(ord(letter) > 255 for letter in text):
            return text.partition("=")[0]
    return f"octet {position}"


def _field(key: str, content: Content, free: bool) -> str:
    if not key.strip(BLANKS) or not _NAME.fullmatch(key):
        raise BuildError(key, "cannot be a key")
    return f"{key}={_content(key, content, ',' if free else '', keyed=True)}"


def _content(where: str, content: Content, allowed: str, *, keyed: bool) -> str:
    if isinstance(content, str):
        return _text(where, content, allowed, keyed)
    if isinstance(content, Block):
        return _block(where, content)
    if any(isinstance(one, str) and isinstance(next_, str) for one, next_ in pairwise(content)):
        raise BuildError(where, "two texts one behind the other would be read as one")
    first = True
    written = []
    for part in content:
        if isinstance(part, str):
            written.append(_text(where, part, "", keyed and first))
        else:
            written.append(_block(where, part))
        first = False
    return "".join(written)


def _text(where: str, text: str, allowed: str, keyed: bool) -> str:
    """`text`, if a reader takes it for one text; behind a key `=` is text too (SYN-05)."""
    found = _DELIMITER.search(text)
    if found:
        raise BuildError(where, f"{found.group()!r} cannot be data")
    first, comma, rest = text.partition(",")
    if comma and not allowed:
        raise BuildError(where, "',' cannot be data outside free text")
    starts_key = [piece for piece in rest.split(",") if piece.find("=") > 0]
    if starts_key:
        raise BuildError(where, f"{starts_key[0]!r} behind a ',' would be read as a key")
    if not keyed and first.find("=") > 0:
        raise BuildError(where, f"{first!r} would be read as a key")
    return text


def _block(where: str, block: Block) -> str:
    written = []
    for slot in block.slots:
        if isinstance(slot, tuple) and len(slot) == 2 and isinstance(slot[0], str):
            written.append(_field(slot[0], slot[1], free=False))
        else:
            text = _content(where, slot, "", keyed=False)
            if block.separator == "~" and "~" in text:
                raise BuildError(where, "'~' cannot stand in a member of a list divided by it")
            written.append(text)
    return f"<{block.separator.join(written)}>"
