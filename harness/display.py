"""Octets shown to people: the tree of a message, the layers of a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from re import compile as pattern
from typing import Any, TypeAlias

import msgspec

from starwire.grammar import Group, Limits, Message, MetadataError, Value, parse, strip
from starwire.protocol.explaining import LAYERS, WORDS, word_for
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.status import Status

from .envelopes import Reply

_SHORT = 72
"""Characters up to which a value with groups stands on one line."""
_SEPARATOR = pattern("[,\x01]")
_BRIEF = {"session_key": "key", "target": "to", "user_id": "user", "enterprise_id": "enterprise"}
_KEY = 8
"""Characters of a session key that are shown: enough to tell two apart, useless to a thief."""
_EXCERPT = 200
"""Octets that are shown of what is no message."""

Header: TypeAlias = WebHeader | DispatcherHeader | CommonHeader | BulkHeader


def tree_lines(message: Message) -> Iterator[str]:
    """The tree of a message, a line for each field and member."""
    yield shown(message.acronym) or "(no acronym)"
    yield from _flat(_group_lines(message.body, "  "))


def _flat(lines: Iterator[Any]) -> Iterator[str]:
    """Lines, and whole iterators of them between, in order; without recursion, since a profile may
    allow deeper nesting than Python allows calls.
    """
    under_way = [lines]
    while under_way:
        item = next(under_way[-1], None)
        if item is None:
            under_way.pop()
        elif isinstance(item, str):
            yield item
        else:
            under_way.append(item)


def _group_lines(group: Group, indent: str) -> Iterator[Any]:
    for value in group.positional:
        yield _value_lines("", value, indent)
    for field in group.fields:
        yield _value_lines(f"{shown(strip(field.key))} = ", field.value, indent)


def _value_lines(label: str, value: Value, indent: str) -> Iterator[Any]:
    """A value on one line if it is short, else a line for each of its groups."""
    if not value.groups or _is_short(value.text):
        yield f"{indent}{label}{shown(strip(value.text))}".rstrip()
        return
    if label:
        yield f"{indent}{label}".rstrip()
        indent += "  "
    behind = value.offset
    for group in value.groups:
        *texts, head = _slots(value.text[behind - value.offset : group.offset - value.offset])
        yield from (f"{indent}{shown(text)}" for text in texts if text)
        if _is_short(group.text) or ("<" not in group.text[1:] and not group.fields):
            yield f"{indent}{shown(head)}{shown(group.text)}"
        else:
            yield f"{indent}{shown(head)}<"
            yield _group_lines(group, indent + "  ")
            yield f"{indent}>"
        behind = group.end
    rest = _slots(value.text[behind - value.offset :])
    yield from (f"{indent}{shown(text)}" for text in rest if text)


def _is_short(text: str) -> bool:
    return len(text) <= 2 * _SHORT and len(shown(strip(text))) <= _SHORT


def _slots(text: str) -> list[str]:
    return [strip(slot) for slot in _SEPARATOR.split(text)]


def shown(text: str) -> str:
    """Text with what cannot be printed written out."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def header_line(header: Header) -> str:
    """One header as `name field=value ..`, numbers with the words that they stand for."""
    told = []
    for name, value in msgspec.structs.asdict(header).items():
        if isinstance(value, str):
            told.append(f"{name}={_text(name, value) or '-'}")
        else:
            word = word_for(name, value)
            told.append(f"{name}={value}({word})" if word else f"{name}={value}")
    return f"{LAYERS[type(header)]} header: {' '.join(told)}"


def header_words(header: Header) -> str:
    """One header in a few words: neither the version, nor success, nor what is empty."""
    told: list[str] = []
    end: list[str] = []
    for name, value in msgspec.structs.asdict(header).items():
        if name == "status":
            end += [f"{value} {word_for(name, value)}"] if value else []
        elif name == "length":
            end.append(f"{value} octets")
        elif name in WORDS:
            told.append(word_for(name, value))
        elif name != "version" and value:
            told.append(f"{_BRIEF.get(name, name)} {_text(name, str(value))}")
    return f"{LAYERS[type(header)]}: {', '.join(told + end)}"


def _text(name: str, value: str) -> str:
    """A text of a header; of a session key no more than tells it from another."""
    if name == "session_key" and len(value) > _KEY:
        return f"{shown(value[:_KEY])}..."
    return shown(value)


def headers_of(octets: bytes, layers: Sequence[HeaderCodec[Any]]) -> list[Header]:
    """The headers that stand before a message, one behind the other."""
    headers, offset = [], 0
    for codec in layers:
        headers.append(codec.decode(octets, offset))
        offset += codec.size
    return headers


def sent_lines(octets: bytes, layers: Sequence[HeaderCodec[Any]], limits: Limits) -> Iterator[str]:
    """A request layer by layer, its message as a tree where it is one."""
    yield from map(header_line, headers_of(octets, layers))
    yield from message_lines(octets[sum(codec.size for codec in layers) :], limits)


def reply_lines(reply: Reply) -> Iterator[str]:
    """A reply layer by layer, its message as a tree where it is one."""
    yield from map(header_line, reply.headers)
    yield from answer_lines(reply)


def answer_lines(reply: Reply) -> Iterator[str]:
    """The message of a reply as a tree, without the headers."""
    if reply.status in (Status.BULK, Status.BULK_END):
        digest = reply.status == Status.BULK_END
        yield f"(SHA-256 {reply.data.hex()})" if digest else f"({len(reply.data)} octets)"
        return
    message, file = reply.split()
    yield from message_lines(message, reply.limits)
    if file:
        yield f"({len(file)} octets of the file follow)"


def message_lines(data: bytes, limits: Limits) -> Iterator[str]:
    """Data as the tree of its message; as octets where it is none."""
    if not data:
        yield "(no data)"
        return
    try:
        yield from tree_lines(parse(data, limits))
    except MetadataError:
        yield f"(no message) {data[:_EXCERPT]!r}{'...' if len(data) > _EXCERPT else ''}"


def folded(lines: Iterable[str], most: int) -> Iterator[str]:
    """The first `most` lines, and in place of the rest how many they are."""
    told = list(lines)
    # A line that says that one line is left out saves none.
    if len(told) <= most + 1:
        yield from told
        return
    yield from told[:most]
    yield f"... {len(told) - most} more lines"
