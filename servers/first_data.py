"""What a new store starts with: the customers, reports and pick lists of the printed examples.

The data is in `first/*.toml`; `FirstData` writes it into an empty store in one transaction and
puts the sample files into the Inbox's folder.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from msgspec.structs import asdict
from sqlalchemy import Connection, Table, insert, update

from . import schema
from .files import FileRoot, metadata_location
from .first_documents import (
    Choice,
    Columns,
    Customers,
    Files,
    HierarchyRow,
    Line,
    Part,
    PickLists,
    Reports,
    Template,
    Templates,
    Trees,
    read,
)
from .metadata import report_metadata
from .passwords import PasswordCost, hash_password
from .reference import load_reference

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = defaultdict[Table, list[Row]]
"""What goes into each table."""


class FirstData:
    """What fills a new store: `open_store(url, fill=FirstData(files).fill)`."""

    def __init__(
        self,
        files: FileRoot,
        cost: PasswordCost | None = None,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._files = files
        self._cost = cost or PasswordCost()
        self._random = random

    def fill(self, connection: Connection) -> None:
        """Write everything within the transaction of `connection`, and the sample files."""
        rows: Rows = defaultdict(list)
        self._add_users(rows)
        _add_hierarchies(rows)
        _add_templates(rows)
        _add_trees(rows)
        _add_pick_lists(rows)
        _add_reports(rows)
        for table in schema.metadata.sorted_tables:
            if rows[table]:
                connection.execute(insert(table), rows[table])
        _start_counter(connection, "USERRPTID", rows[schema.user_reports])
        _start_counter(connection, "REQUESTID", rows[schema.requests])
        self._add_files(connection)

    def _add_users(self, rows: Rows) -> None:
        data = read("customers", Customers)
        for user in data.user:
            password = hash_password(data.password, self._cost, random=self._random)
            rows[schema.users].append(_only(user, schema.users) | {"password": password})
            rows[schema.entitlements] += [
                {"userid": user.userid, "target": target, "position": position}
                for position, target in enumerate(user.applications)
            ]

    def _add_files(self, connection: Connection) -> None:
        """Write the sample files, each whole or not at all; a file that is there stays."""
        for sample in read("files", Files).file:
            self._write(sample.loc, sample.text.encode("latin-1"))
            if sample.report is not None:
                metadata = report_metadata(connection, load_reference(connection), sample.report)
                self._write(metadata_location(sample.loc, compressed=False), metadata)

    def _write(self, loc: str, octets: bytes) -> None:
        path = self._files.place(loc)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_bytes(octets)
        unfinished.replace(path)


# --------------------------------------------------------------------------- from files to tables


def _add_hierarchies(rows: Rows) -> None:
    data = read("customers", Customers)
    levels = rows[schema.hierarchy_levels]
    for billing in data.billing:
        levels += _levels(billing.entpid, "PL_HIER", billing.rows)
    for geography in data.geography:
        for entpid in geography.entpids:
            levels += _levels(entpid, "PL_GEO", geography.rows)


def _levels(entpid: str, pick_list: str, rows: list[HierarchyRow]) -> Iterator[Row]:
    for position, (word, levels) in enumerate(rows):
        for level, (code, name) in enumerate(levels):
            yield {
                "entpid": entpid,
                "list": pick_list,
                "position": position,
                "level": level,
                "word": word,
                "code": code,
                "name": name,
            }


def _add_templates(rows: Rows) -> None:
    rows[schema.report_columns] += map(asdict, read("columns", Columns).columns)
    data = read("templates", Templates)
    for category in data.category:
        rows[schema.report_categories].append(_only(category, schema.report_categories))
        for template in category.report:
            ids = template.by + data.measures[template.measures]
            _add_template(rows, category.id, template, ids)


def _add_template(rows: Rows, category: int, template: Template, columns: list[int]) -> None:
    rows[schema.templates].append(
        _only(template, schema.templates)
        | {
            "category": category,
            "tree": template.server,
            "sortby": template.sortby or f"{columns[0]}A",
            "y_columns": "~".join(map(str, template.y_columns)),
        }
    )
    rows[schema.template_products] += [
        {"template": template.id, "product": product, "io": io}
        for product, io in template.products.items()
    ]
    rows[schema.template_columns] += [
        {"template": template.id, "position": position, "column": column}
        for position, column in enumerate(columns)
    ]


def _add_trees(rows: Rows) -> None:
    for tree in read("trees", Trees).tree:
        for number, node in enumerate(tree.node, start=1):
            place = {"tree": tree.name, "position": number}
            rows[schema.nodes].append(place | _only(node, schema.nodes))
            rows[schema.controls] += [
                {"tree": tree.name, "node": number, "position": position, **asdict(control)}
                for position, control in enumerate(node.controls)
            ]


def _add_pick_lists(rows: Rows) -> None:
    data = read("pick_lists", PickLists)
    lists = {
        "PL_ACCESS": (data.products, data.access),
        "PL_RANGE": (data.products, data.ranges),
        "PL_USAGE": (data.products, data.usages),
        "PL_DURATION": ([""], [Choice(text, "") for text in data.durations]),
        "PL_LANG": ([""], data.languages),
        "PL_CURR": ([""], data.currencies),
    }
    rows[schema.pick_list_values] += [
        {"list": name, "product": product, "position": position, "datacat": "B", **asdict(choice)}
        for name, (products, choices) in lists.items()
        for product in products
        for position, choice in enumerate(choices)
    ]
    rows[schema.time_zones] += map(asdict, data.time_zones)


def _add_reports(rows: Rows) -> None:
    for report in read("reports", Reports).report:
        when = report.time.timestamp()
        times = {"status_time": when, "created": when}
        rows[schema.user_reports].append(_only(report, schema.user_reports) | times)
        rows[schema.user_report_parameters] += [
            {"report": report.id, "name": name, "value": value}
            for name, value in report.parameters.items()
        ]
        rows[schema.user_report_dates] += [
            {"report": report.id, "position": position, "start": start, "end": end}
            for position, (start, end) in enumerate(report.dates)
        ]
        rows[schema.requests] += [
            {"report": report.id, "due": when, "created": when, **asdict(request)}
            for request in report.request
        ]


def _only(part: Part | Line, table: Table) -> Row:
    """What of `part` are columns of `table`."""
    return {name: value for name, value in asdict(part).items() if name in table.c}


def _start_counter(connection: Connection, counter: str, rows: list[Row]) -> None:
    """Let the identifiers of `counter` go on behind those of the first data."""
    counted = update(schema.counters).where(schema.counters.c.name == counter)
    connection.execute(counted.values(last=max(row["id"] for row in rows)))
