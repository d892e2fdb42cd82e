"""The faults of rows, limits, messages and codes: each changes its own thing and no other."""

from __future__ import annotations

from typing import Any

import pytest

from starwire.grammar import parse
from starwire.protocol.catalogue import Catalogue, MessageSpec, ParameterSpec, catalogue
from starwire.protocol.codes import codes
from starwire.protocol.forms import FORMS, Context
from starwire.servers.breaking import BREAKING
from starwire.servers.rule_faults import rule_fault, switched_on
from starwire.servers.rule_faults.generated import generated_faults, judged_tables, table_name

from .chain import GRTL, Chain, running
from .proofs_of_syntax import ARD, L, code, code_in


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


@pytest.mark.parametrize("name", names("skip"))
def test_a_row_that_is_skipped_asks_for_nothing(name: str) -> None:
    before, after = lines_of(catalogue()), lines_of(changed_by(name))
    (line,) = [
        after[path]
        for path in before
        if path[3:] == tuple(name.split(".")[2:]) and (before[path] != after[path])
    ]
    assert (line.form, line.required, line.values, line.listed) == ("any", "no", None, None)
    assert (line.missing, line.empty, line.blank, line.wrong) == (None,) * 4
    assert not line.instead


@pytest.mark.parametrize("number", [6103, 6104, 6109, 6612, 6827, 5100, 5101, 5131])
def test_a_code_is_sent_as_another(number: int) -> None:
    """The conformance cases provoke every code; here stand those of each way to an answer."""
    place, message = PROVOKED[number]
    with running() as chain:
        assert code_in(said(chain, place, message)) == number
    with switched_on(f"code.{number}"), running() as chain:
        assert code_in(said(chain, place, message)) == number + 1


PROVOKED = {
    6103: ("rm", GRTL.replace(b"=V", b"=X")),
    6104: ("rm-native", b"X<>"),
    6109: ("jar", b"CKG<KEY=nobody>"),
    6612: ("rm-native", b"GRTL<>>"),
    6827: ("rm", GRTL.replace(b"PRODUCT=V,", b"")),
    5100: ("inbox", L),
    5101: ("inbox-native", b"L<>>"),
    5131: ("inbox", L.replace(b"jeanvnet2", b"dorod")),
}


def said(chain: Chain, place: str, message: bytes) -> bytes:
    """All that comes back."""
    if place in ("rm", "inbox"):
        return chain.ask(place, message)[1]
    answers = chain.line(place).send(message)
    return answers[answers.rfind(b"ERROR") :]


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
