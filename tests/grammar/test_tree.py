"""The tree, rule by rule, with literal octets (SYN-01 to SYN-07, SYN-09, SYN-13)."""

from collections.abc import Iterator

import pytest

from starwire.grammar import Field, Fields, Group, Limits, Message, Value, parse


def read(fields: Fields) -> list[tuple[str, str]]:
    """The names and the values as sent."""
    return [(field.name, field.value.text) for field in fields]


def places(group: Group) -> list[str]:
    return [value.text for value in group.positional]


# SYN-01: an optional acronym and one bracketed group.


@pytest.mark.parametrize(
    ("octets", "name", "acronym"),
    [
        (b"GRTL<PRODUCT=V>", "GRTL", "GRTL"),
        (b"<METADATA=1>", None, ""),
        (b"\r\n GRTL\t<>", "\r\n GRTL\t", "GRTL"),
        (b"grtl<>", "grtl", "grtl"),
        (b" <>", " ", ""),
        (b"A B~|\x00<>", "A B~|\x00", "A B~|\x00"),
        (b"\xa0GRTL<>", "\xa0GRTL", "\xa0GRTL"),
    ],
)
def test_the_acronym(octets, name, acronym):
    message = parse(octets)
    assert message.name == name
    assert message.acronym == acronym


def test_the_smallest_message_has_no_fields():
    message = parse(b"<>")
    assert list(message) == []
    assert len(message.fields()) == 0
    assert message.fields().leading is None
    assert message.body.positional == ()
    assert message.body.text == "<>"


# SYN-03: two separators, which may stand in one message; `~` is none.


def test_comma_and_0x01_separate_alike():
    message = parse(b"M<A=1,B=2\x01C=3>")
    assert read(message.fields()) == [("A", "1"), ("B", "2"), ("C", "3")]


def test_a_tilde_does_not_separate():
    assert read(parse(b"M<A=1~B=2>").fields()) == [("A", "1~B=2")]


# SYN-04: behind a group the next field may follow at once; a value may be text then groups.


def test_a_field_right_behind_a_group():
    message = parse(b"<M=<Curr=2345>DEFAULT_GRAPH_MODE=0\x01X=1>")
    assert read(message.fields()) == [
        ("M", "<Curr=2345>"),
        ("DEFAULT_GRAPH_MODE", "0"),
        ("X", "1"),
    ]


def test_a_key_behind_a_group_keeps_the_blanks_before_it():
    field = parse(b"<M=<>\r\n Key =1>")["KEY"]
    assert field.key == "\r\n Key "
    assert field.name == "KEY"
    assert field.value.text == "1"


def test_text_then_groups_repeated():
    value = parse(b"M<L=INBOUND<<1,1><NA,NA>> INBOUND<<2,2><,>>>")["L"].value
    assert value.heads == ("INBOUND", "INBOUND")
    assert [group.text for group in value.groups] == ["<<1,1><NA,NA>>", "<<2,2><,>>"]
    assert value.text == "INBOUND<<1,1><NA,NA>> INBOUND<<2,2><,>>"
    assert value.scalar == "INBOUND"


def test_text_then_one_group():
    value = parse(b"ARD<SCHEDULE=A<START=1,END=2>,X=>")["SCHEDULE"].value
    assert value.scalar == "A"
    assert value.heads == ("A",)
    assert read(value.groups[0].fields) == [("START", "1"), ("END", "2")]


def test_groups_back_to_back():
    value = parse(b"GPLA<PL_ACCESS=<1~SHARED><2~DIAL-1>>")["PL_ACCESS"].value
    assert value.scalar == ""
    assert value.heads == ("", "")
    assert [group.positional[0].text for group in value.groups] == ["1~SHARED", "2~DIAL-1"]


def test_text_behind_the_last_group_belongs_to_the_value():
    value = parse(b"M<A=x<1>y>")["A"].value
    assert value.text == "x<1>y"
    assert value.heads == ("x",)
    assert value.scalar == "x"


# SYN-05: where a key ends, and what a slot without one is.


