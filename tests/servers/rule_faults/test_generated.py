"""The faults of rows, limits, messages and codes: each changes its own thing and no other."""

from __future__ import annotations

import re
from typing import Any

import pytest
from live.every_code import CASES, STRICT, Case

from starwire.grammar import parse
from starwire.protocol.catalogue import Catalogue, MessageSpec, ParameterSpec, catalogue
from starwire.protocol.codes import codes
from starwire.protocol.forms import FORMS, Context
from starwire.protocol.validation import Refusal, validate
from starwire.servers.breaking import BREAKING
from starwire.servers.configuration import Configuration, load_configuration
from starwire.servers.fault import Fault
from starwire.servers.rule_faults import rule_fault, switched_on
from starwire.servers.rule_faults.generated import generated_faults, judged_tables, table_name

from .chain import DOROD, GRTL, KEY, LYNNE, Chain, running
from .proofs_of_messages import PLAIN
from .proofs_of_syntax import ARD, code, code_in

KEYS = {"jeanvnet2": KEY, "dorod": DOROD, "LynneLevy2": LYNNE}
EVERY = [
    pytest.param(one.proxy, one.code, id=f"{one.proxy}-{one.code}") for one in codes() if one.code
]


def names(kind: str) -> list[str]:
    return [name for name in generated_faults() if name.startswith(f"{kind}.")]


def lines_of(known: Catalogue) -> dict[tuple[str, ...], ParameterSpec]:
    """Every line of the tables that servers judge by, without its members."""
    found: dict[tuple[str, ...], ParameterSpec] = {}

    def add(spec: MessageSpec, path: tuple[str, ...], table: tuple[ParameterSpec, ...]) -> None:
        for line in table:
            found[(*spec.key, *path, line.name)] = line
            add(spec, (*path, line.name), line.members)

    for spec in known.messages:
        add(spec, (), spec.parameters)
    return found


def changed_by(name: str) -> Catalogue:
    with switched_on(name):
        return BREAKING.catalogue(catalogue())


def test_there_is_one_for_each_row_that_a_server_judges() -> None:
    rows = {
        f"skip.{table_name(spec)}.{line.name}"
        for spec in judged_tables()
        for line in spec.parameters
        if not line.ignored
    }
    assert rows <= set(names("skip"))
    assert "skip.ARD-client.THRESHOLD.RANKING" in names("skip")
    assert "limit.VUM.PASSWORD" in names("limit")
    assert len(names("code")) == len({one.code for one in codes()} - {0})


@pytest.mark.parametrize("name", [*names("skip"), *names("limit")])
def test_the_fault_of_a_row_changes_that_row_and_no_other(name: str) -> None:
    before, after = lines_of(catalogue()), lines_of(changed_by(name))
    assert before.keys() == after.keys()
    leaves = {path for path in before if before[path] != after[path]}
    path = tuple(name.split(".")[2:])
    ((*_, last),) = [one for one in leaves if one[3:] == path]
    assert last == path[-1]
    # What holds the row holds another one now.
    assert all(path[: len(one) - 3] == one[3:] for one in leaves)


@pytest.mark.parametrize("name", names("limit"))
def test_a_limit_that_is_lowered_refuses_what_is_at_it(name: str) -> None:
    path = tuple(name.split(".")[2:])
    table = name.split(".")[1]
    ((key, line),) = [
        (one, found)
        for one, found in lines_of(catalogue()).items()
        if one[3:] == path
        and table == (f"{one[0]}-{one[2]}" if one[2] else one[0])
        and any(spec.key == one[:3] for spec in judged_tables())
    ]
    lower = lines_of(changed_by(name))[key]
    value = parse(b"<V=" + at_limit(line).encode() + b">")["V"].value
    context = Context(8, {})
    assert FORMS[line.form](value, line, context) is None
    assert FORMS[line.form](value, lower, context) is not None


def at_limit(line: ParameterSpec) -> str:
    if line.maximum is not None and line.form in ("number", "mmss", "offset"):
        return str(line.maximum)
    assert line.length is not None
    return "1" * (line.length - 1) + ("A" if line.form == "sort" else "1")


