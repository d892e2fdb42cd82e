"""SYN-08: the builder writes what reads back as the same, or refuses and names the parameter."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starwire.grammar import Block, BuildError, Group, Value, build, fold, parse, strip


@pytest.mark.parametrize(
    ("octets", "name", "fields"),
    [
        (b"<>", None, []),
        (b"SRTL<ERROR=0>", "SRTL", [("ERROR", "0")]),
        (b"M<A=1,B=>", "M", [("A", "1"), ("B", "")]),
        (b"M<A=a=b==,B==>", "M", [("A", "a=b=="), ("B", "=")]),
        (b"M< a =  1 >", "M", [(" a ", "  1 ")]),
        (b"M<A=\xe9\x00\x85\xa0\xff>", "M", [("A", "\xe9\x00\x85\xa0\xff")]),
        (b"M<A=<>>", "M", [("A", Block())]),
        (b"M<A=<54~55>>", "M", [("A", Block("54", "55", separator="~"))]),
        (b"M<A=<54\x0155>>", "M", [("A", Block("54", "55", separator="\x01"))]),
        (
            b"M<A=<<p~q>~r>>",
            "M",
            [("A", Block(Block("p", "q", separator="~"), "r", separator="~"))],
        ),
        (b"M<A=A<START=1,END=2>>", "M", [("A", ["A", Block(("START", "1"), ("END", "2"))])]),
        (b"M<A=A<START=1>>", "M", [("A", ("A", Block(("START", "1"))))]),
        (b"M<A=<1><2>>", "M", [("A", [Block("1"), Block("2")])]),
        (b"M<A=X<1>Y<2>z>", "M", [("A", ["X", Block("1"), "Y", Block("2"), "z"])]),
        (b"M<A=<l,x<c>,K=v>>", "M", [("A", Block("l", ["x", Block("c")], ("K", "v")))]),
        (b"M<A=>", "M", [("A", [])]),
    ],
)
def test_what_is_written(octets, name, fields):
    assert build(name, fields) == octets


def test_fields_may_be_divided_by_0x01():
    assert build(None, [("A", "1"), ("B", "2")], separator="\x01") == b"<A=1\x01B=2>"


def test_a_list_of_groups_behind_a_key_is_divided():
    """CAT-05: `REPORTS=<CAT=<..>,<..>>,<CAT2=..>`."""
    first = Block(("CAT", [Block("t", "1"), ",", Block("u", "2")]))
    octets = build("SRTL", [("REPORTS", [first, ",", Block(("CAT2", Block("v", "3")))])])
    assert octets == b"SRTL<REPORTS=<CAT=<t,1>,<u,2>>,<CAT2=<v,3>>>"
    reports = parse(octets)["REPORTS"].value
    assert [group.text for group in reports.groups] == ["<CAT=<t,1>,<u,2>>", "<CAT2=<v,3>>"]
    assert len(reports.groups[0]["CAT"].value.groups) == 2


def test_a_field_right_behind_the_group_of_another():
    """CAT-08: nothing stands between the `>` of CRITERIA and DEFAULT_GRAPH_MODE."""
    metadata = Block(
        ("CRITERIA", Block(("NAME", "n"))),
        ("DEFAULT_GRAPH_MODE", "0"),
        ("SORT_COLUMNS", Block()),
        ("TOTALMODE", "0"),
        separator="\x01",
        unseparated=["CRITERIA"],
    )
    octets = build(None, [("METADATA", metadata)])
    assert octets == (
        b"<METADATA=<CRITERIA=<NAME=n>DEFAULT_GRAPH_MODE=0\x01SORT_COLUMNS=<>\x01TOTALMODE=0>>"
    )
    inside = parse(octets)["METADATA"].value.groups[0]
    assert list(inside.fields.names()) == [
        "CRITERIA",
        "DEFAULT_GRAPH_MODE",
        "SORT_COLUMNS",
        "TOTALMODE",
    ]


def test_only_behind_a_group_may_the_separator_be_left_out():
    block = Block(("A", "1"), ("B", [Block(), "x"]), ("C", Block()), unseparated=["A", "B", "C"])
    assert build("M", [("X", block)]) == b"M<X=<A=1,B=<>x,C=<>>>"


def test_free_text_may_hold_commas():
    octets = build("M", [("D", "one, two,,=x,"), ("E", "1")], free=["D"])
    assert octets == b"M<D=one, two,,=x,,E=1>"
    assert [field.value.text for field in parse(octets)] == ["one, two,,=x,", "1"]


@pytest.mark.parametrize(
    ("parameter", "reason", "name", "fields"),
    [
        # Octets that are always syntax.
        ("A", "'<' cannot be data", "M", [("A", "x<y")]),
        ("A", "'>' cannot be data", "M", [("A", "x>y")]),
        ("A", "'\\x01' cannot be data", "M", [("A", "x\x01y")]),
        ("B", "',' cannot be data outside free text", "M", [("A", "1"), ("B", "x,y")]),
        ("A", "'\u20ac' is not ISO 8859-1", "M", [("A", "x\u20acy")]),
        ("A", "'\\ud800' is not ISO 8859-1", "M", [("A", "\ud800")]),
        # Inside groups, with the innermost parameter.
        ("A", "'<' cannot be data", "M", [("A", Block("<"))]),
        ("A", "',' cannot be data outside free text", "M", [("A", Block("x", "y,z"))]),
        ("K", "'>' cannot be data", "M", [("A", Block(("K", ">")))]),
        ("K", "',' cannot be data outside free text", "M", [("A", Block(("K", "x,y")))]),
        ("A", "',' cannot be data outside free text", "M", [("A", ["x,y", Block()])]),
        # Text that would be read as a key.
        ("A", "'b=c' would be read as a key", "M", [("A", Block("b=c"))]),
        ("A", "' =' would be read as a key", "M", [("A", Block(" ="))]),
        ("A", "'b=c' would be read as a key", "M", [("A", [Block(), "b=c"])]),
        ("A", "'b=' would be read as a key", "M", [("A", ["x", Block(), "b=", Block()])]),
        # Text that would be read as part of other text.
        ("A", "two texts one behind the other would be read as one", "M", [("A", ["x", "y"])]),
        ("A", "two texts one behind the other would be read as one", "M", [("A", Block(["", ""]))]),
        (
            "A",
            "a member behind a key would be read as part of its value",
            "M",
            [("A", Block(("K", "1"), "x"))],
        ),
        (
            "K",
            "a key cannot stand in a list divided by '~'",
            "M",
            [("A", Block("x", ("K", "1"), separator="~"))],
        ),
        (
            "A",
            "'~' cannot stand in a member of a list divided by it",
            "M",
            [("A", Block("x", "y~z", separator="~"))],
        ),
        # A separator as a part divides groups behind a key, and nothing else.
        ("A", "',' cannot be data outside free text", "M", [("A", [",", Block()])]),
        ("A", "',' cannot be data outside free text", "M", [("A", [Block(), ","])]),
        ("A", "',' cannot be data outside free text", "M", [("A", [","])]),
        (
            "A",
            "',' cannot be data outside free text",
            "M",
            [("A", Block([Block(), ",", Block()]))],
        ),
        # Keys and acronyms.
        ("", "cannot be a key", "M", [("", "1")]),
        (" \t\r\n", "cannot be a key", "M", [(" \t\r\n", "1")]),
        ("A=", "cannot be a key", "M", [("A=", "1")]),
        ("A,B", "cannot be a key", "M", [("A,B", "1")]),
        ("A<", "cannot be a key", "M", [("A<", "1")]),
        ("A\x01", "cannot be a key", "M", [("A\x01", "1")]),
        ("\u0100", "cannot be a key", "M", [("\u0100", "1")]),
        ("A>", "cannot be a key", "M", [("X", Block(("A>", "1")))]),
        ("acronym", "'' cannot stand before the '<'", "", []),
        ("acronym", "'A=B' cannot stand before the '<'", "A=B", []),
        ("acronym", "'A,B' cannot stand before the '<'", "A,B", []),
        ("acronym", "'\u20ac' cannot stand before the '<'", "\u20ac", []),
    ],
)
def test_what_is_refused(parameter, reason, name, fields):
    with pytest.raises(BuildError) as refused:
        build(name, fields)
    assert refused.value.parameter == parameter
    assert refused.value.reason == reason
    assert str(refused.value) == f"{refused.value.parameter}: {refused.value.reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("one, two=2", "' two=2' would be read as a key"),
        ("one,,x,y= ,z", "'y= ' would be read as a key"),
        ("one,<", "'<' cannot be data"),
        ("one\x01", "'\\x01' cannot be data"),
    ],
)
def test_what_is_refused_in_free_text(text, reason):
    with pytest.raises(BuildError) as refused:
        build("M", [("D", text)], free=["D"])
    assert (refused.value.parameter, refused.value.reason) == ("D", reason)


def test_free_text_is_free_directly_under_the_message_only():
    for content in (Block(("D", "x,y")), ["x,y", Block()]):
        with pytest.raises(BuildError, match="D: ',' cannot be data outside free text"):
            build("M", [("D", content)], free=["D"])


@pytest.mark.parametrize("separator", ["", "~", ";", ",,"])
def test_fields_are_divided_by_separators_only(separator):
    with pytest.raises(ValueError, match="does not divide fields"):
        build("M", [], separator=separator)


@pytest.mark.parametrize("separator", ["", ";", "~~"])
def test_members_are_divided_by_what_divides_members(separator):
    with pytest.raises(ValueError, match="does not divide members"):
        Block("a", separator=separator)


def test_the_repr_of_a_block_builds_it():
    assert repr(Block()) == "Block(separator=',')"
    block = Block("a", ("K", ["x", Block("b", separator="~")]))
    assert repr(block) == ("Block('a', ('K', ['x', Block('b', separator='~')]), separator=',')")


# Whatever is accepted reads back as the same names, values and groups.


def plain(content: Any) -> str:
    """`content` as it is written, with no check at all."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(plain(part) for part in content)
    slots = [
        f"{slot[0]}={plain(slot[1])}" if isinstance(slot, tuple) else plain(slot)
        for slot in content.slots
    ]
    return f"<{content.separator.join(slots)}>"


