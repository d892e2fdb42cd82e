#!/usr/bin/env python3
"""Writes what of this folder is made from the tables of the protocol room.

    ./dev docs              error-codes.md, the last two sections of protocol.md, and the schemas of
                            recordings, bundles and reports
    ./dev docs --check      writes nothing; exit status 1 if a file is not what it would write
    ./dev docs --reviewed RULE..
                            says that the cases of these rules were held against their texts

The tables are protocol/codes.toml and protocol/catalogue/*.toml; what stands behind a mark
`<!-- codes: generated -->` or `<!-- catalogue: generated -->` is theirs, and is written over.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from starwire.harness.conformance.result import Clause, Report
from starwire.protocol.bundle import Manifest
from starwire.protocol.catalogue import (
    Catalogue,
    CheckSpec,
    FamilySpec,
    InsteadSpec,
    MessageSpec,
    ParameterSpec,
    catalogue,
)
from starwire.protocol.catalogue.loading import load_vocabulary
from starwire.protocol.codes import Code, Proxy, codes
from starwire.protocol.explaining import Explained
from starwire.protocol.recording import Event, Octets
from starwire.servers.rule_faults import RULE_FAULTS

DOCS = Path(__file__).resolve().parent

Condition = tuple[dict[str, tuple[str, ...]], ...]
Lines = Iterator[str]

OWNERS: dict[Proxy, tuple[str, str]] = {
    "RM": ("Report Manager", "Also of the Report Scheduler, StarOE and the cookie jar."),
    "INBOX": ("Inbox", ""),
}
NEEDS = {
    "success": "a request in order",
    "message": "one message",
    "state": "stored data or files",
    "fault": "a fault of the control API",
}
KINDS = ("missing", "empty", "blank", "wrong")


CODES = """\
What each code means and what provokes it. "Needs" tells what a tester must have to see it: a
request in order (success), one message (message), stored data or files (state), or a fault that
the control API switches on (fault). Made from the codes' table of starwire."""

PAGE = """\
# Error codes

The codes of Appendix E, which an answer carries in ERROR: what each means, what provokes it, and
what a tester needs to see it. Of several mistakes in one message the first failing step decides
(ERR-03 in [protocol.md](protocol.md)). The last column has the parameters whose lines in the
catalogue name the code. `starwire codes CODE` explains one, `starwire codes --json` gives all.

`./dev docs` makes this page from protocol/codes.toml and protocol/catalogue/."""

HOW_TO_READ = """\
### How the tables are read

Made from the tables of the catalogue, as the validation, the builders and the cases are (CAT-02).
Each message has one for each direction, its parameters in the order in which builders write them
and in which the validation judges them (ERR-03). Where a message has variants and nothing in it
chooses one, the first parameter that would is missing, unless one variant needs no choice.

- **parameter**: its name, that of a member of a group behind a dot; in brackets the names read
  for it.
- **length**: the greatest number of octets, of a list without its brackets; no bound where it is
  empty.
- **form**: what a value looks like (CAT-02).
- **required**: `yes`, `no`, or `when` a condition holds. A parameter has a value if it is there
  and not empty (SYN-13); a fact that is not known satisfies no condition. `only when` says more:
  while the condition does not hold, the parameter may be empty too, and a wrong value has the
  code below.
- **acceptable**: the only acceptable values; behind a colon those of the list named before it.
  Else the range of a number, or the members of a row.
- **missing**, **empty**, **wrong**: the codes with which a request fails at the steps 4, 5 and 6
  of ERR-03, those below included; `blanks` is for a value of blanks and nothing else. Where no
  code stands, the parameter may be missing, may be empty, or is not looked at.
- **remarks**: `default` is what a missing or empty value means. In italics stands the ground for
  what differs from the print; `added` marks what no table prints."""


def main(arguments: list[str], docs: Path = DOCS) -> int:
    """Write the files, or compare them; gives the exit status."""
    if arguments[:1] == ["--reviewed"]:
        return review(arguments[1:], docs)
    if arguments not in ([], ["--check"]):
        print(f"generate.py: {' '.join(arguments)}: only --check is known", file=sys.stderr)
        return 2
    wrong = 0
    for path, text in generated(docs).items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        name = f"docs/{path.name}" if path.parent == docs else str(path.relative_to(docs.parent))
        if arguments:
            wrong = 1
            print(f"{name} is not what the tables give: run ./dev docs")
        else:
            path.write_text(text, "utf-8")
            print(f"{name} written")
    return wrong


