"""The files of `first/` as they are written: what each holds, checked when it is read."""

from __future__ import annotations

from datetime import datetime
from importlib import resources
from typing import Literal, TypeAlias, TypeVar

import msgspec

Document = TypeVar("Document")
Level: TypeAlias = tuple[str, str]
Io: TypeAlias = Literal["I", "O", "B"]

EVERY_PRODUCT: dict[str, Io] = {"T": "I", "V": "B", "S": "B", "C": "B"}


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """A table of a TOML file; an unknown key is an error that names it."""


class Line(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A row written as an array."""


class User(Part):
    userid: str
    entpid: str
    applications: list[str]
    email: str = ""
    pager: str = ""
    pager_pin: str = ""


HierarchyRow: TypeAlias = tuple[str, list[Level]]
"""The word before the row, and its levels."""


class Billing(Part):
    entpid: str
    rows: list[HierarchyRow]


class Geography(Part):
    entpids: list[str]
    rows: list[HierarchyRow]


class Customers(Part):
    password: str
    user: list[User]
    billing: list[Billing]
    geography: list[Geography]


class ReportColumn(Line):
    id: int
    label: str
    datatype: Literal["S", "C", "I", "N", "D", "L"]
    decimals: int
    width: int
    hideable: bool
    sortable: bool
    graphable: bool
    expression: str
    total: Literal["Minutes", "Amount", "Calls", ""]


class Columns(Part):
    columns: list[ReportColumn]


class Template(Part):
    id: int
    title: str
    by: list[int]
    description: str | None = None
    measures: str = "priced"
    sortby: str = ""
    products: dict[str, Io] = msgspec.field(default_factory=EVERY_PRODUCT.copy)
    datatype: Literal["R", "D"] = "R"
    datacat: Literal["P", "U"] = "P"
    server: Literal["ODS", "TVS"] = "ODS"
    reccount: int = 1000
    ranking: int | None = None
    duration: int | None = None
    ani: int | None = None
    graph_mode: int = 0
    graph_type: int = 0
    x_axis: int | None = None
    y_columns: list[int] = []


class Category(Part):
    id: int
    title: str
    report: list[Template]


class Templates(Part):
    measures: dict[str, list[int]]
    category: list[Category]


class Control(Line):
    name: str
    location: str


class Node(Line):
    level: int
    label: str
    screen: int
    controls: list[Control]


class Tree(Part):
    name: str
    node: list[Node]


class Trees(Part):
    tree: list[Tree]


class Choice(Line):
    code: str
    description: str
    io: Io = "B"


class TimeZone(Line):
    code: str
    label: str
    offset: int
    description: str


class PickLists(Part):
    products: list[str]
    access: list[Choice]
    ranges: list[Choice]
    usages: list[Choice]
    durations: list[str]
    languages: list[Choice]
    currencies: list[Choice]
    time_zones: list[TimeZone]


class Request(Part):
    id: int
    state: str


class Report(Part):
    id: int
    userid: str
    entpid: str
    template: int
    product: str
    name: str
    category: str
    active: str
    schedule: str
    status: str
    time: datetime
    parameters: dict[str, str]
    dates: list[tuple[str, str]] = []
    request: list[Request] = []


class Reports(Part):
    report: list[Report]


class File(Part):
    loc: str
    text: str
    report: int | None = None


class Files(Part):
    file: list[File]


def read(name: str, document: type[Document]) -> Document:
    """The file `first/NAME.toml`."""
    text = resources.files(__package__).joinpath("first", f"{name}.toml").read_text("utf-8")
    try:
        return msgspec.toml.decode(text, type=document)
    except msgspec.MsgspecError as error:
        raise ValueError(f"first/{name}.toml: {error}") from error
