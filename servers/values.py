"""Values that the store keeps as they were sent."""

from __future__ import annotations

from starwire.grammar import Value, parse


def value_of(stored: str) -> Value:
    """The value that was sent as `stored`."""
    return parse(b"<V=" + stored.encode("latin-1") + b">")["V"].value


def members_of(stored: str) -> list[str]:
    """The members of a list that was sent as `stored`; none for ""."""
    return value_of(stored).members() if stored else []
