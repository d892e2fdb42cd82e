"""The tables of the state store, for SQLite and PostgreSQL alike.

Reference tables hold what the first data brings and no message changes: templates, columns, pick
lists, hierarchies, customers. The others hold what customers and servers did. Times are seconds
since 1970 as the servers' clock gives them; times of the wire (START, END, RQSTDT) stay text.
Identifiers come from `counters`, never from the database's own sequences: see `store.next_id`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
)

VERSION = 3
"""Of the tables below; a store remembers the one that it was made with."""

metadata = MetaData()

_NUL, _NUL_STORED = "\0", "\u0100"


class Octets(TypeDecorator[str]):
    """Text whose characters are octets, U+0000 to U+00FF, each of which survives.

    PostgreSQL has no NUL in text, so it is stored as U+0100, the first character that is no octet.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = str(value)
        if not text.isascii():
            text.encode("latin-1")  # whatever else comes would be read back as something it is not
        return text.replace(_NUL, _NUL_STORED)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(value).replace(_NUL_STORED, _NUL)

    @property
    def python_type(self) -> type[str]:
        return str


def _time(name: str, **options: Any) -> Column[float]:
    return Column(name, Float(53), **options)


def _text(name: str, **options: Any) -> Column[str]:
    """Text that always has a value; "" stands for "none"."""
    return Column(name, Octets, nullable=False, server_default="", **options)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


# ------------------------------------------------------------------------------- the store itself

store = Table("store", metadata, Column("version", Integer, primary_key=True))