def generated(docs: Path) -> dict[Path, str]:
    """The text of each file that is made, or made in part."""
    page = docs / "protocol.md"
    text = replaced(page.read_text("utf-8"), "codes", "\n".join(codes_section()))
    text = replaced(text, "catalogue", "\n".join(catalogue_section(catalogue())))
    faults = docs / "faults.md"
    broken = replaced(faults.read_text("utf-8"), "rule-faults", "\n".join(rule_faults_section()))
    return {
        page: text,
        rules_file(docs): rules_text(text),
        faults: broken,
        docs / "error-codes.md": "\n".join(codes_page()) + "\n",
        docs / "recording.schema.json": recording_schema(),
        docs / "bundle.schema.json": schema_text("The manifest of a starwire bundle", Manifest),
        docs / "report.schema.json": schema_text("A report of starwire check, format 1", Report),
    }


def review(ids: list[str], docs: Path) -> int:
    """Write the hashes that these rules have today to reviewed.toml."""
    rules = json.loads(rules_file(docs).read_text("utf-8"))
    path = rules_file(docs).with_name("reviewed.toml")
    text = path.read_text("utf-8")
    head, known = text.partition("\n\n")[0], tomllib.loads(text)
    hashes = {
        rule["id"]: rule["hash"] if rule["id"] in ids else known.get(rule["id"], "")
        for rule in rules
    }
    missing = sorted(set(ids) - set(hashes))
    if missing:
        print(f"generate.py: {missing[0]}: no such rule", file=sys.stderr)
        return 2
    lines = [f'{id} = "{digest}"' for id, digest in hashes.items()]
    path.write_text("\n".join([head, "", *lines]) + "\n", "utf-8")
    return 0


def rules_file(docs: Path) -> Path:
    """Where the rules stand for the program, which comes without this folder."""
    room = docs.parent / "harness" / "conformance"
    return (room if room.is_dir() else docs) / "rules.json"


def rules_text(specification: str) -> str:
    """Every rule of protocol.md: id, title, text, and the hash of the text."""
    rules = []
    for id, title, body in re.findall(
        r"^### ([A-Z]{3}-\d\d)\n\n\*\*(.+?)\.\*\*\n(.*?)(?=^##+ |\Z)", specification, re.M | re.S
    ):
        words = " ".join(body.split())
        digest = hashlib.sha256(words.encode("utf-8")).hexdigest()[:12]
        rules.append(Clause(id=id, title=title, text=body.strip(), hash=digest))
    return msgspec.json.format(msgspec.json.encode(rules), indent=1).decode("utf-8") + "\n"


def replaced(text: str, name: str, section: str) -> str:
    """The text with that section behind its mark, up to the next `## ` or the end."""
    mark = f"<!-- {name}: generated -->\n"
    before, found, behind = text.partition(mark)
    if not found:
        raise SystemExit(f"generate.py: no {mark.strip()} in its file")
    _, heading, rest = behind.partition("\n## ")
    return f"{before}{mark}\n{section}\n{heading}{rest}"


def rule_faults_section() -> Lines:
    """The rule faults that are written by hand, as a table."""
    yield "| fault | rules | what is broken |"
    yield "|---|---|---|"
    for fault in RULE_FAULTS.values():
        yield f"| `{fault.name}` | {', '.join(fault.rules)} | {fault.sentence} |"


# ---- schemas -------------------------------------------------------------------------------------


def recording_schema() -> str:
    """Of one line of a recording. What stands decoded is raw JSON to the program, for people only;
    its shape is published all the same.
    """
    title = "A line of a starwire recording, format 1"
    (told,), definitions = msgspec.json.schema_components(
        [list[Explained]], ref_template="#/$defs/{name}"
    )
    schema = schema_of(title, Event)
    for definition in schema["$defs"].values():
        if "decoded" in definition["properties"]:
            definition["properties"]["decoded"] = told
    schema["$defs"] |= definitions
    return json.dumps(schema, indent=2) + "\n"


def schema_of(title: str, kind: Any) -> dict[str, Any]:
    """The JSON schema of a class of the program, or of several."""
    schema = msgspec.json.schema(kind, schema_hook=octets_as_text)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **schema,
    }


def schema_text(title: str, kind: Any) -> str:
    return json.dumps(schema_of(title, kind), indent=2) + "\n"


