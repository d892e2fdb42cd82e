"""What a profile adds to the catalogue (HDR-10), and every mistake in a table, by name."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from starwire.protocol.catalogue import Catalogue, CatalogueError, MessageSpec, catalogue
from starwire.protocol.catalogue.loading import load_vocabulary, messages_of


def names_of(spec: MessageSpec) -> str:
    return " ".join(line.name for line in spec.parameters)


# ---- overlays (HDR-10) ---------------------------------------------------------------------------

MESSAGE = """
[[messages]]
acronym = "PING"
title = "Ping"
where = "our own"
direction = "request"
doors = ["rm"]
reply = "PONG"
parameters = [ { name = "TEXT", title = "Text", required = "no" } ]

[[messages]]
acronym = "PONG"
title = "Pong"
where = "our own"
direction = "response"
doors = ["rm"]
parameters = [ { name = "ERROR", title = "Error code", form = "digits", required = "yes" } ]
"""
PARAMETER = """
[[parameters]]
message = "GRTL"
name = "REGION"
title = "Region"
length = 3
required = "no"
"""


def overlaid(text: str) -> Catalogue:
    return catalogue().with_overlay(tomllib.loads(text))


def test_an_overlay_adds_messages() -> None:
    [ping] = overlaid(MESSAGE).find("rm", "PING")
    assert names_of(ping) == "TEXT"
    assert catalogue().find("rm", "PING") == []


def test_an_overlay_adds_a_parameter_behind_the_others() -> None:
    [grtl] = overlaid(PARAMETER).find("rm", "GRTL")
    assert names_of(grtl) == "PRODUCT DATATYPE DATACAT IO REGION"
    assert names_of(catalogue().message("GRTL")) == "PRODUCT DATATYPE DATACAT IO"


def test_an_overlay_adds_a_parameter_to_all_variants_or_to_one() -> None:
    line = 'name = "X"\ntitle = "X"\nrequired = "no"\n'
    every = overlaid(f'[[parameters]]\nmessage = "GPL"\n{line}')
    one = overlaid(f'[[parameters]]\nmessage = "GPL"\nvariant = "PL_GEO"\n{line}')
    answer = overlaid(f'[[parameters]]\nmessage = "SRTL"\ndirection = "response"\n{line}')
    assert all(spec.parameters[-1].name == "X" for spec in every.find("rm", "GPL"))
    found = {spec.variant for spec in one.find("rm", "GPL") if spec.parameters[-1].name == "X"}
    assert found == {"PL_GEO"}
    assert answer.find("rm", "SRTL", "response")[0].parameters[-1].name == "X"


def test_an_empty_overlay_changes_nothing() -> None:
    assert catalogue().with_overlay({}).messages == catalogue().messages


REFUSED_OVERLAYS = {
    "messages = 1": "overlay: messages: is no list",
    "parameters = 1": "overlay: parameters: is no list",
    "messages = [1]": "overlay: message 1 is no table",
    "parameters = [1]": "overlay: a parameter that names no message",
    'parameters = [{ name = "X" }]': "overlay: a parameter that names no message",
    "colours = 1": "overlay: colours: no such key",
    PARAMETER.replace("GRTL", "PING"): "overlay: PING: there is no such request",
    PARAMETER.replace('"GRTL"', '"GPL"\nvariant = "PL_X"'): (
        "overlay: GPL (PL_X): there is no such request"
    ),
    PARAMETER.replace("REGION", "IO"): "overlay: GRTL, IO: IO stands in the table twice",
    PARAMETER.replace("length", "lenght"): (
        "overlay: GRTL, REGION: Object contains unknown field `lenght`"
    ),
    PARAMETER.replace("3", '"3"'): "overlay: GRTL, REGION: Expected `int | null`, got `str`",
    MESSAGE + MESSAGE: "PING at rm: two variants with one choice",
    MESSAGE.replace('"PONG"', '"BONG"', 1): "PING: BONG: no such reply",
    MESSAGE.replace('reply = "PONG"', ""): "PING: a request without a reply",
}


@pytest.mark.parametrize("text", REFUSED_OVERLAYS)
def test_an_overlay_that_cannot_be_used(text: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        overlaid(text)
    assert REFUSED_OVERLAYS[text] in str(caught.value)


def test_a_message_that_stands_at_two_doors_twice() -> None:
    again = MESSAGE + MESSAGE.replace('["rm"]', '["jar"]')
    with pytest.raises(CatalogueError, match="PING request : stands in the catalogue twice"):
        overlaid(again)


# ---- mistakes in a table -------------------------------------------------------------------------


def message(line: str = "", **changes: Any) -> dict[str, Any]:
    raw = {
        "acronym": "PING",
        "title": "Ping",
        "where": "our own",
        "direction": "response",
        "doors": ["rm"],
        "parameters": [{"name": "ERROR", "title": "Error code", "required": "yes"}],
    }
    if line:
        raw["parameters"] = [tomllib.loads(f"line = {line}")["line"]]
    return {**raw, **changes}


def refusal(raw: Any) -> str:
    with pytest.raises(CatalogueError) as caught:
        catalogue().with_overlay({"messages": [raw]})
    return str(caught.value)


MEMBER = '{ name = "B", title = "B", required = "no" }'
WRONG_LINES = {
    'required = "no", from = "Q"': "unknown field `from`",
    'required = "perhaps"': "Invalid enum value 'perhaps'",
    'required = "no", form = "prose"': "form: prose is none of text,",
    'required = "no", values = "colour"': "values: colour is none of product,",
    'required = "no", missing = 5101': "missing: 5101 is no code of the message's proxy",
    'required = "no", wrong = 1': "wrong: 1 is no code",
    'required = "when"': "required when, without a condition",
    'required = "no", when = { B = ["*"] }': "a condition, but not required when",
    'required = "when", when = { B = ["*"] }': "when: B is none of A",
    'required = "when", when = { "@moon" = ["full"] }': "when: moon is none of server,",
    'required = "no", only = true': "only without a condition",
    'required = "no", length = 0': "length is not positive",
    'required = "no", form = "group"': "a group without members",
    f'required = "no", members = [{MEMBER}]': "members of a form that has none",
    'required = "no", form = "group", members = 1': "A: members: is no list",
    'required = "no", form = "group", members = [1]': "A: a line that is no table",
    f'required = "no", form = "group", members = [{MEMBER.replace("no", "yea")}]': (
        "PING, A, B: Invalid enum value 'yea'"
    ),
    f'required = "no", form = "group", members = [{MEMBER.replace("}", ", length = 0 }")}]': (
        "PING, A, B: length is not positive"
    ),
    f'required = "no", form = "group", members = [{MEMBER}, {MEMBER}]': (
        "PING, A, B: B stands in the table twice"
    ),
    'required = "no", form = "id", values = "product"': "values of a form that has none",
    'required = "no", bare = true': "bare without its name among the values",
    'required = "no", form = "number"': "a number without a length",
    'required = "no", form = "rows"': "rows without columns",
    'required = "no", pairs = ["B", "C"]': "pairs that are no two members",
    'required = "no", listed = "moons"': "listed: moons is none of server,",
    'required = "no", source = "C"': "an addition without its ground",
    'required = "no", instead = 1': "A: instead: is no list",
    'required = "no", instead = [1]': "A: 1 is no table",
    'required = "no", instead = [{ when = { A = ["*"] }, alike = 1 }]': "missing: 1 is no code",
    'required = "no", aliases = "B"': "A: aliases: is no list",
    'required = "no", aliases = ["B", "b"]': "A: B stands in the table twice",
}


@pytest.mark.parametrize("line", WRONG_LINES)
def test_a_wrong_line_is_named(line: str) -> None:
    said = refusal(message(f'{{ name = "A", title = "A", {line} }}'))
    assert said.startswith("overlay: PING, A")
    assert WRONG_LINES[line] in said


def test_a_line_without_a_name_or_title_is_named() -> None:
    untitled = '{ name = "A", required = "no" }'
    assert "PING, A: Object missing required field `title`" in refusal(message(untitled))
    nameless = '{ title = "A", required = "no" }'
    assert "PING, a line without a name: Object missing" in refusal(message(nameless))
    no_key = '{ name = "A=", title = "A", required = "no" }'
    assert "PING, A=: 'A=' cannot be a key" in refusal(message(no_key))


def test_a_condition_on_a_value_that_the_parameter_cannot_have() -> None:
    lines = [
        {"name": "A", "title": "A", "required": "no", "values": "product"},
        {"name": "B", "title": "B", "required": "when", "when": {"A": ["V", "*", "F"]}},
    ]
    assert "PING, B: when A: F is none of V" in refusal(message(parameters=lines))


CHECK = {"check": "never", "parameter": "ERROR", "note": "why"}
WRONG_MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"doors": ["cellar"]}, "PING: doors: cellar is none of rm,"),
    ({"doors": [["rm"]]}, "PING: doors: ['rm'] is none of rm,"),
    ({"doors": "rm"}, "PING: doors: is no list"),
    ({"received": 1}, "PING: received: is no list"),
    ({"checks": 1}, "PING: checks: is no list"),
    ({"doors": []}, "PING: doors: of 0 families, a message has one"),
    ({"doors": ["rm", "inbox"]}, "PING: doors: of 2 families, a message has one"),
    ({"direction": "up"}, "PING: Invalid enum value 'up'"),
    ({"colour": "red"}, "PING: Object contains unknown field `colour`"),
    ({"variant": "x", "colour": "red"}, "PING (x): Object contains unknown field `colour`"),
    ({"chosen_by": "COLOUR=red"}, "PING: chosen_by: COLOUR is no parameter of the message"),
    ({"parameters": [1]}, "PING: a line that is no table"),
    ({"checks": [{**CHECK, "check": "x"}]}, "PING, check x: there is no such check, only never,"),
    ({"checks": [{**CHECK, "parameter": "X"}]}, "PING, check never: X is no parameter"),
    ({"checks": [{**CHECK, "check": "address", "of": ["Y"]}]}, "check address: Y is no parameter"),
    ({"checks": [{**CHECK, "of": ["ERROR"]}]}, "check never: of: 1 parameters, it takes 0"),
    ({"checks": [{**CHECK, "check": "zip_name"}]}, "check zip_name: of: 0 parameters, it takes 2"),
    ({"acronym": "PI=NG"}, "PI=NG: acronym: 'PI=NG' cannot stand before the '<'"),
    ({"acronym": " PING"}, "PING: acronym: ' PING' cannot stand before the '<'"),
    ({"acronym": ""}, ": acronym: '' cannot stand before the '<'"),
    ({"received": ["rm"]}, "PING: a request without a reply"),
    ({"checks": [{**CHECK, "code": 5101}]}, "PING, check never: 5101 is no code of RM"),
    ({"checks": [{**CHECK, "when": {"X": ["*"]}}]}, "PING, check never: when: X is none of"),
    ({"checks": [1]}, "PING: 1 is no table"),
    ({"parameters": 5}, "PING: parameters: is no list"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG_MESSAGES)
def test_a_wrong_message_is_named(changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(message(**changes))


def test_a_good_message_is_none_of_them() -> None:
    """What the mistakes above are made from is no mistake itself."""
    assert catalogue().with_overlay({"messages": [message()]}).find("rm", "PING", "response")


def test_a_broken_file_is_named() -> None:
    with pytest.raises(CatalogueError, match=r"^inbox.toml: message 1 is no table$"):
        list(messages_of([1], load_vocabulary(), "inbox.toml"))
