"""The newest signed head of each file of the audit trail, in the state store (ENC-02)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from starwire.protocol.audit import Head, SignedHead

from . import schema
from .store import open_store

_TABLE = schema.audit_heads


def add_head(connection: Connection, signed: SignedHead, public_key: bytes) -> None:
    """Keep the first head of a chain."""
    row = {"chain": signed.head.chain, "public_key": public_key, **_values(signed)}
    connection.execute(insert(_TABLE).values(**row))


def keep_head(connection: Connection, signed: SignedHead) -> None:
    """Put the head in the place of an earlier one of its chain; of a later one it does not."""
    head = signed.head
    earlier = (_TABLE.c.chain == head.chain) & (_TABLE.c.sequence <= head.sequence)
    still = earlier & ~_TABLE.c.final
    connection.execute(update(_TABLE).where(still).values(**_values(signed)))


def _values(signed: SignedHead) -> dict[str, Any]:
    head = signed.head
    values = {"sequence": head.sequence, "digest": head.digest, "octets": head.octets}
    return {**values, "final": head.final, "signature": signed.signature}


def known_heads(connection: Connection) -> list[tuple[SignedHead, bytes]]:
    """Every head that is kept, and the public key that is said to be its."""
    rows = connection.execute(select(_TABLE).order_by(_TABLE.c.chain))
    return [
        (
            SignedHead(
                Head(row.chain, row.sequence, row.digest, row.octets, row.final), row.signature
            ),
            row.public_key,
        )
        for row in rows
    ]


def heads_in(url: str) -> list[tuple[SignedHead, bytes]]:
    """The heads of the store at `url`, which is not made if there is none. Raises StoreError."""
    store = open_store(url, make=False, connections=1)
    try:
        with store.read() as connection:
            return known_heads(connection)
    finally:
        store.close()