def octets_as_text(kind: type) -> dict[str, Any]:
    assert kind is Octets
    return {"type": "string", "pattern": "^[\\u0000-\\u00ff]*$"}


# ---- codes ---------------------------------------------------------------------------------------


def codes_section() -> Lines:
    """The codes in protocol.md."""
    yield CODES
    for proxy, (owner, also) in OWNERS.items():
        yield from ("", f"### Codes of the {owner}", "")
        if also:
            yield from (also, "")
        rows = ((f"{one.code}", one.text, one.trigger, one.reach) for one in of(proxy))
        yield from table(("code", "meaning", "comes when", "needs"), rows)


def codes_page() -> Lines:
    """error-codes.md."""
    yield PAGE
    for proxy, (owner, also) in OWNERS.items():
        yield from ("", f"## {owner}", "")
        if also:
            yield from (also, "")
        named = named_by(proxy)
        rows = (
            (f"{one.code}", one.text, one.trigger, NEEDS[one.reach], "; ".join(named[one.code]))
            for one in of(proxy)
        )
        yield from table(("code", "meaning", "comes when", "needs", "named by"), rows)


def of(proxy: Proxy) -> list[Code]:
    return [one for one in codes() if one.proxy == proxy]


def named_by(proxy: Proxy) -> dict[int, list[str]]:
    """For each code the parameters whose lines name it, and in which messages."""
    found: dict[int, dict[str, dict[str, list[str]]]] = {}
    for message in catalogue().messages:
        if message.family != proxy:
            continue
        for code, parameter, kind in codes_of(message):
            kinds = found.setdefault(code, {}).setdefault(parameter, {})
            messages = kinds.setdefault(kind, [])
            if label(message) not in messages:
                messages.append(label(message))
    told_of = {code: [told(*one) for one in names.items()] for code, names in found.items()}
    return defaultdict(list, told_of)


def codes_of(message: MessageSpec) -> Iterator[tuple[int, str, str]]:
    """Each code that the table of a message names, with its parameter and kind."""
    for parameter in message.walk():
        own: tuple[ParameterSpec | InsteadSpec, ...] = (parameter, *parameter.instead)
        for one in own:
            for kind in KINDS:
                code = getattr(one, kind)
                if code is not None and not (kind == "missing" and parameter.required == "no"):
                    yield code, parameter.name, kind
    for check in message.checks:
        if check.code is not None:
            yield check.code, check.parameter, "wrong"


def told(parameter: str, kinds: Mapping[str, list[str]]) -> str:
    """`PRODUCT` missing in GRTL, GURL"""
    by_messages: dict[str, list[str]] = {}
    for kind, messages in kinds.items():
        by_messages.setdefault(", ".join(messages), []).append(kind)
    parts = (f"{either(kinds)} in {messages}" for messages, kinds in by_messages.items())
    return f"`{parameter}` {', '.join(parts)}"


def label(message: MessageSpec) -> str:
    return f"{message.acronym} ({message.variant})" if message.variant else message.acronym


# ---- the catalogue -------------------------------------------------------------------------------


def catalogue_section(whole: Catalogue) -> Lines:
    """The last section of protocol.md."""
    yield HOW_TO_READ
    yield from families(whole)
    yield from vocabulary(whole)
    places = sorted({one.where for one in whole.messages}, key=lambda one: (" " not in one, one))
    for place in places:
        yield from ("", f"### Messages {'of' if ' ' in place else 'added by'} {place}")
        for message in whole.messages:
            if message.where == place:
                yield from message_lines(message, whole)


def families(whole: Catalogue) -> Lines:
    """What the validation gives where a line names no code."""
    yield from ("", "### Codes where a line names none", "")
    by_name = {door.family: whole.family(name) for name, door in whole.doors.items()}
    rows = [
        ("brackets that do not pair", "unbalanced"),
        ("octets that are no message", "malformed"),
        ("past a limit", "limit"),
        ("a message not known at the door", "message"),
        ("a key that the table does not hold", "token"),
        ("a required parameter is missing", "missing"),
        ("a required member of a group is missing", "member"),
        ("a parameter that is always required is empty", "empty"),
        ("a parameter that is required under a condition, which holds, is empty", "empty_when"),
        ("a value is wrong", "wrong"),
        ("a parameter is given twice", "twice"),
        ("an id is past the greatest", "past"),
    ]
    yield from table(
        ("what is wrong", *(OWNERS[name][0] for name in by_name)),
        ((text, *(f"{getattr(one, kind)}" for one in by_name.values())) for text, kind in rows),
    )


