"""The tree of a message as plain data, for JSON and for comparing."""

from __future__ import annotations

from typing import Any

from .tree import Field, Group, Message, Value


def as_plain(message: Message) -> dict[str, Any]:
    """The tree as JSON has it: every key and text as sent, offsets in octets from the first one.

    Raises RecursionError for nesting that Python cannot follow, nor most readers of JSON.
    """
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
    key = {"key": field.key, "name": field.name, "key_offset": field.offset}
    return {**key, **_plain_value(field.value)}


def _plain_value(value: Value) -> dict[str, Any]:
    plain: dict[str, Any] = {"offset": value.offset, "text": value.text}
    if value.groups:
        plain["heads"] = list(value.heads)
        plain["groups"] = [_plain_group(group) for group in value.groups]
    return plain
