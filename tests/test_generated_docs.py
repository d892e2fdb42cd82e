"""What `./dev docs` makes is what stands in docs/, whole, and says what the tables say."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from starwire.grammar import Limits
from starwire.protocol.catalogue import MessageSpec, ParameterSpec, catalogue
from starwire.protocol.codes import codes
from starwire.protocol.validation import Refusal, validate

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PROTOCOL = (DOCS / "protocol.md").read_text("utf-8")
SECTION = PROTOCOL.partition("<!-- catalogue: generated -->\n")[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    made = ("recording.schema.json", "bundle.schema.json", "report.schema.json")
    for name in ("protocol.md", "faults.md", "error-codes.md", *made):
        shutil.copy(DOCS / name, tmp_path)
    shutil.copy(ROOT / "harness" / "conformance" / "rules.json", tmp_path)
    return tmp_path


# The command.


def test_what_stands_there_is_what_would_be_written() -> None:
    """If this fails, run `./dev docs`."""
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("error-codes.md", "| 6612 |", "| 6613 |"),
        ("faults.md", "| `echo-2-is-none` | HDR-05 |", "| `echo-2-is-none` | HDR-06 |"),
        ("recording.schema.json", '"sealed"', '"healed"'),
        ("bundle.schema.json", '"seed"', '"sneed"'),
        ("rules.json", '"OCT-01"', '"OCT-99"'),
        ("report.schema.json", '"blocked"', '"locked"'),
        ("protocol.md", "| 6612 | the brackets", "| 6612 | the braces"),
        ("protocol.md", "#### GRTL: Retrieve", "#### GRTL: Receive"),
    ],
)
def test_a_file_that_was_changed_is_named_and_written_anew(
    generate: ModuleType,
    copy: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    old: str,
    new: str,
) -> None:
    text = (copy / name).read_text("utf-8")
    assert old in text
    (copy / name).write_text(text.replace(old, new, 1), "utf-8")
    assert generate.main(["--check"], copy) == 1
    told = f"docs/{name} is not what the tables give: run ./dev docs\n"
    assert capsys.readouterr().out == told
    assert generate.main([], copy) == 0
    assert capsys.readouterr().out == f"docs/{name} written\n"
    assert (copy / name).read_text("utf-8") == text
    assert generate.main(["--check"], copy) == 0


def test_a_file_that_is_gone_is_written_anew(generate: ModuleType, copy: Path) -> None:
    (copy / "error-codes.md").unlink()
    assert generate.main(["--check"], copy) == 1
    assert generate.main([], copy) == 0
    assert (copy / "error-codes.md").read_text("utf-8") == (DOCS / "error-codes.md").read_text()


def test_what_others_have_written_stays(generate: ModuleType, copy: Path) -> None:
    text = (copy / "protocol.md").read_text("utf-8").replace("## Limits\n", "## Limits!\n", 1)
    (copy / "protocol.md").write_text(text, "utf-8")
    assert generate.main(["--check"], copy) == 0
    assert generate.main([], copy) == 0
    assert (copy / "protocol.md").read_text("utf-8") == text


def test_a_mark_that_is_gone_is_missed(generate: ModuleType, copy: Path) -> None:
    text = (copy / "protocol.md").read_text("utf-8")
    (copy / "protocol.md").write_text(text.replace("<!-- codes: generated -->", ""), "utf-8")
    with pytest.raises(SystemExit, match="no <!-- codes: generated -->"):
        generate.main([], copy)


def test_other_arguments_are_refused(
    generate: ModuleType, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main(["--chek"], copy) == 2
    assert capsys.readouterr().err == "generate.py: --chek: only --check is known\n"


# The text. It is read back here, by another way than it was made.


def table_under(heading: str, text: str) -> list[dict[str, str]]:
    """The rows of the first table behind a heading."""
    body = text.partition(f"\n{heading}\n")[2]
    assert body, heading
    rows = []
    heads: list[str] = []
    for line in re.split(r"\n#", body)[0].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            if heads:
                break
        elif not heads:
            heads = cells
        elif set(line) != {"|", "-"}:
            assert len(cells) == len(heads), line
            rows.append(dict(zip(heads, cells, strict=True)))
    return rows


def heading(message: MessageSpec) -> str:
    variant = f" ({message.variant})" if message.variant else ""
    return f"#### {message.acronym}{variant}: {message.title}"


def dotted(level: tuple[ParameterSpec, ...], before: str = "") -> list[tuple[str, ParameterSpec]]:
    found = []
    for one in level:
        found += [(before + one.name, one), *dotted(one.members, f"{before}{one.name}.")]
    return found


MESSAGES = [
    pytest.param(one, id=f"{one.acronym}-{one.variant}-{one.direction}")
    for one in catalogue().messages
]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_parameter_of_every_message_has_its_line(message: MessageSpec) -> None:
    rows = table_under(heading(message), SECTION)
    expected = dotted(message.parameters)
    assert [row["parameter"].split(" ")[0].strip("`") for row in rows] == [n for n, _ in expected]
    for row, (_, one) in zip(rows, expected, strict=True):
        assert row["meaning"] == one.title
        assert row.get("length", "") == ("" if one.length is None else str(one.length))
        assert row["form"] == one.form
        kind = row["required"].removeprefix("only ").partition(" ")[0]
        assert kind == one.required
        assert row["required"].startswith("only ") is one.only
        for alias in one.aliases:
            assert f"`{alias}`" in row["parameter"]
        for value in one.values or ():
            assert f"`{value}`" in row["acceptable"]
        remarks = re.sub(r"`(<[^`]*>)`", r"\1", row.get("remarks", ""))
        assert one.note in remarks
        assert one.ground in remarks


def test_every_message_has_its_heading_and_no_other_has_one() -> None:
    headings = re.findall(r"^#### .*$", SECTION, re.MULTILINE)
    assert sorted(headings) == sorted(heading(one) for one in catalogue().messages)
    assert len(headings) == len(set(headings))


def test_messages_stand_under_the_place_that_has_them() -> None:
    place = ""
    for line in SECTION.splitlines():
        if line.startswith("### "):
            place = line
        for message in catalogue().messages:
            if line == heading(message):
                assert place.endswith(f" {message.where}")


@pytest.mark.parametrize(
    ("acronym", "octets", "parameter", "kind"),
    [
        ("GRTL", b"GRTL<DATATYPE=R,DATACAT=P,IO=O>", "PRODUCT", "missing"),
        ("GRTL", b"GRTL<PRODUCT=,DATATYPE=R,DATACAT=P,IO=O>", "PRODUCT", "empty"),
        ("GRTL", b"GRTL<PRODUCT=X,DATATYPE=R,DATACAT=P,IO=O>", "PRODUCT", "wrong"),
        ("GRTL", b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P>", "IO", "missing"),
        ("GRTL", b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=>", "IO", "empty"),
        ("GURL", b"GURL<USERID=u,RPTTMPID=1,ENTPID=7,PRODUCT=V,DATACAT=P>", "ENTPID", "wrong"),
        ("GPL (PL_ACCESS)", b"GPL<PL_ACCESS,PRODUCT=V,DATACAT=P>", "IO", "missing"),
    ],
)
def test_the_codes_of_a_line_are_those_of_a_refusal(
    acronym: str, octets: bytes, parameter: str, kind: str
) -> None:
    title = next(one for one in SECTION.splitlines() if one.startswith(f"#### {acronym}: "))
    [row] = [row for row in table_under(title, SECTION) if row["parameter"] == f"`{parameter}`"]
    with pytest.raises(Refusal) as refused:
        validate(octets, "rm", catalogue=catalogue(), limits=Limits())
    assert refused.value.parameter == parameter
    assert str(refused.value.code) == row[kind]


LINES = (
    """
