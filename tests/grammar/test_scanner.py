"""The scanner, the Lark definition and a plain reading of the rules give the same answer.

Trees are compared piece by piece with their offsets, refusals by fault and offset. The third
opinion shares no code with the other two: it looks at one octet after the other.

The ordinary run is the same every time (no example database, derandomized), so that it fails for
whoever broke it. STARWIRE_EXAMPLES=1000000 asks for that many random examples instead.
"""

import os
import random
from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from starwire.grammar import Fault, Limits, MetadataError, parse
from starwire.grammar.definition import parse_by_definition
from starwire.grammar.scanner import TOKEN, cut

ASKED = os.environ.get("STARWIRE_EXAMPLES")
EXAMPLES = settings(
    max_examples=int(ASKED or 10_000), derandomize=ASKED is None, database=None, deadline=None
)

# The language in small: every token once, with text that looks like something else, nested as
# deep as the brackets happen to say.
PIECES = [
    *["<", ">", ",", "\x01", "=", "A", "B=", " ", "<", ">", ","],
    *["~", "PL_X", " k =", "=x", "a=b=c", "\r\n", "\xa0", "\x85", "\x00", "|", "<>", "><", "<<"],
]
INSIDE = st.lists(st.sampled_from(PIECES), max_size=12)
HEADS = st.sampled_from(["", "", "M", "GRTL", " M\r\n", "\x00", "\xa0~|"])
TAILS = st.sampled_from(["", "", "", "\n", "|", " \x00|\r\n"])
# A mutation: where, how many octets it takes away, what it puts there (None: the same again).
MUTATIONS = st.tuples(
    st.integers(0, 40),
    st.sampled_from([0, 0, 1, 1, 2, 100]),
    st.sampled_from(["", "", None, "<", ">", ",", "=", "x", "\x01", "\n", "|", "\t", "\xe9"]),
)
LIMITS = st.sampled_from(
    [Limits()] * 7
    + [Limits(nesting=2), Limits(octets=12), Limits(marks=5), Limits(nesting=3, octets=9, marks=4)]
)


def well_formed(head: str, inside: list[str], tail: str) -> str:
    """A message: brackets that do not pair are closed at the end, or left out."""
    written, depth = [head, "<"], 1
    for octet in "".join(inside):
        depth += (octet == "<") - (octet == ">")
        if depth:
            written.append(octet)
        else:
            depth = 1
    return "".join(written) + ">" * depth + tail


def mutated(text: str, mutations: list[tuple[int, int, str | None]]) -> str:
    for place, taken, put in mutations:
        place %= len(text) + 1
        gone = text[place : place + taken]
        text = text[:place] + (gone * 2 if put is None else put) + text[place + taken :]
    return text


def plainly(octets: bytes, limits: Limits) -> tuple[Fault, int] | None:
    """SYN-10 and SYN-11 as they are written: the fault and the offset, or None for a message."""
    open_groups = marks = 0
    for offset, octet in enumerate(octets):
        if offset >= limits.octets:
            return Fault.LIMIT, offset
        if octet in b",\x01<":
            marks += 1
            if marks > limits.marks:
                return Fault.LIMIT, offset
        if octet == ord("<"):
            open_groups += 1
            if open_groups > limits.nesting:
                return Fault.LIMIT, offset
        if octet == ord(">") and open_groups > 0:
            open_groups -= 1

    stopped = first_not_taken(octets)
    if stopped is None:
        return None
    open_groups = 0
    for octet in octets:
        if octet == ord("<"):
            open_groups += 1
        if octet == ord(">"):
            open_groups -= 1
            if open_groups < 0:
                return Fault.UNBALANCED, stopped
    return (Fault.UNBALANCED if open_groups else Fault.MALFORMED), stopped


def first_not_taken(octets: bytes) -> int | None:
    """The first octet that a message cannot have there; the length if it only lacks more."""
    open_groups = bars = 0
    where = "name"
    for offset, octet in enumerate(octets):
        if where == "name":
            if octet == ord("<"):
                where, open_groups = "group", 1
            elif octet in b">,=\x01":
                return offset
        elif where == "group":
            open_groups += (octet == ord("<")) - (octet == ord(">"))
            if open_groups == 0:
                where = "tail"
        elif octet == ord("|") and bars == 0:
            bars = 1
        elif octet not in b"\r\n\0 ":
            return offset
    return None if where == "tail" else len(octets)


def answer(read: Any, octets: bytes, limits: Limits) -> Any:
    """The message, or the fault and its offset."""
    try:
        return read(octets, limits)
    except MetadataError as error:
        return error.fault, error.offset


