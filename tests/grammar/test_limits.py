"""SYN-11: each limit at its value and one over, and the first octet that passes one."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starwire.grammar import Fault, Limits, MetadataError, parse
from starwire.grammar.definition import parse_by_definition
from starwire.grammar.limits import _mark_over, _marks_in, _opening_over

MIB = 1 << 20


def refusal(octets: bytes, limits: Limits) -> tuple[int, str] | None:
    """Offset and reason of the limit that `octets` passes, the same from both parsers."""
    answers = []
    for read in (parse, parse_by_definition):
        try:
            read(octets, limits)
        except MetadataError as error:
            over = error.fault is Fault.LIMIT
            answers.append((error.offset, error.reason) if over else None)
        else:
            answers.append(None)
    assert answers[0] == answers[1]
    return answers[0]


def test_the_defaults():
    assert Limits() == Limits(nesting=64, octets=1_048_576, marks=65_536)


def test_a_limit_with_another_name_is_refused():
    with pytest.raises(msgspec.ValidationError, match="depth"):
        msgspec.convert({"depth": 3}, Limits)


@pytest.mark.parametrize("nesting", [1, 2, 64, 200])
def test_nesting(nesting):
    limits = Limits(nesting=nesting)
    assert refusal(b"<" * nesting + b">" * nesting, limits) is None
    assert refusal(b"M" + b"<" * (nesting + 1) + b">" * (nesting + 1), limits) == (
        nesting + 1,
        f"nested deeper than {nesting} groups",
    )


def test_nesting_counts_open_groups_only():
    limits = Limits(nesting=3)
    assert refusal(b"<" + b"<<>>" * 50 + b">", limits) is None
    assert refusal(b"<" + b"<<>>" * 50 + b"<<<>>>>", limits) == (
        203,
        "nested deeper than 3 groups",
    )


def test_a_bracket_that_closes_nothing_makes_no_room():
    limits = Limits(nesting=2)
    assert refusal(b">>>><<", limits) is None
    assert refusal(b">>>><<<", limits) == (6, "nested deeper than 2 groups")
    assert refusal(b"<>>>><<<", limits) == (7, "nested deeper than 2 groups")


def test_octets():
    limits = Limits(octets=10)
    assert refusal(b"M<A=12345>", limits) is None
    assert refusal(b"M<A=123456>", limits) == (10, "longer than 10 octets")
    assert refusal(b"M<A=12345>\n", limits) == (10, "longer than 10 octets")


def test_marks():
    limits = Limits(marks=4)
    assert refusal(b"M<A=1,B=2\x01C=<>>", limits) is None
    assert refusal(b"M<A=1,B=2\x01C=<>,>", limits) == (
        14,
        "more than 4 separators and groups",
    )
    assert refusal(b"M<A=1,B=2\x01C=<<>>>", limits) == (13, "more than 4 separators and groups")
    # Nothing else is a mark.
    assert refusal(b"M<A=1~2>>>>===|\n", Limits(marks=1)) is None


@pytest.mark.parametrize("octets", [b"," * 65_536, b"\x01" * 65_536, b"<>," * 32_768])
def test_the_shipped_limit_of_marks(octets):
    # The parser's answer alone: so many marks would take the definition a second each.
    over = b"M<" + octets + b">"
    with pytest.raises(MetadataError) as refused:
        parse(over)
    assert refused.value.fault is Fault.LIMIT
    assert refused.value.offset == 2 + octets.rindex(octets[-1:])
    assert refused.value.reason == "more than 65536 separators and groups"
    cut = over.replace(octets[-1:] + b">", b">")
    assert parse(cut).render() == cut


def test_the_shipped_limit_of_octets():
    full = b"M<A=" + b"x" * (MIB - 5) + b">"
    assert len(full) == MIB
    assert parse(full).render() == full
    assert refusal(full + b"\n", Limits()) == (MIB, "longer than 1048576 octets")


@pytest.mark.parametrize(
    ("octets", "offset", "reason"),
    [
        # octets 12, nesting 3, marks 5: the earliest octet wins.
        (b"<<<<,,,,,,,,,,,,,,", 3, "nested deeper than 3 groups"),
        (b"<,,,,,<<<<........", 5, "more than 5 separators and groups"),
        (b"<<<..........<,,,,", 12, "longer than 12 octets"),
        # One octet that passes several: they go in the order octets, marks, nesting.
        (b"<<<.........<,,,,,", 12, "longer than 12 octets"),
        (b"<,,,,.......,,,,,,", 12, "longer than 12 octets"),
        (b"<,,<<<", 5, "more than 5 separators and groups"),
    ],
)
def test_the_first_octet_over_any_limit_decides(octets, offset, reason):
    assert refusal(octets, Limits(octets=12, nesting=3, marks=5)) == (offset, reason)


@pytest.mark.parametrize("octets", [b"x" * 20, b">" * 20, b"=<" * 10, b"<" * 20])
def test_a_limit_goes_before_any_other_fault(octets):
    offset, _ = refusal(octets, Limits(octets=19)) or (None, "")
    assert offset == 19


def naive(text: str, limits: Limits) -> int | None:
    """The first octet over a limit, by looking at one octet after the other."""
    depth = marks = 0
    for offset, octet in enumerate(text):
        marks += octet in ",\x01<"
        if octet == "<":
            depth += 1
        elif octet == ">" and depth:
            depth -= 1
        if offset == limits.octets or marks > limits.marks or depth > limits.nesting:
            return offset
    return None


TEXTS = st.lists(
    st.sampled_from(["<", ">", ",", "\x01", "x", "<" * 5, ">" * 5, "," * 5, "x" * 3000]),
    max_size=24,
).map("".join)


@settings(max_examples=2000, derandomize=True, database=None, deadline=None)
@given(TEXTS, st.builds(Limits, st.integers(0, 6), st.integers(0, 9000), st.integers(0, 12)))
def test_counting_by_stretches_equals_a_loop_over_octets(text, limits):
    expected = naive(text, limits)
    found = limits.first_over(text)
    assert (found[0] if found else None) == expected

    marks = [offset for offset, octet in enumerate(text) if octet in ",\x01<"]
    assert _marks_in(text, 0, len(text)) == len(marks)
    assert _mark_over(text, len(text), limits.marks) == (
        marks[limits.marks] if len(marks) > limits.marks else -1
    )
    assert limits.is_too_long(text) == (len(text) > limits.octets or len(marks) > limits.marks)
    nesting_only = naive(text, Limits(nesting=limits.nesting, octets=MIB, marks=MIB))
    assert _opening_over(text, len(text), limits.nesting) == (
        -1 if nesting_only is None else nesting_only
    )


@pytest.mark.parametrize("place", [0, 1, 4094, 4095, 4096, 4097, 8191, 8192])
def test_a_mark_on_the_edge_of_a_stretch(place):
    text = "x" * place + "," + "x" * 5000 + ","
    assert _mark_over(text, len(text), 0) == place
    assert _mark_over(text, len(text), 1) == place + 5001
    assert _mark_over(text, len(text), 2) == -1
    assert _mark_over(text, place, 0) == -1