| `THRESHOLD.RECCOUNT` | Record count | 4 | digits | yes | | 6114 | 6703 | 6103 | |
| `ERR` | Whether an informational file stands for the report | 1 | text | no |
  error_file: `0`, `1` | | | 6103 | default `0` |
| `USERID` | User id | 20 | text | yes | | 5153 | 5153 | 5153 | when `UNOTIFY` is `1`, `2` or `3`
  and `ENTPID` has no value: 5171 for missing or empty |
| `MSIZE` | Size of the metadata in octets | 10 | number | only when `CATEGORY` is `R` or `D` |
  0 to 2147483647 | 5162 | 5162 | 5162 | |
- `SCHEDTYPE`, 6103: an ad hoc schedule type with a recurring schedule (when `SCHEDTYPE` is `A` and
  `SCHEDULE` is `H`, `D`, `W` or `M`).
- request at `rm`, `rs`, `rm-native`; answered with URSA.
- response at `bus`; also taken as a message of its own at `bus`, `rm-native`; answered with
  ARDA (fulfilling).
- Told from its variants by `REQ` = `A`.
- `LOC`, 5165: COMPRESS=1 exactly where LOC ends in _zip.
| `BILLING` | Billing hierarchy | | hierarchy | when the fact `server` is `ODS`; or the fact
  `server` is `TVS` and the fact `io` is `O` or `B` | | 6701 | 6702 | 6103 |
  the first level must hold an id; must hold the corporate id at least |