def test_the_first_equals_ends_the_key_and_later_ones_are_text():
    assert read(parse(b"M<A=1=2==,B==>").fields()) == [("A", "1=2=="), ("B", "=")]


def test_an_equals_with_nothing_before_it_is_text():
    assert places(parse(b"M<=1,=>").body) == ["=1", "="]
    assert read(parse(b"M<A=1,=2>").fields()) == [("A", "1,=2")]
    assert read(parse(b"M<A=<>=2>").fields()) == [("A", "<>=2")]


def test_the_first_equals_behind_a_group_ends_a_key_too():
    assert read(parse(b"M<A=x<>B=1=2>").fields()) == [("A", "x<>"), ("B", "1=2")]


def test_a_key_of_blanks_is_a_key():
    field = next(iter(parse(b"M< =1>")))
    assert (field.key, field.name) == (" ", "")


@pytest.mark.parametrize(
    ("octets", "fields"),
    [
        (b"M<R = <a>, <b>>", [("R", " <a>, <b>")]),
        (b"M<D=one, two,,three,X=1>", [("D", "one, two,,three"), ("X", "1")]),
        (b"M<P=V,>", [("P", "V,")]),
        (b"M<P=V,,X=1>", [("P", "V,"), ("X", "1")]),
        (b"M<P=V\x01,\x01X=1>", [("P", "V\x01,"), ("X", "1")]),
        (b"M<P=,>", [("P", ",")]),
        (b"M<P=>", [("P", "")]),
        (b"M<P=,X=>", [("P", ""), ("X", "")]),
        (b"M<P=<a>,>", [("P", "<a>,")]),
        (b"M<P=<a>b,c>", [("P", "<a>b,c")]),
    ],
)
def test_a_slot_without_key_continues_the_value_before_it(octets, fields):
    assert read(parse(octets).fields()) == fields


def test_one_list_over_several_slots():
    value = parse(b"SRTL<REPORTS = <a>, <b>>")["REPORTS"].value
    assert [group.text for group in value.groups] == ["<a>", "<b>"]
    assert value.heads == ("", "")
    assert value.members() == ["<a>", "<b>"]


@pytest.mark.parametrize(
    ("octets", "leading"),
    [
        (b"M<>", None),
        (b"M<A=1>", None),
        (b"M<x>", "x"),
        (b"M<x,y,A=1>", "x,y"),
        (b"M<<x>A=1>", "<x>"),
        (b"M<,A=1>", ""),
        (b"M<,>", ","),
        (b"M< >", None),
        (b"M<\t\r\n >", None),
        (b"M<\xa0>", "\xa0"),
        (b"M<<>>", "<>"),
    ],
)
def test_what_stands_before_the_first_field(octets, leading):
    found = parse(octets).fields().leading
    assert (found.text if found else None) == leading
    if found:
        assert found.offset == 2


BARE = frozenset({"PL_ACCESS", "PL_DUR"})
GROUPED = frozenset({"COLUMNS", "PL_DUR"})


