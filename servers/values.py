"""Values as they were sent: out of a message into the store, and read again from there."""

from __future__ import annotations

from starwire.grammar import Value, parse, strip
from starwire.protocol.validation import Request


def text_of(request: Request, name: str) -> str:
    """A parameter whole, commas and groups included; "" where it is missing or empty."""
    value = request.get(name)
    return "" if value is None or value.is_empty else strip(value.text)


def value_of(stored: str) -> Value:
    """The value that was sent as `stored`."""
    return parse(b"<V=" + stored.encode("latin-1") + b">")["V"].value


def members_of(stored: str) -> list[str]:
    """The members of a list that was sent as `stored`; none for ""."""
    return value_of(stored).members() if stored else []
