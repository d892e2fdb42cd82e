"""Octets shown to people: the tree of a message, the layers of a frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from starwire.grammar import Field, Group, Message, MetadataError, Value, parse, strip
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.status import MessageType, Status, Transaction

from .envelopes import Reply

_SHORT = 72
"""Characters up to which a value with groups stands on one line."""
_LAYERS = {
    WebHeader: "web header",
    DispatcherHeader: "dispatcher header",
    CommonHeader: "common header",
    BulkHeader: "bulk header",
}


def tree_lines(message: Message) -> Iterator[str]:
    """The tree of a message, a line for each field and member."""
    yield message.acronym or "(no acronym)"
    yield from _group_lines(message.body, "  ")


def _group_lines(group: Group, indent: str) -> Iterator[str]:
    for value in group.positional:
        yield from _value_lines("", value, indent)
    for field in group.fields:
        yield from _value_lines(f"{shown(strip(field.key))} = ", field.value, indent)


def _value_lines(label: str, value: Value, indent: str) -> Iterator[str]:
    """A value on one line if it is short, else a line for each of its groups."""
    text = shown(strip(value.text))
    if not value.groups or len(text) <= _SHORT:
        yield f"{indent}{label}{text}".rstrip()
        return
    if label:
        yield f"{indent}{label}".rstrip()
        indent += "  "
    for head, group in zip(value.heads, value.groups, strict=True):
        if len(group.text) <= _SHORT or ("<" not in group.text[1:] and not group.fields):
            yield f"{indent}{shown(head)}{shown(group.text)}"
        else:
            yield f"{indent}{shown(head)}<"
            yield from _group_lines(group, indent + "  ")
            yield f"{indent}>"


def shown(text: str) -> str:
    """Text with what cannot be printed written out."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def as_plain(message: Message) -> dict[str, Any]:
    """The tree as JSON has it: every key and text as sent, offsets in octets."""
    return {
        "name": message.name,
        "acronym": message.acronym,
        **_plain_group(message.body),
        "tail": message.tail,
    }


def _plain_group(group: Group) -> dict[str, Any]:
    return {
        "offset": group.offset,
        "members": [_plain_value(value) for value in group.positional],
        "fields": [_plain_field(field) for field in group.fields],
    }


def _plain_field(field: Field) -> dict[str, Any]:
    return {"key": field.key, "name": field.name, **_plain_value(field.value)}


def _plain_value(value: Value) -> dict[str, Any]:
    plain: dict[str, Any] = {"offset": value.offset, "text": value.text}
    if value.groups:
        plain["heads"] = list(value.heads)
        plain["groups"] = [_plain_group(group) for group in value.groups]
    return plain


def header_line(header: WebHeader | DispatcherHeader | CommonHeader | BulkHeader) -> str:
    """One header as `name field=value ..`, numbers with the words that they stand for."""
    told = []
    for name, value in msgspec.structs.asdict(header).items():
        if isinstance(value, str):
            told.append(f"{name}={_key(name, value)}")
        else:
            told.append(f"{name}={value}{_word(name, value)}")
    return f"{_LAYERS[type(header)]}: {' '.join(told)}"


def _key(name: str, value: str) -> str:
    if name == "session_key" and len(value) > 8:
        return f"{shown(value[:8])}..."
    return shown(value) or "-"


_WORDS: dict[str, type[Any]] = {
    "type": MessageType,
    "status": Status,
    "transaction": Transaction,
}


def _word(name: str, value: int) -> str:
    words = _WORDS.get(name)
    if words is None:
        return ""
    try:
        return f"({words(value).name.lower().replace('_', ' ')})"
    except ValueError:
        return "(unknown)"


def reply_lines(reply: Reply) -> Iterator[str]:
    """A reply layer by layer, its message as a tree where it is one."""
    for header in reply.headers:
        yield header_line(header)
    message, file = reply.split()
    yield from message_lines(message)
    if file:
        yield f"({len(file)} octets of the file follow)"


def message_lines(data: bytes) -> Iterator[str]:
    """Data as the tree of its message; as octets where it is none."""
    if not data:
        yield "(no data)"
        return
    try:
        yield from tree_lines(parse(data))
    except MetadataError:
        yield repr(data if len(data) <= 200 else data[:200] + b"...")