@pytest.mark.parametrize(
    ("octets", "fields"),
    [
        # A PL_ name alone in a slot, wherever it stands.
        (b"GPL<PL_ACCESS>", [("PL_ACCESS", "")]),
        (b"GPL<PL_ACCESS,USERID=u>", [("PL_ACCESS", ""), ("USERID", "u")]),
        (b"GPL<USERID=u,PL_ACCESS>", [("USERID", "u"), ("PL_ACCESS", "")]),
        (b"GPL<USERID=u, pl_access\r\n,X=1>", [("USERID", "u"), ("PL_ACCESS", ""), ("X", "1")]),
        (b"GPL<PL_ACCESS,PL_DUR>", [("PL_ACCESS", ""), ("PL_DUR", "")]),
        # What follows without key continues it.
        (b"GPL<PL_ACCESS,x>", [("PL_ACCESS", ",x")]),
        # With a key it is an ordinary field.
        (b"GPL<PL_ACCESS=>", [("PL_ACCESS", "")]),
        (b"GPL<PL_ACCESS=PL_ACCESS>", [("PL_ACCESS", "PL_ACCESS")]),
        # A name of the table with its group right behind.
        (b"ARD<COLUMNS<44,36>,X=1>", [("COLUMNS", "<44,36>"), ("X", "1")]),
        (b"ARD<X=1,Columns <44><36>,Y=2>", [("X", "1"), ("COLUMNS", "<44><36>"), ("Y", "2")]),
        (b"ARD<COLUMNS<44>X=1>", [("COLUMNS", "<44>"), ("X", "1")]),
        (b"ARD<COLUMNS<44>\r\n,x>", [("COLUMNS", "<44>\r\n,x")]),
        # A name that may be alone may not have a group, and the other way round.
        (b"M<X=1,COLUMNS>", [("X", "1,COLUMNS")]),
        (b"M<X=1,PL_ACCESS<a>>", [("X", "1,PL_ACCESS<a>")]),
        # A name that may be both.
        (b"M<PL_DUR,PL_DUR<a>>", [("PL_DUR", ""), ("PL_DUR", "<a>")]),
        # Only a whole slot: not text behind a group, not part of a text.
        (b"M<X=<a>PL_ACCESS>", [("X", "<a>PL_ACCESS")]),
        (b"M<X=<a>COLUMNS<b>>", [("X", "<a>COLUMNS<b>")]),
        (b"M<X=1,PL_ACCESS 2>", [("X", "1,PL_ACCESS 2")]),
        (b"M<X=1,,Y=2>", [("X", "1,"), ("Y", "2")]),
    ],
)
def test_a_slot_that_is_a_field_without_equals(octets, fields):
    found = parse(octets).fields(bare=BARE, grouped=GROUPED)
    assert read(found) == fields
    assert found.leading is None


def test_a_field_without_equals_as_sent():
    message = parse(b"GPL<x, pl_access ,Columns<44>>")
    found = message.fields(bare=BARE, grouped=GROUPED)
    assert [field.key for field in found] == [" pl_access ", "Columns"]
    assert [field.offset for field in found] == [6, 18]
    assert found.leading is not None
    assert found.leading.text == "x"
    alone, columns = found
    assert alone.value.is_empty
    assert alone.value.scalar == ""
    assert columns.value.heads == ("",)
    assert columns.value.scalar == ""
    assert columns.value.members() == ["44"]


def test_without_such_names_nothing_is_a_field_without_equals():
    message = parse(b"GPL<PL_ACCESS,COLUMNS<44>>")
    assert read(message.fields()) == []
    assert read(message.fields(bare=BARE)) == [("PL_ACCESS", ",COLUMNS<44>")]
    assert read(message.fields(grouped=GROUPED)) == [("COLUMNS", "<44>")]


# SYN-06: how names compare, and what octets are data.


def test_keys_compare_stripped_and_upper_cased():
    message = parse(b"M<\r\n\tData Cat =1>")
    assert message["DATA CAT"].value.text == "1"
    assert message[" data CAT\n"].key == "\r\n\tData Cat "
    assert "data cat" in message
    assert "DATACAT" not in message
    with pytest.raises(KeyError, match="DATACAT"):
        message["DATACAT"]


@pytest.mark.parametrize(
    "octet", [0x00, 0x0B, 0x0C, 0x1C, 0x1F, 0x7F, 0x85, 0xA0, 0xB5, 0xDF, 0xFF]
)
def test_what_python_calls_a_blank_or_a_letter_is_data(octet):
    """A bare `str.strip` would take most of these, a bare `str.upper` would change the others."""
    one = bytes([octet])
    octets = b"M" + one + b"<" + one + b"K" + one + b"=" + one + b"v" + one + b"," + one + b">"
    message = parse(octets)
    letter = chr(octet)
    (field,) = message
    assert message.acronym == f"M{letter}"
    assert field.name == f"{letter}K{letter}"
    assert field.value.scalar == f"{letter}v{letter},{letter}"
    assert field.value.members() == [f"{letter}v{letter}", letter]
    assert not parse(b"M<K=" + one + b">")["K"].value.is_empty
    assert message.render() == octets


