"""The reader of native ports: TRN-05, SYN-09 to SYN-11."""

import itertools
from pathlib import Path
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from starwire.grammar import Fault, Limits, MetadataError, parse
from starwire.protocol.frames import NEED_DATA
from starwire.protocol.native import NativeReader

SMALL = Limits(nesting=2, octets=12, marks=4)
GOOD = b"L<A=1>"
GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"


def reader():
    return NativeReader(Limits())


def small_reader():
    return NativeReader(SMALL)


@pytest.mark.parametrize(
    ("octets", "messages"),
    [
        (b"", []),
        (b"GRTL<PRODUCT=V>", [b"GRTL<PRODUCT=V>"]),
        (b"<METADATA=<A=1>>", [b"<METADATA=<A=1>>"]),
        (b"<>", [b"<>"]),
        (b"A<><>B<>", [b"A<>", b"<>", b"B<>"]),
        (b"L<A=<B,<C>>D=2,\x01,>\r\n", [b"L<A=<B,<C>>D=2,\x01,>"]),
        (b"A<x>\r\nB<y>|\0 |\r\nC<z>|", [b"A<x>", b"B<y>", b"C<z>"]),
        (b"\r\n\0 | | A<>", [b"A<>"]),
        (b"\tA B|\r\n<>", [b"\tA B|\r\n<>"]),
        (b"Z<=a==b=>\n", [b"Z<=a==b=>"]),
        (b"A<\xff\xa0\x00\x85>", [b"A<\xff\xa0\x00\x85>"]),
        (b"\xff<>", [b"\xff<>"]),
    ],
)
def test_messages(octets, messages, read_every_way):
    for ended in (False, True):
        outcome = read_every_way(reader, octets, GOOD, ended=ended)
        assert outcome == (messages, None, False)
    for message in messages:
        assert parse(message)


@pytest.mark.parametrize(
    ("octets", "fault", "refused", "reason"),
    [
        (b">", Fault.UNBALANCED, b">", "'>' stands where the '<' of a message is due"),
        (b"GRTL>", Fault.UNBALANCED, b"GRTL>", "'>' stands where the '<' of a message is due"),
        (b",", Fault.MALFORMED, b",", "',' stands where the '<' of a message is due"),
        (b"A,B<>", Fault.MALFORMED, b"A,", "',' stands where the '<' of a message is due"),
        (b"A=<>", Fault.MALFORMED, b"A=", "'=' stands where the '<' of a message is due"),
        (b"A\x01<", Fault.MALFORMED, b"A\x01", "'\\x01' stands where the '<' of a message is due"),
        (b"\r\n |A=", Fault.MALFORMED, b"A=", "'=' stands where the '<' of a message is due"),
        (b"  , ", Fault.MALFORMED, b",", "',' stands where the '<' of a message is due"),
    ],
)
def test_an_octet_with_which_no_message_begins(octets, fault, refused, reason, read_every_way):
    outcome = read_every_way(reader, octets, GOOD)
    assert outcome == ([], (fault, reason, len(refused) - 1, refused), False)


def test_a_bracket_too_many_is_refused_behind_the_message(read_every_way):
    outcome = read_every_way(reader, b"GRTL<A=1>>\r\nGRTL<B=2>", GOOD)
    assert outcome.events == [b"GRTL<A=1>"]
    assert outcome.error is not None
    assert outcome.error[0] is Fault.UNBALANCED
    assert outcome.error[2:] == (0, b">")


@pytest.mark.parametrize(
    ("octets", "fault", "reason"),
    [
        (b"GRTL<A=1", Fault.UNBALANCED, "the input ends with 1 group open"),
        (b"GRTL<A=<B=<", Fault.UNBALANCED, "the input ends with 3 groups open"),
        (b"<", Fault.UNBALANCED, "the input ends with 1 group open"),
        (b"GRTL", Fault.MALFORMED, "the input ends before the '<' of a message"),
    ],
)
def test_the_end_of_the_stream_inside_a_message(octets, fault, reason, read_every_way):
    outcome = read_every_way(reader, GOOD + b" \r\n" + octets, GOOD, ended=True)
    assert outcome == ([GOOD], (fault, reason, len(octets), octets), False)
    outcome = read_every_way(reader, GOOD + octets, GOOD)
    assert outcome == ([GOOD], None, True)


@pytest.mark.parametrize(
    ("octets", "refused", "reason"),
    [
        (b"A<3456789012>", b"A<3456789012>", "longer than 12 octets"),
        (b"A23456789012<", b"A23456789012<", "longer than 12 octets"),
        (b"A<3456789012,,>", b"A<3456789012,", "longer than 12 octets"),
        (b"A234567890123", b"A234567890123", "longer than 12 octets"),
        (b"A23456789012>", b"A23456789012>", "longer than 12 octets"),
        (b"A<<<>>>", b"A<<<", "nested deeper than 2 groups"),
        (b"A<<>,<>,>", b"A<<>,<>,", "more than 4 separators and groups"),
        (b"A<,\x01,,>", b"A<,\x01,,", "more than 4 separators and groups"),
        (b"\r\n\r\nA<3456789012>", b"A<3456789012>", "longer than 12 octets"),
    ],
)
def test_limits_are_checked_at_the_octet_that_passes_them(octets, refused, reason, read_every_way):
    outcome = read_every_way(small_reader, octets, GOOD)
    assert outcome == ([], (Fault.LIMIT, reason, len(refused) - 1, refused), False)
    held = small_reader()
    for octet in octets[: octets.index(refused) + len(refused) - 1]:
        held.feed(bytes([octet]))
        assert held.next_message() is NEED_DATA


