"""What people are shown: trees, headers, replies; and the tree as JSON, every offset right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from starwire.grammar import Limits, MetadataError, parse
from starwire.grammar.plain import as_plain
from starwire.harness.display import (
    folded,
    header_line,
    header_words,
    message_lines,
    reply_lines,
    sent_lines,
    shown,
    tree_lines,
)
from starwire.harness.envelopes import Reply
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import shipped

GOLDEN = sorted((Path(__file__).parents[2] / "fixtures" / "golden").glob("*.msg"))


def tree(octets: bytes) -> list[str]:
    return list(tree_lines(parse(octets)))


# Trees.


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"GRTL<PRODUCT=V,IO=O>", ["GRTL", "  PRODUCT = V", "  IO = O"]),
        (b"<A=1>", ["(no acronym)", "  A = 1"]),
        (b"A<>", ["A"]),
        (b" A <B>", ["A", "  B"]),
        (b"A<B=>", ["A", "  B ="]),
        (b"A<x,B = y z ,w>", ["A", "  x", "  B = y z ,w"]),
        (b"A<S=A<START=1,END=2>>", ["A", "  S = A<START=1,END=2>"]),
        (b"A\x1b[2J<B=\x1b[2J\xa0\xe9>", ["A\\x1b[2J", "  B = \\x1b[2J\\xa0é"]),
    ],
)
def test_short_values_stand_on_one_line(octets: bytes, lines: list[str]) -> None:
    assert tree(octets) == lines


def test_a_long_value_has_a_line_for_each_of_its_groups() -> None:
    row = "<%d~" + "x" * 20 + ">"
    rows = "".join(row % number for number in range(4))
    assert tree(f"Z<ERROR=0,ITEMS={rows}>".encode()) == [
        "Z",
        "  ERROR = 0",
        "  ITEMS =",
        *[f"    {row % number}" for number in range(4)],
    ]


def test_long_groups_are_opened_and_nothing_between_them_is_left_out() -> None:
    inner = "x" * 60
    octets = f"A<B=before,IN<K={inner},L=<{inner}>>,mid,OUT<{inner}>behind,,C=1>".encode()
    assert tree(octets) == [
        "A",
        "  B =",
        "    before",
        "    IN<",
        f"      K = {inner}",
        f"      L = <{inner}>",
        "    >",
        "    mid",
        f"    OUT<{inner}>",
        "    behind",
        "  C = 1",
    ]


def test_a_list_is_one_line_however_long() -> None:
    members = "~".join(map(str, range(100)))
    assert tree(f"A<COLUMNS=<{members}>>".encode()) == ["A", "  COLUMNS =", f"    <{members}>"]


def test_nesting_deeper_than_python_s_calls() -> None:
    depth = 5000
    octets = b"A" + b"<B=" * depth + b"x" * 100 + b">" * depth
    lines = list(tree_lines(parse(octets, Limits(nesting=depth + 1, marks=depth + 1))))
    assert lines[0] == "A"
    assert lines[-1] == "    >"
    assert sum(line.strip().startswith("B =") for line in lines) == depth


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_original_is_shown_whole(path: Path) -> None:
    """No letter of an original is lost in its tree; what is not shown is separators and blanks."""
    try:
        message = parse(path.read_bytes())
    except MetadataError:
        return
    silent = str.maketrans("", "", " ,=<>\x01\r\n\t")
    printed = "".join(tree_lines(message)).removeprefix("(no acronym)").replace("\\x01", "")
    assert printed.translate(silent) == shown(message.text.translate(silent))


# JSON.


def values_of(plain: dict[str, Any]) -> list[dict[str, Any]]:
    """Every value of the tree, at any depth."""
    found = []
    for value in [*plain["members"], *plain["fields"]]:
        found.append(value)
        for group in value.get("groups", ()):
            found += values_of(group)
    return found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_offset_of_the_json_is_right(path: Path) -> None:
    octets = path.read_bytes()
    try:
        plain = as_plain(parse(octets))
    except MetadataError:
        return
    text = octets.decode("latin-1")
    assert text[plain["offset"]] == "<"
    assert text[: plain["offset"]] == (plain["name"] or "")
    found = values_of(plain)
    assert found
    for value in found:
        begin = value["offset"]
        assert text[begin : begin + len(value["text"])] == value["text"]
        if "key" in value:
            key = text[value["key_offset"] : begin]
            assert key == value["key"] + "="
            assert value["name"] == value["key"].strip(" \t\r\n").upper()
        for group in value.get("groups", ()):
            assert text[group["offset"]] == "<"
            assert begin <= group["offset"] < begin + len(value["text"])


def test_the_shape_of_the_json() -> None:
    assert as_plain(parse(b" A <x,B =h<1,C=2>,y>\r\n")) == {
        "name": " A ",
        "acronym": "A",
        "offset": 3,
        "members": [{"offset": 4, "text": "x"}],
        "fields": [
            {
                "key": "B ",
                "name": "B",
                "key_offset": 6,
                "offset": 9,
                "text": "h<1,C=2>,y",
                "heads": ["h"],
                "groups": [
                    {
                        "offset": 10,
                        "members": [{"offset": 11, "text": "1"}],
                        "fields": [
                            {"key": "C", "name": "C", "key_offset": 13, "offset": 15, "text": "2"}
                        ],
                    }
                ],
            }
        ],
        "tail": "\r\n",
    }


# Headers.

HEADERS = [
    (
        WebHeader(1, "0123456789abcdef"),
        "web header: transaction=1(transaction) session_key=01234567...",
        "web: transaction, key 01234567...",
    ),
    (WebHeader(0), "web header: transaction=0(logon) session_key=-", "web: logon"),
    (WebHeader(9, "k"), "web header: transaction=9(unknown) session_key=k", "web: unknown, key k"),
    (
        DispatcherHeader(1, 92, "RM", 0, "", "", "", 100),
        "dispatcher header: version=1 length=92 target=RM type=0(sync) user_id=- enterprise_id=- "
        "session_key=- status=100(application error)",
        "dispatcher: to RM, sync, 92 octets, 100 application error",
    ),
    (
        DispatcherHeader(1, 76, "A\x1b", 3, "dorod", "00022924", "", 0),
        "dispatcher header: version=1 length=76 target=A\\x1b type=3(bulk) user_id=dorod "
        "enterprise_id=00022924 session_key=- status=0(ok)",
        "dispatcher: to A\\x1b, bulk, user dorod, enterprise 00022924, 76 octets",
    ),
    (
        CommonHeader(1, 49, 1, "", 0, 4712, 0),
        "common header: version=1 length=49 echo=1 session_key=- type=0(sync) serial=4712 "
        "status=0(ok)",
        "common: echo 1, sync, serial 4712, 49 octets",
    ),
    (
        CommonHeader(1, 49, 0, "", 7, 0, 999),
        "common header: version=1 length=49 echo=0 session_key=- type=7(unknown) serial=0 "
        "status=999(unknown)",
        "common: unknown, 49 octets, 999 unknown",
    ),
    (
        BulkHeader(1, 9, 0, 5),
        "bulk header: operation=1(data) transfer=9 offset=0 total=5",
        "bulk: data, transfer 9, total 5",
    ),
]


@pytest.mark.parametrize(("header", "line", "words"), HEADERS)
def test_a_header(header: Any, line: str, words: str) -> None:
    assert header_line(header) == line
    assert header_words(header) == words


# Requests and replies.


def test_a_request_layer_by_layer() -> None:
    wire = shipped("little").wire
    octets = (
        b"\x01" + bytes(16)
        + b"\x01" b"\x3e\x00\x00\x00" b"RM      " b"\x00" + b" " * 28 + bytes(16) + b"\x00" b"A<>"
    )  # fmt: skip
    lines = list(sent_lines(octets, (wire.web, wire.dispatcher), Limits()))
    assert [line.partition(":")[0] for line in lines] == ["web header", "dispatcher header", "A"]
    assert "length=62 target=RM" in lines[1]


def test_a_reply_layer_by_layer() -> None:
    data = b"Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=5>1,2,3"
    assert list(reply_lines(Reply(data, data, 0, (WebHeader(1),)))) == [
        "web header: transaction=1(transaction) session_key=-",
        "Z",
        "  REQ = F",
        "  ERROR = 0",
        "  INBOXID = 1",
        "  FSIZE = 5",
        "(5 octets of the file follow)",
    ]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", ["(no data)"]),
        (b"no\nmessage", ["(no message) b'no\\nmessage'"]),
        (b"x" * 201, [f"(no message) b'{'x' * 200}'..."]),
        (b"Z<REQ=F", ["(no message) b'Z<REQ=F'"]),
        (b"Z" + b"<" * 65 + b">" * 65, [f"(no message) b'Z{'<' * 65}{'>' * 65}'"]),
    ],
)
def test_data_that_is_no_message(data: bytes, lines: list[str]) -> None:
    assert list(message_lines(data, Limits())) == lines
    assert list(reply_lines(Reply(data, data))) == lines


@pytest.mark.parametrize(
    ("count", "last"),
    [(0, None), (3, "2"), (4, "3"), (5, "... 2 more lines"), (100, "... 97 more lines")],
)
def test_long_answers_are_folded(count: int, last: str | None) -> None:
    lines = list(folded(map(str, range(count)), 3))
    assert len(lines) == min(count, 4)
    assert (lines[-1] if lines else None) == last