def test_every_octet_but_the_delimiters_is_data_everywhere():
    data = bytes(set(range(256)) - set(b"<>,=\x01"))
    octets = data + b"<" + data + b"=" + data + b"<" + data + b">>"
    message = parse(octets)
    text = data.decode("latin-1")
    (field,) = message
    assert (message.name, field.key, field.value.heads) == (text, text, (text,))
    assert field.value.groups[0].positional[0].text == text
    assert message.render() == octets


# SYN-07, SYN-09: lossless, with what is tolerated behind the message.


@pytest.mark.parametrize(
    "tail",
    [b"", b"\n", b"|\r\n", b"\r\n\r\n", b"\x00", b" ", b"|", b" |", b"\r\n|\r\n", b"|\x00 \n"],
)
def test_the_tail_is_kept(tail):
    octets = b"M<A=1>" + tail
    message = parse(octets)
    assert message.tail == tail.decode()
    assert message.octets == octets
    assert message.render() == octets


def test_messages_are_equal_if_their_octets_are():
    assert parse(b"M<A=1>") == parse(b"M<A=1>")
    assert len({parse(b"M<A=1>"), parse(b"M<A=1>"), parse(b"M<a=1>")}) == 2
    assert parse(b"M<A=1>") != parse(b"M<A=1>\n")
    assert parse(b"M<A=1>") != "M<A=1>"


# SYN-13: empty values, lists.


@pytest.mark.parametrize("text", ["", " ", "\t\r\n ", "<>", " <> ", "<\r\n\t >", "\n<  >\t\r\n"])
def test_nothing_and_groups_of_blanks_are_empty(text):
    assert parse(f"M<A={text}>".encode())["A"].value.is_empty


@pytest.mark.parametrize("text", ["x", "0", "~", ",", "<,>", "<~>", "<><>", "<<>>", "x<>", "<>x"])
def test_anything_else_is_not(text):
    assert not parse(f"M<A={text}>".encode())["A"].value.is_empty


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", []),
        ("<>", []),
        (" < > ", []),
        ("a", ["a"]),
        ("a~b~c", ["a", "b", "c"]),
        ("<a~b~c>", ["a", "b", "c"]),
        ("<a,b,c>", ["a", "b", "c"]),
        ("a,b,c", ["a", "b", "c"]),
        ("<a\x01b\x01c>", ["a", "b", "c"]),
        ("<a~b,c>", ["a", "b", "c"]),
        (" < a ~\r\nb\t, c > ", ["a", "b", "c"]),
        # Trailing empty ones count for nothing, inner ones do.
        ("<a,,b,,>", ["a", "", "b"]),
        ("<,a~~>", ["", "a"]),
        ("<,,>", []),
        ("a,", ["a"]),
        ("<a,b>,", ["a", "b"]),
        ("<a,b> , ,", ["a", "b"]),
        # What looks like a key is text in a list.
        ("<a=1~b=2>", ["a=1", "b=2"]),
        # A group that is a member stays whole, with the text around it.
        ("<<a,b>,<c>>", ["<a,b>", "<c>"]),
        ("<a>,<b>", ["<a>", "<b>"]),
        ("<a><b>", ["<a><b>"]),
        ("<<a~b>~c>", ["<a~b>", "c"]),
        ("<x <a>~y>", ["x <a>", "y"]),
        ("x<a~b>", ["x<a~b>"]),
        ("<a~b>x", ["<a~b>x"]),
        ("<<a~b>>", ["<a~b>"]),
    ],
)
def test_the_members_of_a_list(text, members):
    assert parse(f"M<A={text}>".encode())["A"].value.members() == members


def test_the_scalar_is_stripped_and_stops_at_the_first_group():
    message = parse(b"M<A=\r\n x y\t,B= A <1> z,C=,D=<1>,E= u, v >")
    assert [field.value.scalar for field in message] == ["x y", "A", "", "", "u, v"]


# Groups: positional members, then keyed ones.