@pytest.mark.parametrize(
    "octets", [b"A<345678901>", b"A<<>,<>,1>"[:7] + b">", b"A<<>,,>", b"A<<><>>", b"<<>><<>>"]
)
def test_what_just_fits_the_limits(octets, read_every_way):
    outcome = read_every_way(small_reader, octets, GOOD, ended=True)
    assert b"".join(outcome.events) == octets
    assert outcome.error is None


def test_what_stands_between_messages_counts_for_no_limit(read_every_way):
    octets = b"\r\n\0 |" * 20 + GOOD + b" " * 100 + GOOD
    outcome = read_every_way(small_reader, octets, GOOD)
    assert outcome.events == [GOOD, GOOD]


def test_what_stands_between_messages_is_not_held():
    held = reader()
    for _ in range(10):
        held.feed(b"\r\n" * 1000)
        assert held.next_message() is NEED_DATA
        assert held.cut_off is False


def test_an_error_is_for_ever(read_every_way):
    held = reader()
    held.feed(GOOD + b"=" + GOOD)
    assert held.next_message() == GOOD
    assert held.refused == b""
    for _ in range(3):
        with pytest.raises(MetadataError, match=r"^octet 0: '=' stands where") as caught:
            held.next_message()
        assert caught.value.fault is Fault.MALFORMED
        assert held.refused == b"="
        held.feed(GOOD)
        held.close()


def test_whole_messages_go_before_the_error_of_the_end():
    held = reader()
    held.feed(GOOD * 3 + b"L<")
    held.close()
    assert [held.next_message() for _ in range(3)] == [GOOD] * 3
    with pytest.raises(MetadataError, match=r"^octet 2: the input ends with 1 group open$"):
        held.next_message()


def test_the_end_between_messages_is_no_error():
    held = reader()
    held.feed(GOOD + b"\r\n|")
    held.close()
    assert held.next_message() == GOOD
    assert held.next_message() is NEED_DATA
    assert held.next_message() is NEED_DATA


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.msg")), ids=lambda path: path.stem)
def test_the_original_messages(path, read_every_way):
    """One that is a message is read; one that is not ends in an error. Not always in that of the
    whole: a stream cannot know that what looks like the end of a message is a `>` too many.
    """
    octets = path.read_bytes()
    found = read_in_few(octets)
    try:
        parse(octets)
    except MetadataError:
        assert isinstance(found[-1], Fault)
    else:
        assert found == [octets.rstrip(b"\r\n\0 |")]


def read_in_few(octets):
    held = reader()
    found = []
    for place in range(0, len(octets), 100):
        held.feed(octets[place : place + 100])
    held.close()
    try:
        while (message := held.next_message()) is not NEED_DATA:
            found.append(message)
    except MetadataError as error:
        found.append(error.fault)
    return found


def by_the_grammar(octets):
    """The same, asking the grammar about every beginning of every message."""
    found, message = [], b""
    for octet in octets:
        if not message and octet in b"\r\n\0 |":
            continue
        message += bytes([octet])
        try:
            parse(message, SMALL)
        except MetadataError as error:
            if error.offset < len(message):
                return [*found, (error.fault, error.offset, error.reason)]
        else:
            found.append(message)
            message = b""
    if message:
        try:
            parse(message, SMALL)
        except MetadataError as error:
            return [*found, (error.fault, error.offset, error.reason)]
    return found


PIECES = st.sampled_from([b"<", b">", b",", b"\x01", b"=", b"A", b"|", b" ", b"\r\n", b"\t", GOOD])


@given(st.lists(PIECES | st.binary(max_size=3), max_size=25).map(b"".join), st.data())
@example(b"A<3456789012,", None)
def test_any_stream_in_any_cut_is_read_as_the_grammar_says(octets, data):
    """Either messages that the grammar takes, or the grammar's error at the first octet that it
    refuses among those that are in, or, at the end, the error of the end.
    """
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6))) if data else []
    held = small_reader()
    found = []
    try:
        for start, end in itertools.pairwise([0, *cuts, len(octets)]):
            held.feed(octets[start:end])
            while (message := held.next_message()) is not NEED_DATA:
                found.append(message)
        held.close()
        assert held.next_message() is NEED_DATA
    except MetadataError as error:
        found.append((error.fault, error.offset, error.reason))
    assert found == by_the_grammar(octets)


def octet_by_octet(count):
    octets = b"A<" + b"B=1,<C>" * (count // 7) + b">"
    pieces = [octets[place : place + 1] for place in range(len(octets))]
    start = process_time()
    held = NativeReader(Limits(octets=10**7, marks=10**7))
    for piece in pieces:
        held.feed(piece)
        message = held.next_message()
    assert message == octets
    return process_time() - start


def many_in_one_segment(count):
    start = process_time()
    held = reader()
    held.feed(GOOD[:2])
    held.next_message()
    held.feed(GOOD[2:] + GOOD * count)
    for _ in range(count + 1):
        held.feed(b"")
        assert held.next_message() == GOOD
    return process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("work", [octet_by_octet, many_in_one_segment])
def test_time_is_linear(work):
    short = min(work(25_000) for _ in range(3))
    long = min(work(100_000) for _ in range(3))
    assert long < 9 * short