def vocabulary(whole: Catalogue) -> Lines:
    """What the tables refer to by name."""
    yield from ("", "### Doors", "")
    yield from ("Where messages come in, and whose codes answer there.", "")
    doors = (
        (f"`{name}`", door.meaning, OWNERS[door.family][0]) for name, door in whole.doors.items()
    )
    yield from table(("door", "is", "codes of the"), doors)
    yield from ("", "### Facts", "")
    yield from ("What a condition may ask that no message says.", "")
    yield from table(("fact", "is"), ((f"`{name}`", is_) for name, is_ in whole.facts.items()))
    yield from ("", "### Lists of values", "")
    lists = load_vocabulary().values.items()
    rows = (
        (name, ", ".join(f"`{one}` {what}" for one, what in known.items())) for name, known in lists
    )
    yield from table(("list", "values"), rows)
    yield from ("", "### Names that stand for others", "")
    yield from ("Builders write the name that stands in the message's table.", "")
    yield from table(
        ("name", "read for it", "in", "ground"),
        (
            (
                f"`{one.name}`",
                ", ".join(f"`{other}`" for other in one.others),
                ", ".join(one.only) or "every message",
                one.ground,
            )
            for one in whole.aliases
        ),
    )


def message_lines(message: MessageSpec, whole: Catalogue) -> Lines:
    """One message: what it is, its table, its checks."""
    yield from ("", f"#### {label(message)}: {message.title}", "")
    yield from (f"- {fact}" for fact in facts_of(message, whole))
    yield ""
    family = whole.family((message.doors + message.received)[0])
    yield from parameter_table(message, family)
    if message.checks:
        yield from ("", "Between the parameters, behind the lines:", "")
    for check in message.checks:
        yield f"- {check_text(check, family)}"


def facts_of(message: MessageSpec, whole: Catalogue) -> Lines:
    """What stands above the table."""
    doors = ", ".join(f"`{door}`" for door in message.doors)
    text = f"{message.direction} at {doors}"
    if message.received:
        received = ", ".join(f"`{door}`" for door in message.received)
        text += f"; also taken as a message of its own at {received}"
    if message.reply:
        text += f"; answered with {label(whole.answer(message))}"
    yield text + "."
    if message.chosen_by:
        yield f"Told from its variants by {condition_of_choice(message.chosen_by)}."
    if message.read:
        yield "A read: a dispatcher may ask again (DSP-06)."
    if message.nameless:
        yield "Written without its acronym; known by its first key."
    if message.separator != ",":
        yield "Fields and members of lists are divided by the octet 0x01."
    elif any(one.form in ("list", "columns", "sort") for one in message.walk()):
        yield f"Lists are written with `{message.lists}`."
    if message.note:
        yield f"{sentence(message.note)}"
    if message.ground:
        yield f"*{sentence(message.ground)}*"


def condition_of_choice(chosen_by: str) -> str:
    name, has_value, value = chosen_by.partition("=")
    return f"`{name}` = `{value}`" if has_value else f"the parameter `{name}`"


def parameter_table(message: MessageSpec, family: FamilySpec) -> Lines:
    """The table of a message; columns in which nothing stands are left out."""
    heads = ["parameter", "meaning", "length", "form", "required", "acceptable"]
    if message.direction == "request":
        heads += ["missing", "empty", "wrong"]
    heads.append("remarks")
    lines = [dict(zip(heads, row, strict=False)) for row in rows_of(message, family)]
    kept = [head for head in heads if any(line[head] for line in lines)]
    yield from table(kept, ([line[head] for head in kept] for line in lines))


def rows_of(message: MessageSpec, family: FamilySpec) -> Iterator[list[str]]:
    for path, one in parameters(message.parameters):
        others = ", ".join(f"`{alias}`" for alias in one.aliases)
        name = f"`{path}`" + (f" ({others})" if others else "")
        length = f"{one.length}" if one.length is not None else ""
        row = [name, one.title, length, one.form, required(one), acceptable(one)]
        if message.direction == "request":
            row += code_cells(one, family, inner="." in path)
        yield [*row, remarks(one)]


def parameters(
    level: Iterable[ParameterSpec], before: str = ""
) -> Iterator[tuple[str, ParameterSpec]]:
    """Every line with its dotted name, members behind their group."""
    for one in level:
        yield f"{before}{one.name}", one
        yield from parameters(one.members, f"{before}{one.name}.")