def compare(octets: bytes, limits: Limits, laid_open: Any) -> Fault | None:
    """Hold the three against each other; returns the fault that they agree on."""
    scanned = answer(parse, octets, limits)
    defined = answer(parse_by_definition, octets, limits)
    expected = plainly(octets, limits)
    if expected is not None:
        assert scanned == expected, "the scanner refuses otherwise than the rules"
        assert defined == expected, "the definition refuses otherwise than the rules"
        return expected[0]
    assert not isinstance(scanned, tuple), "the scanner refuses a message"
    assert not isinstance(defined, tuple), "the definition refuses a message"
    assert laid_open(scanned.body) == laid_open(defined.body)
    assert (scanned.name, scanned.tail) == (defined.name, defined.tail)
    assert scanned.render() == octets
    return None


@pytest.mark.slow
def test_scanner_definition_and_rules_agree(laid_open):
    verdicts: Counter[str] = Counter()

    @EXAMPLES
    @given(HEADS, INSIDE, TAILS, st.lists(MUTATIONS, max_size=3), LIMITS)
    def check(head, inside, tail, mutations, limits):
        text = mutated(well_formed(head, inside, tail), mutations)
        fault = compare(text.encode("latin-1"), limits, laid_open)
        verdict = fault.value if fault else "message"
        event(verdict)
        verdicts[verdict] += 1

    check()
    # Neither side may dry up: a third is broken, a third is not, every fault is well there.
    seen = verdicts.total()
    assert seen >= EXAMPLES.max_examples
    assert verdicts["message"] >= seen / 3, verdicts
    assert seen - verdicts["message"] >= seen / 3, verdicts
    assert min(verdicts[fault.value] for fault in Fault) >= seen / 50, verdicts


def test_the_generators_reach_both_sides():
    """The same pieces and mutations, drawn by a seeded generator: shares that cannot drift."""
    draw = random.Random(19980602)
    verdicts: Counter[Fault | None] = Counter()
    for _ in range(3000):
        inside = draw.choices(PIECES, k=draw.randrange(13))
        text = well_formed("M", inside, "\n")
        assert plainly(text.encode("latin-1"), Limits()) is None
        for _ in range(draw.randrange(4)):
            put = draw.choice(["", "", None, "<", ">", ",", "=", "x"])
            text = mutated(text, [(draw.randrange(41), draw.choice([0, 0, 1, 1, 2, 100]), put)])
        found = plainly(text.encode("latin-1"), Limits())
        verdicts[found[0] if found else None] += 1
    assert verdicts[None] >= 1000, verdicts
    assert verdicts[Fault.UNBALANCED] + verdicts[Fault.MALFORMED] >= 1000, verdicts
    assert verdicts[Fault.MALFORMED] >= 100, verdicts


@pytest.mark.slow
def test_every_input_of_up_to_six_octets(laid_open):
    """One octet of each kind, in every order: nothing short is left to chance."""
    kinds = [b"<", b">", b",", b"=", b"A", b"\n", b"|"]
    verdicts: Counter[Fault | None] = Counter()
    for length in range(7):
        for octets in product(kinds, repeat=length):
            verdicts[compare(b"".join(octets), Limits(), laid_open)] += 1
    assert verdicts.total() == 1 + 7 + 49 + 343 + 2401 + 16_807 + 117_649
    assert verdicts[None] > 2_000
    assert verdicts[Fault.MALFORMED] > 20_000


def test_messages_of_every_octet(laid_open):
    """Each octet in a name, a key, a text, a positional text and the places of a tail."""
    for octet in range(256):
        one = bytes([octet])
        for octets in (
            one + b"M<>",
            b"M" + one + b"<>",
            b"<A" + one + b"=1>",
            b"<A=1" + one + b"2>",
            b"<" + one + b">",
            b"<A=<" + one + b"B=>>",
            b"<>" + one,
            b"<>\n" + one,
            b"<>|" + one,
            b"<>\n|" + one,
        ):
            compare(octets, Limits(), laid_open)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", [("", "", "", "")]),
        ("a", [("", "a", "", "")]),
        ("A=", [("A=", "", "", "")]),
        ("A=1,", [("A=", "1", "", ","), ("", "", "", "")]),
        (",", [("", "", "", ","), ("", "", "", "")]),
        ("=,==", [("", "=", "", ","), ("", "==", "", "")]),
        ("A=b=c\x01d", [("A=", "b=c", "", "\x01"), ("", "d", "", "")]),
    ],
)
def test_a_level_is_cut_into_pieces(text, pieces):
    assert cut(text, 0, len(text)) == pieces
    assert cut(f"<=,{text}>x", 3, 3 + len(text)) == pieces


def test_the_token_pattern_takes_every_octet_of_a_message():
    """It is the yardstick of the benchmark: it must do all the work, delimiters included."""
    text = "M<AB=1,b\x01C=<x>=y,D==>"
    found = TOKEN.findall(text)
    assert found == [
        ("", "M", "<"),
        ("AB=", "1", ","),
        ("", "b", "\x01"),
        ("C=", "", "<"),
        ("", "x", ">"),
        ("", "=y", ","),
        ("D=", "=", ">"),
    ]
    assert "".join("".join(token) for token in found) == text