@pytest.mark.parametrize(
    ("text", "positional"),
    [
        ("<>", []),
        ("<a>", ["a"]),
        ("<a,b>", ["a", "b"]),
        ("<a\x01b>", ["a", "b"]),
        ("<a, b >", ["a", " b "]),
        ("<a,,b>", ["a", "", "b"]),
        ("<,a>", ["", "a"]),
        # Trailing empty ones count for nothing; an empty group is something.
        ("<a,>", ["a"]),
        ("<a,, ,\r\n>", ["a"]),
        ("<,>", []),
        ("<,,K=1>", []),
        ("<a,,K=1>", ["a"]),
        ("<a,<>>", ["a", "<>"]),
        ("<a,<>,>", ["a", "<>"]),
        # Groups right behind a member are in its value.
        ("<a<b>,c>", ["a<b>", "c"]),
        ("<<a><b>,<c>>", ["<a><b>", "<c>"]),
        ("<a<b>c,d>", ["a<b>c", "d"]),
        ("<a<b>c<d>e>", ["a<b>c<d>e"]),
        # They end at the first key.
        ("<K=1>", []),
        ("<a,K=1,b>", ["a"]),
        ("<a<b>K=1>", ["a<b>"]),
        ("<<b>K=1>", ["<b>"]),
        ("<a,b<c>K=1>", ["a", "b<c>"]),
        # `~` is no separator of the syntax.
        ("<a~b>", ["a~b"]),
    ],
)
def test_the_positional_members_of_a_group(text, positional):
    group = parse(f"M<A={text}>".encode())["A"].value.groups[0]
    assert places(group) == positional


def test_the_values_of_positional_members():
    group = parse(b"M<N=<1, Top, s2,<c~1,v,l>x<c2>>>")["N"].value.groups[0]
    level, label, screen, rest = group.positional
    assert [level.scalar, label.scalar, screen.scalar] == ["1", "Top", "s2"]
    assert rest.heads == ("", "x")
    assert [inner.text for inner in rest.groups] == ["<c~1,v,l>", "<c2>"]
    assert places(rest.groups[0]) == ["c~1", "v", "l"]
    assert rest.groups[0].positional[0].members() == ["c", "1"]
    assert rest.members() == ["<c~1,v,l>x<c2>"]


def test_keyed_members_of_a_group():
    group = parse(b"M<A=<p,START=1,END=2,START=3,x>>")["A"].value.groups[0]
    assert read(group.fields) == [("START", "1"), ("END", "2"), ("START", "3,x")]
    assert group.fields.leading is not None
    assert group.fields.leading.text == "p"
    assert group["end"].value.text == "2"
    with pytest.raises(KeyError):
        group["p"]


def test_a_level_reads_its_own_groups_only():
    message = parse(b"M<A=<B=1>,C=<A=2>>")
    assert read(message.fields()) == [("A", "<B=1>"), ("C", "<A=2>")]
    assert "B" not in message


# Fields as a collection.


def test_fields_in_order_with_repeats():
    fields = parse(b"M<b=1,A=2,B=3,b =4>").fields()
    assert len(fields) == 4
    assert list(fields.names()) == ["B", "A"]
    assert [field.value.text for field in fields.getall("B")] == ["1", "3", "4"]
    assert fields["b"].value.text == "1"
    first = fields.get("B")
    assert first is not None
    assert first.value.text == "1"
    assert fields.get("C") is None
    assert fields.getall("C") == []
    assert "a" in fields
    assert "c" not in fields


def test_the_fields_of_a_message_are_read_once():
    message = parse(b"M<A=1>")
    assert message.fields() is message.fields()


# Where things stand.

SAMPLE = b"ARD <x,A=1, B = t<p,<q>u<r>,K=<s>L=v>w<y>z,C=,D>\r\n|"


def test_the_offsets_of_a_message():
    message = parse(SAMPLE)
    assert message.body.offset == SAMPLE.index(b"<x")
    a, b, c = message
    assert [one.offset for one in (a, b, c)] == [SAMPLE.index(k) for k in (b"A=", b" B", b"C=")]
    assert [one.value.offset for one in (a, b, c)] == [
        SAMPLE.index(value) for value in (b"1, B", b" t<", b",D>")
    ]
    first, second = b.value.groups
    assert (first.offset, second.offset) == (SAMPLE.index(b"<p"), SAMPLE.index(b"<y"))
    p, rest = first.positional
    assert (p.offset, rest.offset) == (SAMPLE.index(b"p,"), SAMPLE.index(b"<q"))
    assert [inner.offset for inner in rest.groups] == [SAMPLE.index(b"<q"), SAMPLE.index(b"<r")]
    assert [field.offset for field in first.fields] == [SAMPLE.index(b"K="), SAMPLE.index(b"L=")]


