"""The reference data of the Report Manager, read once and kept in memory.

No message changes these tables, and nearly every message needs them. Customers' hierarchies are
not here: they may be large, and belong to one enterprise each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from . import schema

Kind = TypeVar("Kind")


class ReportColumn(msgspec.Struct, frozen=True):
    """A column that reports may show; see Appendix F's METACOLUMN."""

    id: int
    label: str
    datatype: str
    decimals: int
    width: int
    hideable: bool
    sortable: bool
    graphable: bool
    expression: str
    total: str


class Template(msgspec.Struct, frozen=True):
    """A standard report."""

    id: int
    category: int
    title: str
    description: str | None
    datatype: str
    datacat: str
    server: str
    tree: str
    sortby: str
    reccount: int
    ranking: int | None
    duration: int | None
    ani: int | None
    graph_mode: int
    graph_type: int
    x_axis: int | None
    y_columns: str
    products: Mapping[str, str]
    """Product to direction, I, O or B."""
    columns: tuple[int, ...]

    def default(self, parameter: str) -> str:
        """The value of an ARD's parameter for a report that says nothing of it; "" for none."""
        if parameter == "COLUMNS":
            return "~".join(map(str, self.columns))
        name = _DEFAULTS.get(parameter)
        value = getattr(self, name) if name else _CONSTANTS.get(parameter)
        return "" if value is None else str(value)


_DEFAULTS = {
    "DESCRIPTION": "description",
    "SORTBY": "sortby",
    "RECCOUNT": "reccount",
    "RANKING": "ranking",
    "DURATION": "duration",
    "ANI": "ani",
}
_CONSTANTS = {"TOTALMODE": "0", "ACTIVE": "0", "EMAIL": "0", "PAGE": "0"}


class Control(msgspec.Struct, frozen=True):
    """What a screen of the report builder sets."""

    name: str
    location: str


class Node(msgspec.Struct, frozen=True):
    """A screen of the report builder."""

    level: int
    label: str
    screen: int
    controls: tuple[Control, ...]


class Choice(msgspec.Struct, frozen=True):
    """A row of a pick list."""

    list: str
    product: str
    io: str
    datacat: str
    code: str
    description: str


class TimeZone(msgspec.Struct, frozen=True):
    """A row of PL_TIMEZONE."""

    code: str
    label: str
    offset: int
    description: str


class Reference(msgspec.Struct, frozen=True):
    """All of it."""

    categories: Mapping[int, str]
    columns: Mapping[int, ReportColumn]
    templates: Mapping[int, Template]
    trees: Mapping[str, tuple[Node, ...]]
    choices: tuple[Choice, ...]
    time_zones: Mapping[str, TimeZone]


def load_reference(connection: Connection) -> Reference:
    """Read the reference tables."""
    categories = _rows(connection, schema.report_categories)
    columns = [ReportColumn(**row) for row in _rows(connection, schema.report_columns)]
    return Reference(
        categories={row["id"]: row["title"] for row in categories},
        columns={column.id: column for column in columns},
        templates=_templates(connection),
        trees=_trees(connection),
        choices=tuple(_made(Choice, row) for row in _rows(connection, schema.pick_list_values)),
        time_zones={row["code"]: TimeZone(**row) for row in _rows(connection, schema.time_zones)},
    )


def _templates(connection: Connection) -> dict[int, Template]:
    products: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for row in _rows(connection, schema.template_products):
        products[row["template"]][row["product"]] = row["io"]
    columns: defaultdict[int, list[int]] = defaultdict(list)
    for row in _rows(connection, schema.template_columns):
        columns[row["template"]].append(row["column"])
    return {
        row["id"]: Template(**row, products=products[row["id"]], columns=tuple(columns[row["id"]]))
        for row in _rows(connection, schema.templates)
    }


def _trees(connection: Connection) -> dict[str, tuple[Node, ...]]:
    controls: defaultdict[tuple[str, int], list[Control]] = defaultdict(list)
    for row in _rows(connection, schema.controls):
        controls[row["tree"], row["node"]].append(Control(row["name"], row["location"]))
    trees: defaultdict[str, list[Node]] = defaultdict(list)
    for row in _rows(connection, schema.nodes):
        inner = tuple(controls[row["tree"], row["position"]])
        trees[row["tree"]].append(Node(row["level"], row["label"], row["screen"], inner))
    return {name: tuple(found) for name, found in trees.items()}


def _rows(connection: Connection, table: Table) -> Iterable[dict[str, Any]]:
    """Every row, in the order of the primary key."""
    query = select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(query).mappings()]


def _made(kind: type[Kind], row: Mapping[str, Any]) -> Kind:
    names = {field.name for field in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in row.items() if name in names})
