"""The protocol's specification: every rule is there once, marked, and whoever cites one can.

The example dumps are checked with `struct` by hand, so that a slip of the codecs cannot hide in the
document that other people implement from.
"""

from __future__ import annotations

import hashlib
import re
import struct
import tomllib
from itertools import groupby
from pathlib import Path

import pytest

from starwire.protocol.codes import codes
from starwire.protocol.forms import FORMS

ROOT = Path(__file__).resolve().parent.parent
SPECIFICATION = ROOT / "docs" / "protocol.md"

CITED = re.compile(r"\b[A-Z]{3}-[0-9]{2}\b")
NO_RULES = {"UTF-16", "UTF-32"}
"""What looks like the id of a rule and is none."""

WRITTEN = (".py", ".toml", ".lark", ".md")
CITING = [
    path
    for room in ("grammar", "protocol", "servers", "harness", "fixtures", "docs")
    for path in sorted((ROOT / room).rglob("*"))
    if path.suffix in WRITTEN and "__pycache__" not in path.parts
] + [ROOT / "CONTRIBUTING.md", ROOT / "README.md"]

FAMILIES = {
    "OCT": 3,
    "SYN": 13,
    "HDR": 11,
    "STS": 1,
    "DSP": 7,
    "WEB": 9,
    "ENC": 2,
    "TRN": 5,
    "CAT": 9,
    "ERR": 8,
    "FLW": 3,
}
"""How many rules each family has: ids are cited by reports and fixtures, so none may vanish."""


def sections(level: str) -> list[tuple[str, str]]:
    """Heading and body of every section of a level (`##`, `###`), outside code."""
    text = SPECIFICATION.read_text("utf-8")
    found: list[tuple[str, list[str]]] = []
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading = not fenced and re.fullmatch(r"(#+) (.*)", line)
        if heading and len(heading[1]) <= len(level):
            found.append((heading[2] if heading[1] == level else "", []))
        elif found:
            found[-1][1].append(line)
    return [(title, "\n".join(body)) for title, body in found if title]


RULES = [(title, body) for title, body in sections("###") if CITED.fullmatch(title)]
IDS = [title for title, _ in RULES]


def statements(body: str) -> list[str]:
    """The list items of a rule, each in one line."""
    items = re.findall(r"^- .*(?:\n  .*)*", body, re.MULTILINE)
    return [" ".join(item[2:].split()) for item in items]


def test_every_rule_stands_once() -> None:
    assert sorted(IDS) == sorted(set(IDS))


def test_rules_are_numbered_without_gaps() -> None:
    expected = [
        f"{family}-{number:02}"
        for family, count in FAMILIES.items()
        for number in range(1, count + 1)
    ]
    assert sorted(IDS) == sorted(expected)


def test_rules_stand_in_the_order_of_their_families() -> None:
    families = [family for family, _ in groupby(IDS, key=lambda rule: rule[:3])]
    assert families == list(FAMILIES)


@pytest.mark.parametrize(("rule", "body"), RULES, ids=IDS)
def test_every_statement_of_a_rule_is_marked_and_has_its_ground(rule: str, body: str) -> None:
    """[S] says where the seed states it, [C] why it was chosen."""
    marked = statements(body)
    assert marked
    for statement in marked:
        assert re.match(r"\[[SC]\] ", statement), statement
        parts = re.split(r"\[([SC])\] ", statement)[1:]
        for mark, part in zip(parts[::2], parts[1::2], strict=True):
            if mark == "S":
                assert re.search(r"\((?:text of )?(?:Fig|Table|Appendi).*\)$", part.strip()), (
                    statement
                )
            else:
                assert re.search(r"Reason: \S.*\.$", part.strip()), statement


@pytest.mark.parametrize(("rule", "body"), RULES, ids=IDS)
def test_a_rule_has_a_title_and_no_unmarked_prose(rule: str, body: str) -> None:
    lines = body.strip().splitlines()
    assert re.fullmatch(r"\*\*[^*]+\.\*\*", lines[0]), lines[0]
    fenced = False
    for line in lines[1:]:
        fenced ^= line.startswith("```")
        if line and not fenced and not line.startswith("```"):
            assert re.match(r"- |  |\||\d+\. ", line), line