| `REQUESTID` | Unique request id | 10 | id | when `USERRPTID` has a value | | 6701 | 6702 | 6103 |
  the one of the ARD; *ERR-04: required of a server that uses the Report Requester, which is one
  that gives USERRPTID* |
- Fields and members of lists are divided by the octet 0x01.
| a required member of a group is missing | 6114 | 5102 |
| `jar` | the cookie jar | Report Manager |
| product | `V` Vnet, `C` CVNS, `S` Vision, `T` Toll Free, `H` Broadband |
| `TIME_ZONE` | `TIMEZONE` | METADATA | Appendix F prints Time_zone, the first metadata example
  prints Timezone; in an ARD TIMEZONE is a name of its own |
### Messages added by CAT-06
""".strip()
    .replace("\n  ", " ")
    .splitlines()
)


@pytest.mark.parametrize("line", LINES)
def test_a_line(line: str) -> None:
    assert SECTION.splitlines().count(line) == 1


def test_a_cell_stays_what_it_is(generate: ModuleType) -> None:
    assert generate.cell("`<a>` <b> | c") == " `<a>` `<b>` \\| c "
    assert generate.cell("") == " "


def test_no_cell_is_taken_for_a_tag() -> None:
    outside = re.sub(r"`[^`]*`", "", SECTION)
    assert re.findall(r"<[^>\n]*>", outside) == []


# The page of the codes.

PAGE = (DOCS / "error-codes.md").read_text("utf-8")


@pytest.mark.parametrize(("title", "proxy"), [("## Report Manager", "RM"), ("## Inbox", "INBOX")])
def test_every_code_has_its_line(title: str, proxy: str) -> None:
    rows = table_under(title, PAGE)
    expected = [one for one in codes() if one.proxy == proxy]
    assert [(row["code"], row["meaning"], row["comes when"]) for row in rows] == [
        (str(one.code), one.text, one.trigger) for one in expected
    ]
    needs = {row["needs"] for row in rows}
    assert needs == {
        "a request in order",
        "one message",
        "stored data or files",
        "a fault of the control API",
    }


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("6114", ""),
        ("6602", "`START` missing or empty in ARD (client), ARD (fulfilling)"),
        ("6829", "`REPORTID` missing in GRTD, GURD"),
        ("6801", "`ACTIVE` missing in URS"),
        ("6802", "`ACTIVE` empty in ARD (client), URS"),
        ("5165", "`LOC` wrong in A"),
        ("5171", "`USERID` missing or empty in A; `ENTPID` missing or empty in A"),
    ],
)
def test_a_code_and_the_lines_that_name_it(code: str, named: str) -> None:
    rows = table_under("## Report Manager", PAGE) + table_under("## Inbox", PAGE)
    assert [row["named by"] for row in rows if row["code"] == code] == [named]