def required(one: ParameterSpec) -> str:
    if one.required != "when":
        return one.required
    return f"{'only ' if one.only else ''}when {condition(one.when)}"


def acceptable(one: ParameterSpec) -> str:
    """The values, the range, or the members of rows."""
    if one.values:
        for name, known in load_vocabulary().values.items():
            if known == one.values:
                return f"{name}: {', '.join(f'`{value}`' for value in known)}"
        return ", ".join(f"`{value}`" for value in one.values)
    if one.listed:
        return f"those of the fact `{one.listed}`"
    if one.columns:
        divider = "~" if one.form == "rows" else ","
        inner = f"; groups of `{','.join(one.inner)}`" if one.inner else ""
        return f"`{divider.join(one.columns)}`{inner}"
    if one.maximum is not None:
        return f"{one.minimum or 0} to {one.maximum}"
    return ""


def code_cells(one: ParameterSpec, family: FamilySpec, *, inner: bool) -> list[str]:
    """The codes that a request is refused with, those of its family where it names none."""
    if one.ignored:
        return ["", "", ""]
    missing, empty = one.missing, one.empty
    if one.required == "no":
        missing = None
    elif missing is None:
        missing = family.member if inner else family.missing
    if one.bare:
        empty = None
    elif empty is None and one.required != "no":
        empty = family.empty if one.required == "yes" else family.empty_when
    cells = ["" if code is None else f"{code}" for code in (missing, empty)]
    if one.blank is not None:
        cells[1] += f", blanks {one.blank}"
    wrong = one.wrong if one.wrong is not None else family.wrong
    return [*cells, "" if one.form == "any" else f"{wrong}"]


def remarks(one: ParameterSpec) -> str:
    """What else is to be known, each in a few words."""
    told = []
    if one.default is not None:
        told.append(f"default `{one.default}`")
    told += [words for name, words in _MARKS.items() if getattr(one, name)]
    if one.pairs:
        first, second = one.pairs
        told.append(f"each {first} has its {second} after it; the pairs do not overlap")
    if one.foreign:
        told.append(f"with {' or '.join(one.foreign)} inside it is wrong, and no unknown token")
    told += [instead(other) for other in one.instead]
    if one.note:
        told.append(one.note)
    if one.ground:
        told.append(f"*{'added: ' if one.source == 'C' else ''}{one.ground}*")
    return "; ".join(told)


_MARKS = {
    "free": "free text",
    "bare": "may stand alone",
    "ignored": "passed over, whatever it holds",
    "repeats": "may repeat",
    "numbered": "written with a number behind the name",
    "rooted": "the first level must hold an id",
    "echoed": "the request's, also in an error",
    "joined": "no separator before it",
}


def instead(other: InsteadSpec) -> str:
    by_code: dict[int, list[str]] = {}
    for kind in KINDS:
        code = getattr(other, kind)
        if code is not None:
            by_code.setdefault(code, []).append(kind)
    parts = (f"{code} for {either(kinds)}" for code, kinds in by_code.items())
    return f"when {condition(other.when)}: {', '.join(parts)}"


def check_text(check: CheckSpec, family: FamilySpec) -> str:
    code = check.code if check.code is not None else family.wrong
    when = f" (when {condition(check.when)})" if check.when else ""
    return f"`{check.parameter}`, {code}: {check.note}{when}."


def condition(alternatives: Condition) -> str:
    """A condition in words."""
    return "; or ".join(
        " and ".join(test(name, accepted) for name, accepted in tests.items())
        for tests in alternatives
    )


def test(name: str, accepted: tuple[str, ...]) -> str:
    subject = f"the fact `{name[1:]}`" if name.startswith("@") else f"`{name}`"
    if accepted == ("*",):
        return f"{subject} has a value"
    if accepted == ("-",):
        return f"{subject} has no value"
    return f"{subject} is {either(f'`{value}`' for value in accepted)}"


# ---- Markdown ------------------------------------------------------------------------------------


def either(words: Iterable[str]) -> str:
    """a, b or c"""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Lines:
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"|{'|'.join(map(cell, row))}|"


def cell(text: str) -> str:
    """Text that stays itself inside a table: no bar divides it, no tag is made of it."""
    text = re.sub(r"(?<!`)<[^`<>]*>(?!`)", r"`\g<0>`", text.replace("|", "\\|"))
    return f" {text} " if text else " "


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