def nodes(group: Group) -> Iterator[Group | Value | Field]:
    """Every node below a group, by every way that leads to one."""
    yield group
    for value in group.positional:
        yield from below(value)
    fields = group.read(BARE, GROUPED)
    if fields.leading is not None:
        yield from below(fields.leading)
    for field in [*group.fields, *fields]:
        yield field
        yield from below(field.value)


def below(value: Value) -> Iterator[Group | Value | Field]:
    yield value
    for group in value.groups:
        yield from nodes(group)


def check_offsets(message: Message) -> int:
    """Every node stands in the octets where it says; returns how many there are."""
    text = message.octets.decode("latin-1")
    seen = 0
    for node in nodes(message.body):
        seen += 1
        if isinstance(node, Field):
            assert text.startswith(node.key, node.offset)
            behind = node.offset + len(node.key)
            assert text[behind : node.value.offset] in ("=", "")
        else:
            assert text[node.offset : node.end] == node.text
        if isinstance(node, Group):
            assert (node.text[0], node.text[-1]) == ("<", ">")
    return seen


@pytest.mark.parametrize(
    ("octets", "at_least"),
    [(b"<>", 1), (b"M<A=1>", 5), (b"GPL<x,PL_ACCESS ,Columns<44><>,A=1>", 21), (SAMPLE, 60)],
)
def test_every_node_stands_where_it_says(octets, at_least):
    assert check_offsets(parse(octets)) >= at_least


def test_every_node_of_the_originals_stands_where_it_says(golden):
    seen = [check_offsets(parse(path.read_bytes())) for path in golden.glob("*.emended.msg")]
    assert sum(seen) > 500


def test_deep_nesting_up_to_the_limit():
    octets = b"<" * 64 + b">" * 64
    message = parse(octets)
    assert message.render() == octets
    group = message.body
    for _ in range(63):
        (value,) = group.positional
        (group,) = value.groups
    assert group.text == "<>"
    assert group.offset == 63


def test_rendering_does_not_depend_on_the_stack():
    """A profile may allow more groups than Python allows calls."""
    octets = b"M<A=" + b"<" * 2000 + b"x" + b">" * 2000 + b"y>"
    assert parse(octets, Limits(nesting=2001)).render() == octets


def test_the_repr_shows_the_text():
    message = parse(b"M<A=x<p>>")
    assert repr(message) == "Message('M<A=x<p>>')"
    assert repr(message.body) == "Group('<A=x<p>>')"
    assert repr(message["A"]) == "Field('A', 'x<p>')"
    assert repr(message["A"].value) == "Value('x<p>')"
    assert repr(message.fields()) == "Fields(A)"


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"A<B=<C=20,>>", "20"),
        (b"A<B=<C=20,,\t,>>", "20"),
        (b"A<B=<C=20\x01>>", "20"),
        (b"A<B=<C=,>>", ""),
        (b"A<B=<C=2,3,>>", "2,3"),
        (b"A<B=<C=<1>,>>", "<1>"),
        (b"A<B=<C=1,<>>>", "1,<>"),
        (b"A<B=<C=,,D=1>>", ","),
    ],
)
def test_empty_slots_at_the_end_of_a_group_count_for_nothing(octets: bytes, value: str) -> None:
    message = parse(octets)
    (group,) = message["B"].value.groups
    assert group["C"].value.text == value
    assert octets.decode()[group["C"].value.offset :].startswith(value)
    assert message.render() == octets


def test_directly_under_a_message_they_continue_the_last_value() -> None:
    assert parse(b"GRTL<PRODUCT=V,>")["PRODUCT"].value.text == "V,"