@pytest.mark.parametrize("path", CITING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_rule_that_is_cited_exists(path: Path) -> None:
    cited = set(CITED.findall(path.read_text("utf-8"))) - NO_RULES
    assert cited - set(IDS) == set()


def test_the_sections_that_are_made_from_tables_can_be_found() -> None:
    """`./dev docs` writes behind these marks; the catalogue is the last thing in the file."""
    text = SPECIFICATION.read_text("utf-8")
    assert text.count("<!-- codes: generated -->") == 1
    assert text.count("<!-- catalogue: generated -->") == 1
    assert [title for title, _ in sections("##")][-2:] == ["The codes", "The catalogue"]


def test_the_codes_are_those_of_the_table() -> None:
    [body] = [body for title, body in sections("##") if title == "The codes"]
    rows = re.findall(r"^\| (\d+) \| (.*) \| (.*) \| (\w+) \|$", body, re.MULTILINE)
    assert [(int(code), text, trigger, reach) for code, text, trigger, reach in rows] == [
        (code.code, code.text, code.trigger, code.reach) for code in codes()
    ]


# The examples.

DUMPS = re.compile(r"```hex\n# (?P<title>.*): (?P<count>\d+) octets\n(?P<dump>(?:.*\n)*?)```")
MESSAGE = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
KEY = b"0123456789abcdef0123456789abcdef"
NO_KEY = bytes(32)
BLANK = b" "


def dumps() -> dict[str, bytes]:
    """The octets of every dump by its title."""
    found = {}
    for dump in DUMPS.finditer(SPECIFICATION.read_text("utf-8")):
        octets = bytearray()
        for line in dump["dump"].splitlines():
            offset, columns = line[:4], line[6:53]
            assert int(offset, 16) == len(octets)
            octets += bytes.fromhex(columns)
            readable = "".join(chr(one) if 32 <= one < 127 else "." for one in octets[-16:])
            assert not line[55:] or readable[-len(bytes.fromhex(columns)) :].rstrip() == line[55:]
        assert len(octets) == int(dump["count"]), dump["title"]
        found[dump["title"]] = bytes(octets)
    return found


def common(type_: int, serial: int, status: int, data: bytes = b"", *, key: bytes = KEY) -> bytes:
    header = struct.pack(">BIB32sBQH", 1, 49 + len(data), 0, key, type_, serial, status)
    return header + data


def dispatcher(user: bytes, enterprise: bytes, key: bytes, status: int, data: bytes) -> bytes:
    length = 76 + len(data)
    fields = (b"RM".ljust(8), 0, user.ljust(20), enterprise.ljust(8), key, status)
    return struct.pack(">BI8sB20s8s32sH", 1, length, *fields) + data


def little_dispatcher(user: bytes, enterprise: bytes, key: bytes, data: bytes) -> bytes:
    length = 59 + len(data)
    fields = (b"RM".ljust(8), 0, user.ljust(20), enterprise.ljust(8), key, 0)
    return struct.pack("<BI8sB20s8s16sB", 1, length, *fields) + data


def bulk(operation: int, transfer: int, offset: int, total: int, payload: bytes) -> bytes:
    return struct.pack(">BQQQ", operation, transfer, offset, total) + payload


POLL = b"00000000000000000017"
FILE = b"44,30"
EXAMPLES = {
    "GRTL to a proxy, default": common(0, 4711, 0, MESSAGE),
    "GRTL to a proxy, little": struct.pack(
        "<BIB16sBIB", 1, 28 + len(MESSAGE), 0, KEY[:16], 0, 4711, 0
    )
    + MESSAGE,
    "GRTL to the dispatcher, default": dispatcher(b"jeanvnet2", b"00022924", KEY, 0, MESSAGE),
    "GRTL to the dispatcher, little": little_dispatcher(
        b"jeanvnet2", b"00022924", KEY[:16], MESSAGE
    ),
    "GRTL to the web server, default": b"\1" + KEY + dispatcher(b"", b"", NO_KEY, 0, MESSAGE),
    "GRTL to the web server, little": b"\1"
    + KEY[:16]
    + little_dispatcher(b"", b"", NO_KEY[:16], MESSAGE),
    "an echo and its reply, default": struct.pack(">BIB32sBQH", 1, 49, 1, NO_KEY, 0, 4712, 0),
    "session unknown, from the web server, default": b"\1"
    + NO_KEY
    + dispatcher(b"", b"", NO_KEY, 105, b""),
    "session unknown, from a proxy, default": common(0, 4713, 105),
    "an application error, default": common(0, 4711, 100, b"SRTL<ERROR=6827>"),
    "version mismatch, default": common(0, 0, 101, key=NO_KEY),
    "accepted, default": common(1, 4714, 1, POLL),
    "a poll, default": common(2, 4715, 0, POLL),
    "in progress, default": common(2, 4715, 2),
    "open, default": common(3, 4716, 0, bulk(0, 0, 0, 0, b"F<INBOXID=42>")),
    "data, default": common(3, 4716, 3, bulk(1, 9, 0, 5, FILE)),
    "end, default": common(3, 4716, 4, bulk(2, 9, 5, 5, hashlib.sha256(FILE).digest())),
}


def test_the_examples_are_what_they_say() -> None:
    assert dumps() == EXAMPLES


def test_the_message_of_the_examples_is_the_first_original() -> None:
    assert (ROOT / "fixtures" / "golden" / "grtl.emended.msg").read_bytes() == MESSAGE


def test_the_forms_are_those_of_the_validation() -> None:
    [body] = [body for title, body in RULES if title == "CAT-02"]
    names = re.findall(r"^\| (\w+) \| ", body, re.MULTILINE)
    assert sorted(names) == sorted(["form", *FORMS])


def test_the_fixtures_name_every_original() -> None:
    manifest = tomllib.loads((ROOT / "fixtures" / "golden" / "manifest.toml").read_text("utf-8"))
    readme = (ROOT / "fixtures" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (\w+) \| .*\|$", readme, re.MULTILINE)
    assert rows == [(one["id"], one["outcome"]) for one in manifest["message"]]
