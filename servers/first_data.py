"""What a new store starts with: the customers, reports and pick lists of the patent's examples.

The data is in `first/*.toml`; `FirstData` writes it into an empty store in one transaction and
puts the sample files into the Inbox's folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Connection, Table, insert, update

from . import schema
from .files import FileRoot, metadata_location
from .first_documents import (
    Choice,
    Columns,
    Customers,
    Files,
    HierarchyRow,
    Part,
    PickLists,
    Report,
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
        self._add_customers(connection)
        _add_templates(connection)
        _add_trees(connection)
        _add_pick_lists(connection)
        _add_reports(connection)
        self._add_files(connection)

    def _add_customers(self, connection: Connection) -> None:
        data = read("customers", Customers)
        for user in data.user:
            row = {
                "userid": user.userid,
                "entpid": user.entpid,
                "password": hash_password(data.password, self._cost, random=self._random),
                "email": user.email,
                "pager": user.pager,
                "pager_pin": user.pager_pin,
            }
            connection.execute(insert(schema.users).values(row))
            applications = [
                {"userid": user.userid, "target": target, "position": position}
                for position, target in enumerate(user.applications)
            ]
            connection.execute(insert(schema.entitlements), applications)
        levels: list[Row] = []
        for billing in data.billing:
            levels += _hierarchy(billing.entpid, "PL_HIER", billing.rows)
        for geography in data.geography:
            for entpid in geography.entpids:
                levels += _hierarchy(entpid, "PL_GEO", geography.rows)
        connection.execute(insert(schema.hierarchy_levels), levels)

    def _add_files(self, connection: Connection) -> None:
        """Write the sample files, each whole or not at all; a file that is there stays."""
        for sample in read("files", Files).file:
            octets = sample.text.encode("latin-1")
            self._write(sample.loc, octets)
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


def _hierarchy(entpid: str, pick_list: str, rows: list[HierarchyRow]) -> Iterator[Row]:
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


def _add_templates(connection: Connection) -> None:
    columns = read("columns", Columns).columns
    _insert(connection, schema.report_columns, map(msgspec.structs.asdict, columns))
    data = read("templates", Templates)
    for category in data.category:
        row = {"id": category.id, "title": category.title}
        connection.execute(insert(schema.report_categories).values(row))
        for template in category.report:
            ids = template.by + data.measures[template.measures]
            _add_template(connection, category.id, template, ids)


def _add_template(
    connection: Connection, category: int, template: Template, columns: list[int]
) -> None:
    row = {
        "category": category,
        "tree": template.server,
        "sortby": template.sortby or f"{columns[0]}A",
        "y_columns": "~".join(map(str, template.y_columns)),
    }
    for name in [
        "id",
        "title",
        "description",
        "datatype",
        "datacat",
        "server",
        "reccount",
        "ranking",
        "duration",
        "ani",
        "graph_mode",
        "graph_type",
        "x_axis",
    ]:
        row[name] = getattr(template, name)
    connection.execute(insert(schema.templates).values(row))
    products = [
        {"template": template.id, "product": product, "io": io}
        for product, io in template.products.items()
    ]
    connection.execute(insert(schema.template_products), products)
    places = [
        {"template": template.id, "position": position, "column": column}
        for position, column in enumerate(columns)
    ]
    connection.execute(insert(schema.template_columns), places)


def _add_trees(connection: Connection) -> None:
    nodes: list[Row] = []
    controls: list[Row] = []
    for tree in read("trees", Trees).tree:
        for number, node in enumerate(tree.node, start=1):
            place = {"tree": tree.name, "position": number}
            nodes.append(place | {"level": node.level, "label": node.label, "screen": node.screen})
            controls += [
                {"tree": tree.name, "node": number, "position": position}
                | msgspec.structs.asdict(control)
                for position, control in enumerate(node.controls)
            ]
    connection.execute(insert(schema.nodes), nodes)
    connection.execute(insert(schema.controls), controls)


def _add_pick_lists(connection: Connection) -> None:
    data = read("pick_lists", PickLists)
    for name, choices in (
        ("PL_ACCESS", data.access),
        ("PL_RANGE", data.ranges),
        ("PL_USAGE", data.usages),
    ):
        for product in data.products:
            _add_choices(connection, name, product, choices)
    _add_choices(connection, "PL_DURATION", "", [Choice(text, "") for text in data.durations])
    _add_choices(connection, "PL_LANG", "", data.languages)
    _add_choices(connection, "PL_CURR", "", data.currencies)
    _insert(connection, schema.time_zones, map(msgspec.structs.asdict, data.time_zones))


def _add_choices(connection: Connection, name: str, product: str, choices: list[Choice]) -> None:
    place = {"list": name, "product": product, "datacat": "B"}
    rows = (
        place | {"position": position} | msgspec.structs.asdict(choice)
        for position, choice in enumerate(choices)
    )
    _insert(connection, schema.pick_list_values, rows)


def _add_reports(connection: Connection) -> None:
    reports = read("reports", Reports).report
    for report in reports:
        _add_report(connection, report)
    requests = [request.id for report in reports for request in report.request]
    _start_counter(connection, "USERRPTID", max(report.id for report in reports))
    _start_counter(connection, "REQUESTID", max(requests))


def _add_report(connection: Connection, report: Report) -> None:
    when = report.time.timestamp()
    row = {"status_time": when, "created": when}
    for name in [
        "id",
        "userid",
        "entpid",
        "template",
        "product",
        "name",
        "category",
        "active",
        "schedule",
        "status",
    ]:
        row[name] = getattr(report, name)
    connection.execute(insert(schema.user_reports).values(row))
    _insert(
        connection,
        schema.user_report_parameters,
        (
            {"report": report.id, "name": name, "value": value}
            for name, value in report.parameters.items()
        ),
    )
    _insert(
        connection,
        schema.user_report_dates,
        (
            {"report": report.id, "position": position, "start": start, "end": end}
            for position, (start, end) in enumerate(report.dates)
        ),
    )
    place = {"report": report.id, "due": when, "created": when}
    requests = (place | msgspec.structs.asdict(request) for request in report.request)
    _insert(connection, schema.requests, requests)


def _only(part: Part, table: Table) -> Row:
    """What of `part` are columns of `table`."""
    row = msgspec.structs.asdict(part)
    return {name: value for name, value in row.items() if name in table.c}


def _insert(connection: Connection, table: Table, rows: Iterator[Row]) -> None:
    listed = list(rows)
    if listed:
        connection.execute(insert(table), listed)


def _start_counter(connection: Connection, counter: str, last: int) -> None:
    """Let the identifiers of `counter` go on behind those of the first data."""
    where = schema.counters.c.name == counter
    connection.execute(update(schema.counters).where(where).values(last=last))
