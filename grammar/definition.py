"""The Lark parser, built in one place: the definition of the language, and its diagnosis.

`metadata.lark` is the reference. The scanner is what runs; a property test holds the two equal:
trees, verdicts, faults and offsets.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from .faults import Fault, MetadataError, refused
from .limits import Limits
from .scanner import Piece
from .tree import Group, Message

if TYPE_CHECKING:
    from lark import Lark, UnexpectedToken

DIAGNOSED = 65_536
"""Octets up to which Lark gives the diagnosis: 16 MiB of commas cost it 123 s (SYN-11)."""

_DEFAULT_LIMITS = Limits()

_WORDS = {
    "NAME": "an acronym",
    "LESSTHAN": "'<'",
    "MORETHAN": "'>'",
    "KEY": "a key",
    "TEXT": "text",
    "SEP": "a separator",
    "TAIL": "a line end",
    "$END": "the end",
}


@cache
def parser() -> Lark:
    """The parser of `metadata.lark`, every option written down. Takes text, not octets.

    Lark's `use_bytes` is unsafe here (a token's text is the repr of its octets), and its default
    algorithm is 12 times slower.
    """
    from lark import Lark

    return Lark.open(
        "metadata.lark",
        rel_to=__file__,
        start="message",
        parser="lalr",
        lexer="contextual",
        keep_all_tokens=True,
        maybe_placeholders=False,
        propagate_positions=False,
    )


def parse_by_definition(octets: bytes, limits: Limits = _DEFAULT_LIMITS) -> Message:
    """Parse with Lark: the same Message or the same MetadataError that `parse` gives, slowly."""
    from lark import UnexpectedToken

    text = octets.decode("latin-1")
    over = limits.first_over(text)
    if over is not None:
        raise MetadataError(Fault.LIMIT, *over)
    try:
        tree = parser().parse(text)
    except UnexpectedToken as error:
        raise refused(text, _offset(error, text), _expected(error)) from None
    return _message(text, tree.children)


def expected_at_fault(text: str) -> str | None:
    """What Lark expected where it refuses `text`, in words; None where it was not asked."""
    from lark import UnexpectedToken

    if len(text) > DIAGNOSED:
        return None
    try:
        parser().parse(text)
    except UnexpectedToken as error:
        return _expected(error)
    return None


def _offset(error: UnexpectedToken, text: str) -> int:
    return len(text) if error.token.type == "$END" else error.token.start_pos


def _expected(error: UnexpectedToken) -> str:
    words = [word for name, word in _WORDS.items() if name in error.accepts]
    there = "the end" if error.token.type == "$END" else repr(str(error.token)[0])
    return f"expected {' or '.join(words)}, found {there}"


def _message(text: str, children: list[Any]) -> Message:
    start = 0 if children[0].type == "LESSTHAN" else 1
    name = str(children[0]) if start else None
    last = next(i for i, child in enumerate(children) if _is(child, "MORETHAN"))
    body = _group(text, children[start : last + 1])
    return Message(text, name, body, "".join(str(child) for child in children[last + 1 :]))


def _group(text: str, children: list[Any]) -> Group:
    pieces: list[Piece] = []
    for position in range(1, len(children), 2):
        separator = children[position + 1]
        ends = str(separator) if _is(separator, "SEP") else ""
        pieces.extend(_slot(text, children[position].children, ends))
    start, end = children[0].start_pos, children[-1].end_pos
    return Group(text, start, end, pieces=pieces)


def _slot(text: str, children: list[Any], separator: str) -> list[Piece]:
    pieces: list[Piece] = []
    key = value = ""
    for child in children:
        if _is(child, "KEY"):
            key = str(child)
        elif _is(child, "TEXT"):
            value = str(child)
        else:
            pieces.append((key, value, _group(text, child.children), ""))
            key = value = ""
    pieces.append((key, value, "", separator))
    return pieces


def _is(child: Any, kind: str) -> bool:
    return getattr(child, "type", None) == kind
