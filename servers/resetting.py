"""The state store put back to its first data, while servers go on working with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, delete, select, text, update

from . import schema

RESTARTED = ("USERRPTID", "REQUESTID", "INBOXID", "NOTIFICATION")
"""The counters that begin anew. The others number what outlives a reset: a serial must never come
again (DSP-05), and who polls with an old identifier must not be given another's result (TRN-02)."""

_LASTING = ("store", "counters", "changes", "audit_heads")
"""Tables that are no state of the emulated system: an audit trail goes on in its file (ENC-02)."""


def reset(
    connection: Connection,
    fill: Callable[[Connection], None],
    *,
    sessions: bool,
) -> None:
    """Empty the tables and `fill` them, within the transaction of `connection`.

    Sessions of the jar are kept unless `sessions`; every jar takes them up anew either way.
    """
    kept = {*_LASTING, *(() if sessions else (schema.sessions.name,))}
    tables = [table for table in schema.metadata.sorted_tables if table.name not in kept]
    if connection.dialect.name == "postgresql":
        # Whoever writes has to end first, and nobody begins: rows that are inserted between two
        # of the deletes would stay, or refer to what is gone.
        names = ", ".join(sorted(table.name for table in tables))
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    for table in reversed(tables):
        connection.execute(delete(table))
    restarted = schema.counters.c.name.in_(RESTARTED)
    connection.execute(update(schema.counters).where(restarted).values(last=0))
    fill(connection)
    announce_sessions(connection)


def end_sessions(connection: Connection) -> None:
    """Delete every session."""
    connection.execute(delete(schema.sessions))
    announce_sessions(connection)


def announce_sessions(connection: Connection) -> None:
    """Let the jars know that sessions have changed in the store, not through them."""
    changed = schema.changes.c.name == schema.SESSIONS
    count = schema.changes.c.count + 1
    connection.execute(update(schema.changes).where(changed).values(count=count))


def sessions_version(connection: Connection) -> int:
    """A number that `announce_sessions` changes."""
    query = select(schema.changes.c.count).where(schema.changes.c.name == schema.SESSIONS)
    return int(connection.execute(query).scalar_one())


def all_sessions(connection: Connection) -> tuple[int, list[Any]]:
    """The number, and every session, of one moment."""
    rows = connection.execute(select(schema.sessions)).all()
    return sessions_version(connection), list(rows)
