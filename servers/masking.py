"""Passwords kept out of what people are shown: each octet of one becomes `*`, so lengths stay."""

from __future__ import annotations

import re

from starwire.grammar import Field, Group, Limits, MetadataError, parse

_SECRET = "PASSWORD"
_NAMED = re.compile(rb"PASSWORD", re.IGNORECASE)
_BEHIND = re.compile(rb"(PASSWORD[ \t\r\n]*=)(.*)", re.IGNORECASE | re.DOTALL)


def masked(message: bytes, limits: Limits) -> bytes:
    """The message with the values of PASSWORD masked.

    Of what is no message all is masked behind the name: nobody can say where the value ends.
    """
    if not _NAMED.search(message):
        return message
    try:
        body = parse(message, limits).body
    except MetadataError:
        return _BEHIND.sub(lambda found: found[1] + b"*" * len(found[2]), message)
    hidden = bytearray(message)
    for field in _secrets(body):
        value = field.value
        hidden[value.offset : value.end] = b"*" * (value.end - value.offset)
    return bytes(hidden)


def _secrets(group: Group) -> list[Field]:
    """The fields of that name, at any depth."""
    found = []
    waiting = [group]
    while waiting:
        level = waiting.pop()
        for value in level.positional:
            waiting += value.groups
        for field in level.fields:
            if field.name == _SECRET:
                found.append(field)
            else:
                waiting += field.value.groups
    return found