def check_value(value: Value, content: Any) -> None:
    assert value.text == plain(content)
    parts = content if isinstance(content, list) else [content]
    blocks = [place for place, part in enumerate(parts) if isinstance(part, Block)]
    assert len(value.groups) == len(blocks)
    for group, head, place in zip(value.groups, value.heads, blocks, strict=True):
        before = parts[place - 1] if place else ""
        text = isinstance(before, str) and before not in (",", "\x01")
        assert head == (strip(before) if text else "")
        check_group(group, parts[place])
    if len(parts) == 1 and isinstance(parts[0], str):
        assert value.scalar == strip(parts[0])
    if isinstance(content, Block) and content.separator == "~":
        assert value.members() == trimmed([strip(plain(slot)) for slot in content.slots])


def check_group(group: Group, block: Block) -> None:
    assert group.text == plain(block)
    if block.separator == "~":
        assert not any(isinstance(slot, tuple) for slot in block.slots), "its value would run on"
        return
    keyed = [slot for slot in block.slots if isinstance(slot, tuple)]
    placed = [slot for slot in block.slots if not isinstance(slot, tuple)]
    while placed and not strip(plain(placed[-1])):
        placed.pop()
    assert len(group.positional) == len(placed)
    for value, slot in zip(group.positional, placed, strict=True):
        check_value(value, slot)
    assert [field.key for field in group.fields] == [key for key, _ in keyed]
    for field, (_, content) in zip(group.fields, keyed, strict=True):
        check_value(field.value, content)


