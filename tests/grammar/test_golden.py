"""The original messages are taken or refused as their manifest says (SYN-07, SYN-12)."""

import tomllib
from pathlib import Path

import pytest

from starwire.grammar import Fault, MetadataError, parse
from starwire.grammar.definition import parse_by_definition

CODES = {"6102": Fault.LIMIT, "6611": Fault.MALFORMED, "6612": Fault.UNBALANCED}
"""SYN-10: the Report Manager's codes for the three faults."""

FOLDER = Path(__file__).parents[2] / "fixtures" / "golden"
MANIFEST = tomllib.loads((FOLDER / "manifest.toml").read_text())["message"]

ACCEPTED = [one["printed"] for one in MANIFEST if one["outcome"] == "accept"]
ACCEPTED += [one["emended"] for one in MANIFEST if "emended" in one]
REFUSED = {one["printed"]: one["outcome"] for one in MANIFEST if one["outcome"] != "accept"}

# Where the three that are refused go wrong, found by hand: the end of the input, the `>` too many,
# and the comma behind the `>` that closes the message too early.
OFFSETS = {
    "srtd-template.printed.msg": 474,
    "metadata-commas.printed.msg": 623,
    "ard-fulfilling.printed.msg": 182,
}


def test_the_manifest_names_every_message():
    named = {one[form] for one in MANIFEST for form in ("printed", "emended") if form in one}
    assert named == {path.name for path in FOLDER.glob("*.msg")}
    assert len(named) == 20


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_accepted_original_survives_octet_for_octet(name):
    octets = (FOLDER / name).read_bytes()
    message = parse(octets)
    assert message.render() == octets
    assert message.octets == octets


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_accepted_original_has_the_tree_of_the_definition(name, laid_open):
    octets = (FOLDER / name).read_bytes()
    message, defined = parse(octets), parse_by_definition(octets)
    assert laid_open(message.body) == laid_open(defined.body)
    assert (message.name, message.tail) == (defined.name, defined.tail)
    assert defined.render() == octets


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_a_broken_original_is_refused_with_its_code_where_it_breaks(name, code):
    octets = (FOLDER / name).read_bytes()
    for read in (parse, parse_by_definition):
        with pytest.raises(MetadataError) as refused:
            read(octets)
        assert refused.value.fault is CODES[code]
        assert refused.value.offset == OFFSETS[name]


def test_what_the_originals_say():
    """A few literal values, so that a tree which is merely self-consistent does not pass."""

    def read(name):
        return parse((FOLDER / name).read_bytes())

    assert read("grtl.emended.msg").acronym == "GRTL"
    assert read("srtd-template.emended.msg").name is None
    nrl = read("nrl.printed.msg")
    assert nrl.acronym == "NRL"
    assert b"\xb7" in nrl.octets

    ard = read("ard-client.printed.msg")
    assert ard["SCHEDULE"].value.scalar == "A"
    assert ard["SCHEDULE"].value.heads == ("A",)

    criteria = read("metadata-tvs.emended.msg")["METADATA"].value.groups[0]["CRITERIA"]
    (inside,) = criteria.value.groups
    assert inside["REPORT_LEVEL"].value.groups[0].positional[0].heads == ("INBOUND", "INBOUND")
    assert inside["CURR"].value.scalar == "2345"

    metadata = read("metadata-tvs.emended.msg")["METADATA"].value.groups[0]
    assert metadata["DEFAULT_GRAPH_MODE"].value.scalar == "0"
    assert len(metadata.fields.getall("METACOLUMN")) == 11
    assert metadata["COLUMN_DISPLAY_ORDER"].value.members() == (
        ["105", "114", "67", "62", "36", "61", "58", "63", "64", "66", "65"]
    )