def refused(message: bytes, door: str, known: Catalogue) -> tuple[int, str | None]:
    try:
        request = validate(message, door, catalogue=known)
    except Refusal as refusal:
        return refusal.code, refusal.parameter
    return 0, request.spec.variant


def of_rows() -> list[Any]:
    """The messages that are refused for one row, and the fault of that row."""
    found = []
    for proxy, code_, case in [(p, c, CASES[p][c]) for p in CASES for c in CASES[p]]:
        for spec in catalogue().find(case.door, case.message.partition(b"<")[0].decode()):
            _, parameter = refused(case.message, case.door, catalogue())
            name = f"skip.{table_name(spec)}.{parameter}"
            if name in generated_faults():
                found.append(pytest.param(name, case, id=f"{proxy}-{code_}-{name}"))
    return found


@pytest.mark.parametrize(("name", "case"), of_rows())
def test_what_a_row_refuses_is_not_refused_for_it_any_more(name: str, case: Case) -> None:
    before = refused(case.message, case.door, catalogue())
    after = refused(case.message, case.door, changed_by(name))
    assert before != after


def provoked(case: Case) -> bytes:
    """The response to what provokes a code."""
    configuration = load_configuration(STRICT) if case.strict else Configuration()
    faults = () if case.fault is None else (Fault(**case.fault),)
    plain = {"logon": PLAIN.logon, "audit": PLAIN.audit, "rm": configuration.rm}
    with running(configuration=Configuration(**plain, faults=faults)) as chain:
        for loc in case.files:
            chain.emulator.put_file(loc, b"1,2")
        number = b""
        for message in case.before:
            taken = say(chain, case, native_of(case), message)
            found = re.search(rb"INBOXID=(\d+)", taken)
            number = found[1] if found else number
        for loc in case.gone:
            chain.emulator.remove_file(loc)
        return say(chain, case, case.door, case.message.replace(b"{id}", number))


def native_of(case: Case) -> str:
    return "inbox-native" if "inbox" in case.door else "rm-native"


def say(chain: Chain, case: Case, door: str, message: bytes) -> bytes:
    if door.endswith("-native") or door == "jar":
        line = chain.line(door)
        return line.send(message) or line.end()
    key = "" if message.startswith(b"VUM") else KEYS[case.user]
    return chain.ask(door, message, session_key=key)[1]


@pytest.mark.parametrize(("proxy", "number"), EVERY)
def test_a_code_is_sent_as_another(proxy: Any, number: int) -> None:
    case = CASES[proxy][number]
    assert code_in(provoked(case)) == number
    with switched_on(f"code.{number}"):
        assert code_in(provoked(case)) == number + 1


@pytest.mark.parametrize(
    ("name", "probe", "sound", "broken"),
    [
        ("skip.GRTL.PRODUCT", code(GRTL.replace(b"PRODUCT=V,", b"")), 6827, 6109),
        ("skip.GRTL.IO", code(GRTL.replace(b"IO=O", b"IO=")), 6703, 0),
        ("skip.ARD-client.EMAIL", code(ARD.replace(b"EMAIL=0", b"EMAIL=9")), 6103, 0),
        (
            "skip.ARD-client.THRESHOLD.RANKING",
            code(ARD.replace(b"PAGE=0", b"PAGE=0,THRESHOLD=<RECCOUNT=1,RANKING=401>")),
            6103,
            0,
        ),
        ("limit.ARD-client.NAME", code(ARD.replace(b"=n,", b"=" + b"n" * 100 + b",")), 0, 6103),
        ("unknown.GRTL", code(GRTL.replace(b">", b",FOO=1,BAR=<2>>")), 6610, 0),
        ("unknown.ARD", code(GRTL.replace(b">", b",FOO=1>")), 6610, 6610),
    ],
)
def test_on_the_wire(name: str, probe: Any, sound: int, broken: int) -> None:
    with running() as chain:
        assert probe(chain) == sound
    with switched_on(name), running() as chain:
        assert probe(chain) == broken
    with running() as chain:
        assert probe(chain) == sound


def test_a_name_that_is_none_is_refused() -> None:
    for name in ("skip.GRTL.NOTHING", "limit.GRTL.PRODUCT", "code.0", "unknown.XYZ"):
        with pytest.raises(KeyError):
            rule_fault(name)