def trimmed(members: list[str]) -> list[str]:
    while members and not members[-1]:
        members.pop()
    return members


GOOD = ["", "a", "b1", " ", "\xa0x ", "\r\n", "\x00", "|", "\xff", "=", "=x"] * 5
TEXTS = st.sampled_from(
    [*GOOD, "a~b", "~", "a=b", " =", ",", "a,b", "a, c=d", "<", ">", "\x01", "\u0100"]
)
NAMES = st.sampled_from(
    [*["A", "b", " C ", "\r\nd", "\xa0", "\x00", "~"] * 5, " ", "=", "a,b", ">", "\u0100"]
)


def blocks(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Block]:
    """Members, then pairs, as they should be; or any way round."""
    separators = st.sampled_from([",", "\x01"])
    placed, keyed = st.lists(inner, max_size=2), st.lists(st.tuples(NAMES, inner), max_size=2)
    return st.one_of(
        st.builds(lambda one, two, by: Block(*one, *two, separator=by), placed, keyed, separators),
        st.builds(lambda slots: Block(*slots, separator="~"), st.lists(inner, max_size=3)),
        st.builds(lambda one, two: Block(*two, *one), placed, keyed),
        st.builds(lambda slots: Block(*slots, separator="~"), keyed),
    )


def sequences(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Texts, separators and groups in any order."""
    group = blocks(inner)
    part = st.one_of(inner.filter(lambda one: not isinstance(one, list)), st.just(","))
    return st.one_of(
        st.tuples(TEXTS, group).map(list),
        st.tuples(group, st.just(","), group).map(list),
        st.tuples(group, TEXTS, group).map(list),
        st.lists(part, max_size=3),
    )


CONTENTS = st.recursive(
    TEXTS, lambda inner: st.one_of(blocks(inner), sequences(inner)), max_leaves=3
)


@pytest.mark.slow
def test_whatever_is_built_reads_back_the_same():
    verdicts: Counter[str] = Counter()

    @settings(max_examples=3000, derandomize=True, database=None, deadline=None)
    @given(
        st.one_of(st.none(), NAMES),
        st.lists(st.tuples(NAMES, CONTENTS), max_size=3),
        st.booleans(),
        st.sampled_from([",", "\x01"]),
    )
    def check(name, fields, free, separator):
        try:
            octets = build(
                name, fields, free=[key for key, _ in fields] if free else (), separator=separator
            )
        except BuildError:
            verdicts["refused"] += 1
            return
        verdicts["built"] += 1
        verdicts["with groups"] += octets.count(b"<") > 1
        message = parse(octets)
        assert message.name == name
        found = message.fields()
        assert found.leading is None
        assert [field.key for field in found] == [key for key, _ in fields]
        assert [field.name for field in found] == [fold(key) for key, _ in fields]
        for field, (_, content) in zip(found, fields, strict=True):
            check_value(field.value, content)

    check()
    assert verdicts["built"] > 800
    assert verdicts["with groups"] > 200
    assert verdicts["refused"] > 800
