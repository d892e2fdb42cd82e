"""SYN-10: which fault, at which octet, with which reason, and what the grammar expected there."""

import pytest

from starwire.grammar import Fault, Limits, MetadataError, parse
from starwire.grammar.definition import DIAGNOSED, expected_at_fault, parse_by_definition
from starwire.grammar.faults import is_unbalanced

MALFORMED, UNBALANCED = Fault.MALFORMED, Fault.UNBALANCED

NO_START = "the input ends before the '<' of a message"
INSIDE = "expected '<' or '>' or a key or text or a separator, found the end"
BEHIND = "expected a line end or the end, found "

TABLE = [
    # Nothing, or a name and nothing.
    (b"", MALFORMED, 0, NO_START, "expected an acronym or '<', found the end"),
    (b" ", MALFORMED, 1, NO_START, "expected '<', found the end"),
    (b"GRTL", MALFORMED, 4, NO_START, "expected '<', found the end"),
    (b"GRTL|\r\n", MALFORMED, 7, NO_START, "expected '<', found the end"),
    # Something else where the group is due.
    (
        b"=",
        MALFORMED,
        0,
        "'=' stands where the '<' of a message is due",
        "expected an acronym or '<', found '='",
    ),
    (
        b",<>",
        MALFORMED,
        0,
        "',' stands where the '<' of a message is due",
        "expected an acronym or '<', found ','",
    ),
    (
        b"\x01<>",
        MALFORMED,
        0,
        "'\\x01' stands where the '<' of a message is due",
        "expected an acronym or '<', found '\\x01'",
    ),
    (
        b"A=<>",
        MALFORMED,
        1,
        "'=' stands where the '<' of a message is due",
        "expected '<', found '='",
    ),
    (
        b"A,B<>",
        MALFORMED,
        1,
        "',' stands where the '<' of a message is due",
        "expected '<', found ','",
    ),
    # A ">" anywhere that closes nothing is 6612; the offset stays where the grammar stops.
    (
        b">",
        UNBALANCED,
        0,
        "'>' stands where the '<' of a message is due",
        "expected an acronym or '<', found '>'",
    ),
    (
        b"A><",
        UNBALANCED,
        1,
        "'>' stands where the '<' of a message is due",
        "expected '<', found '>'",
    ),
    (
        b"A=><",
        UNBALANCED,
        1,
        "'=' stands where the '<' of a message is due",
        "expected '<', found '='",
    ),
    (b"M<>>", UNBALANCED, 3, "'>' stands behind the message", BEHIND + "'>'"),
    (b"M<>x>", UNBALANCED, 3, "'x' stands behind the message", BEHIND + "'x'"),
    (b"M<>><", UNBALANCED, 3, "'>' stands behind the message", BEHIND + "'>'"),
    # A group open at the end is 6612, at the length of the input.
    (b"GRTL<", UNBALANCED, 5, "the input ends with 1 group open", INSIDE),
    (b"<A=<>", UNBALANCED, 5, "the input ends with 1 group open", INSIDE),
    (b"<A=<", UNBALANCED, 4, "the input ends with 2 groups open", INSIDE),
    (b"<<<>", UNBALANCED, 4, "the input ends with 2 groups open", INSIDE),
    (
        b"GRTL<A",
        UNBALANCED,
        6,
        "the input ends with 1 group open",
        "expected '<' or '>' or a separator, found the end",
    ),
    (
        b"GRTL<A=",
        UNBALANCED,
        7,
        "the input ends with 1 group open",
        "expected '<' or '>' or text or a separator, found the end",
    ),
    (b"M<><", UNBALANCED, 3, "'<' stands behind the message", BEHIND + "'<'"),
    # Behind the message nothing but what SYN-09 tolerates.
    (b"M<>A", MALFORMED, 3, "'A' stands behind the message", BEHIND + "'A'"),
    (b"M<>bc", MALFORMED, 3, "'b' stands behind the message", BEHIND + "'b'"),
    (b"M<>,", MALFORMED, 3, "',' stands behind the message", BEHIND + "','"),
    (b"M<>=", MALFORMED, 3, "'=' stands behind the message", BEHIND + "'='"),
    (b"M<>\t", MALFORMED, 3, "'\\t' stands behind the message", BEHIND + "'\\t'"),
    (b"M<>\x85", MALFORMED, 3, "'\\x85' stands behind the message", BEHIND + "'\\x85'"),
    (b"M<>\xa0", MALFORMED, 3, "'\\xa0' stands behind the message", BEHIND + "'\\xa0'"),
    (b"M<><>", MALFORMED, 3, "'<' stands behind the message", BEHIND + "'<'"),
    (b"M<>\nM<>", MALFORMED, 4, "'M' stands behind the message", "expected the end, found 'M'"),
    (b"M<>||", MALFORMED, 4, "'|' stands behind the message", "expected the end, found '|'"),
    (
        b"M<>\n|\n|",
        MALFORMED,
        6,
        "'|' stands behind the message",
        "expected the end, found '|'",
    ),
]


@pytest.mark.parametrize(
    ("octets", "fault", "offset", "reason", "expected"), TABLE, ids=[repr(row[0]) for row in TABLE]
)
def test_a_broken_message(octets, fault, offset, reason, expected):
    with pytest.raises(MetadataError) as refused:
        parse(octets)
    assert refused.value.fault is fault
    assert refused.value.offset == offset
    assert refused.value.reason == reason
    assert refused.value.explain() == expected
    assert str(refused.value) == f"octet {offset}: {reason}"

    with pytest.raises(MetadataError) as defined:
        parse_by_definition(octets)
    assert (defined.value.fault, defined.value.offset) == (fault, offset)
    assert defined.value.reason == expected
    assert defined.value.explain() == expected


def test_a_limit_explains_itself():
    with pytest.raises(MetadataError) as refused:
        parse(b"M<<>>", Limits(nesting=1))
    assert refused.value.fault is Fault.LIMIT
    assert refused.value.offset == 2
    assert refused.value.explain() == refused.value.reason == "nested deeper than 1 groups"


def test_beyond_64_kib_the_verdict_of_the_scanner_stands():
    """SYN-11: Lark is not asked, since it would take its time."""
    assert DIAGNOSED == 65_536
    with pytest.raises(MetadataError) as refused:
        parse(b"M<" + b"x" * (DIAGNOSED - 2))
    assert refused.value.explain() == "expected '<' or '>' or a separator, found the end"
    with pytest.raises(MetadataError) as refused:
        parse(b"M<" + b"x" * (DIAGNOSED - 1))
    assert refused.value.explain() == refused.value.reason == "the input ends with 1 group open"


def test_deep_nesting_is_explained():
    with pytest.raises(MetadataError) as refused:
        parse(b"<" * 5000, Limits(nesting=5000))
    assert refused.value.reason == "the input ends with 5000 groups open"
    assert refused.value.explain() == INSIDE


def test_there_is_nothing_to_explain_in_a_message():
    assert expected_at_fault("M<A=1>") is None


@pytest.mark.parametrize(
    ("text", "unbalanced"),
    [
        ("", False),
        ("x", False),
        ("<>", False),
        ("<<><>>", False),
        ("<>x<>", False),
        (">", True),
        ("<", True),
        ("><", True),
        ("<>><", True),
        ("<>><<>", True),
        ("<<>", True),
        ("<>>", True),
        ("<<>>>><<", True),
    ],
)
def test_balance(text, unbalanced):
    assert is_unbalanced(text) is unbalanced