changes = Table(  # how often what is kept in memory has changed, whoever changed it
    "changes",
    metadata,
    Column("name", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# ---------------------------------------------------------------------- customers and their logons

users = Table(
    "users",
    metadata,
    Column("userid", Octets, primary_key=True),
    Column("entpid", Octets, nullable=False),
    Column("password", String, nullable=False),  # passwords.hash_password
    _text("email"),
    _text("pager"),
    _text("pager_pin"),
)

entitlements = Table(
    "entitlements",
    metadata,
    Column("userid", ForeignKey(users.c.userid, ondelete="CASCADE"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("position", Integer, nullable=False),
)

logon_failures = Table(
    "logon_failures",
    metadata,
    Column("userid", Octets, primary_key=True),  # also of names that no user has
    Column("failures", Integer, nullable=False),
    _time("last", nullable=False, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("key", String, primary_key=True),
    Column("userid", Octets, nullable=False),
    Column("entpid", Octets, nullable=False),
    _time("created", nullable=False),
    _time("last_used", nullable=False, index=True),
)

# ------------------------------------------------------------------------------ report templates

report_columns = Table(
    "report_columns",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("label"),
    Column("datatype", String(1), nullable=False),  # Appendix F: S C I N D L
    Column("decimals", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    _flag("hideable"),
    _flag("sortable"),
    _flag("graphable"),
    _text("expression"),  # over column ids; "" if the fulfilling server computes the column
    _text("total"),  # Minutes, Amount, Calls: names the metadata's Total_..., or ""
)

report_categories = Table(
    "report_categories",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("title"),
)

templates = Table(
    "templates",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("category", ForeignKey(report_categories.c.id), nullable=False),
    _text("title"),
    Column("description", Octets),  # absent in a template that leaves it to the user (6811)
    Column("datatype", String(1), nullable=False),  # R report, D call detail
    Column("datacat", String(1), nullable=False),  # P priced, U unpriced
    Column("server", String, nullable=False),  # ODS or TVS
    Column("tree", String, nullable=False),  # of the nodes that GRTD and GURD show
    _text("sortby"),
    Column("reccount", Integer, nullable=False),
    Column("ranking", Integer),
    Column("duration", Integer),
    Column("ani", Integer),
    Column("graph_mode", Integer, nullable=False),
    Column("graph_type", Integer, nullable=False),
    Column("x_axis", Integer),
    _text("y_columns"),
)

template_products = Table(
    "template_products",
    metadata,
    Column("template", ForeignKey(templates.c.id), primary_key=True),
    Column("product", String(1), primary_key=True),
    Column("io", String(1), nullable=False),  # I, O, or B for both
)

template_columns = Table(
    "template_columns",
    metadata,
    Column("template", ForeignKey(templates.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("column", ForeignKey(report_columns.c.id), nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("tree", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("level", Integer, nullable=False),
    _text("label"),
    Column("screen", Integer, nullable=False),
)

controls = Table(
    "controls",
    metadata,
    Column("tree", String, primary_key=True),
    Column("node", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("location", String, nullable=False),
)

# ---------------------------------------------------------------------- pick lists, hierarchies

pick_list_values = Table(
    "pick_list_values",
    metadata,
    Column("list", String, primary_key=True),
    Column("product", String, primary_key=True),  # "" in lists that do not ask for one
    Column("position", Integer, primary_key=True),
    Column("io", String(1), nullable=False),
    Column("datacat", String(1), nullable=False),
    _text("code"),
    _text("description"),
)

time_zones = Table(
    "time_zones",
    metadata,
    Column("code", Octets, primary_key=True),
    Column("label", String(3), nullable=False),
    Column("offset", Integer, nullable=False),  # hours east of GMT
    _text("description"),
)

hierarchy_levels = Table(
    "hierarchy_levels",
    metadata,
    Column("entpid", Octets, primary_key=True),
    Column("list", String, primary_key=True),  # PL_HIER or PL_GEO
    Column("position", Integer, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("word", String, nullable=False),  # before the row: INBOUND, OUTBOUND, GEO
    _text("code"),
    _text("name"),
)

# ------------------------------------------------------------------------- reports of the users

user_reports = Table(
    "user_reports",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # USERRPTID
    Column("userid", Octets, nullable=False),
    Column("entpid", Octets, nullable=False),
    Column("template", ForeignKey(templates.c.id), nullable=False),
    Column("product", String(1), nullable=False),
    _text("name"),
    _text("category"),
    Column("active", String(1), nullable=False),
    _text("schedule"),  # A H D W M, or "" for a definition that is only stored
    Column("status", String(1), nullable=False),
    _time("status_time", nullable=False),
    _time("created", nullable=False),
    Index("user_reports_by_user", "userid", "entpid", "template"),
)

user_report_parameters = Table(
    "user_report_parameters",
    metadata,
    Column("report", ForeignKey(user_reports.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", Octets, nullable=False),  # as sent, without the blanks around it
)

user_report_dates = Table(
    "user_report_dates",
    metadata,
    Column("report", ForeignKey(user_reports.c.id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("start", String(12), nullable=False),  # YYYYMMDDhhmm in the report's time zone
    Column("end", String(12), nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # REQUESTID
    Column(
        "report",
        ForeignKey(user_reports.c.id, ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("state", String, nullable=False),
    _time("due", nullable=False),
    _time("created", nullable=False),
    Column("error", Integer),  # of the fulfilling server's ARDA, once it came
    Index("requests_by_due", "state", "due"),
)

notified_reports = Table(  # the NRL that were answered with 0
    "notified_reports",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("requestid", BigInteger, unique=True),
    Column("userrptid", BigInteger),
    Column("stdrptid", BigInteger, nullable=False),
    Column("userid", Octets, nullable=False),
    Column("entpid", Octets, nullable=False),
    _text("type"),
    _text("category"),
    _text("title"),
    _text("priority"),
    _text("compress"),
    _text("loc"),
    Column("fsize", BigInteger, nullable=False),
    _text("presorted"),
    _text("err"),
    _text("total"),
    _text("fulserver"),
    _time("received", nullable=False),
    _time("delivered"),  # into the Inbox
    Index("notified_reports_by_report", "userrptid"),
)

# ------------------------------------------------------------------------------------ the Inbox

inbox_items = Table(
    "inbox_items",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # INBOXID
    Column("userid", Octets, nullable=False),
    Column("entpid", Octets, nullable=False),
    Column("category", String(1), nullable=False),
    _text("type"),
    _text("requestid"),
    _text("rptid"),
    _text("priority"),
    _text("compress"),
    _text("rptcategory"),
    _text("loc"),
    _text("rqstdt"),
    _text("fsize"),
    _text("rpttitle"),
    _text("msize"),
    _text("errflag"),
    Column("ttl", Integer, nullable=False),
    Column("ack", String(1), nullable=False),
    _time("arrived", nullable=False),
    _time("expires", nullable=False, index=True),
    Index("inbox_items_by_location", "userid", "loc", unique=True),
    Index("inbox_items_by_user", "userid", "entpid", "id"),
)

user_notifications = Table(  # e-mails and pages that wait to be sent
    "user_notifications",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("inboxid", BigInteger, nullable=False),
    Column("userid", Octets, nullable=False),
    Column("channel", String, nullable=False),  # email, page
    Column("severity", String(1), nullable=False),
    _text("address"),
    _text("pager"),
    _text("pin"),
    _text("text"),
    _time("created", nullable=False),
    _time("sent"),
)

# ----------------------------------------------------------------- asynchronous requests (TRN-02)

deferred_requests = Table(
    "deferred_requests",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # Serial, key and data in one digest: a frame that comes again is known by it (DSP-06).
    Column("frame", String, nullable=False, unique=True),
    Column("door", String, nullable=False),
    Column("userid", Octets, nullable=False),
    Column("entpid", Octets, nullable=False),
    Column("message", LargeBinary, nullable=False),
    _time("accepted", nullable=False),
    _time("finished", index=True),  # none while the work goes on
    Column("error", Integer),
    Column("response", LargeBinary),
    Column("file", Octets),  # whose octets follow the response, the result of F
    Column("size", BigInteger),
)

# ------------------------------------------------------------------------ bulk transfers (TRN-03)

bulk_transfers = Table(
    "bulk_transfers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("door", String, nullable=False),
    Column("userid", Octets, nullable=False),
    Column("entpid", Octets, nullable=False),
    Column("message", LargeBinary, nullable=False),  # what the open asked for
    Column("response", LargeBinary),  # what is sent, or else
    Column("file", Octets),  # the file whose octets are
    Column("total", BigInteger, nullable=False),
    Column("digest", LargeBinary),  # of the whole, once somebody has read it all
    Column("run", BigInteger, nullable=False),  # rises with each resume and cancel
    Column("sent", BigInteger, nullable=False),  # how far the newest run came, or where it began
    _time("created", nullable=False),
    _time("used", nullable=False, index=True),  # a run began, ended, or was seen to go on
)


# ------------------------------------------------------------------------ the audit trail (ENC-02)

audit_heads = Table(  # the newest of each file; numbers and texts as protocol.audit.Head has them
    "audit_heads",
    metadata,
    Column("chain", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("octets", BigInteger, nullable=False),
    _flag("final"),
    Column("signature", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
)

# ---- counting the changes of reference tables ----------------------------------------------------

REFERENCE = "REFERENCE"
"""The row of `changes` for the tables that `reference` keeps in memory."""

SESSIONS = "SESSIONS"
"""The row of `changes` for sessions that were changed in the store and not through a jar."""

KEPT_IN_MEMORY = (
    report_columns,
    report_categories,
    templates,
    template_products,
    template_columns,
    nodes,
    controls,
    pick_list_values,
    time_zones,
)

_COUNT = f"UPDATE changes SET count = count + 1 WHERE name = '{REFERENCE}'"
_FUNCTION = DDL(
    "CREATE OR REPLACE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN {_COUNT}; RETURN NULL; END $$"
)


def _count_changes(table: Table) -> None:
    """The database itself counts, so that no way of changing a row goes round it."""
    for act in ("INSERT", "UPDATE", "DELETE"):
        name = f"{table.name}_{act.lower()}"
        per_row = DDL(f"CREATE TRIGGER {name} AFTER {act} ON {table.name} BEGIN {_COUNT}; END")
        per_statement = DDL(
            f"CREATE TRIGGER {name} AFTER {act} ON {table.name} EXECUTE FUNCTION count_change()"
        )
        event.listen(table, "after_create", per_row.execute_if(dialect="sqlite"))
        event.listen(table, "after_create", per_statement.execute_if(dialect="postgresql"))


event.listen(changes, "after_create", _FUNCTION.execute_if(dialect="postgresql"))
for _table in KEPT_IN_MEMORY:
    _table.add_is_dependent_on(changes)
    _count_changes(_table)
