"""Where headers lie in a transcript, whatever the place and however it was cut."""

from __future__ import annotations

import pytest
from support_reports import EXAMPLES, NO_SESSION, POSTED, ROOT, event

from starwire.harness.conformance.result import Event, widths_of
from starwire.harness.conformance.transcribing import Transcript
from starwire.harness.reports.anatomy import Anatomist, Anatomy
from starwire.protocol.profile import shipped

ASKED = EXAMPLES["GRTL to a proxy, default"]
ECHO = EXAMPLES["an echo and its reply, default"]
TREE = "GRTL\n  PRODUCT = V\n  DATATYPE = R\n  DATACAT = P\n  IO = O"


def take_apart(*events: Event, profile: str = "default") -> list[Anatomy]:
    return Anatomist(widths_of(shipped(profile))).anatomies(events)


def marks(*events: Event, profile: str = "default") -> list[list[tuple[int, str]]]:
    found = take_apart(*events, profile=profile)
    return [[(mark.at, mark.layer) for mark in anatomy.marks] for anatomy in found]


SAYS = {
    "GRTL to a proxy": ("rm", [(0, "common")], TREE),
    "GRTL to the dispatcher": ("dispatcher", [(0, "dispatcher")], TREE),
    "GRTL to the web server": ("web", [(0, "web"), (33, "dispatcher")], TREE),
    "session unknown, from a proxy": ("rm", [(0, "common")], ""),
    "an application error": ("rm", [(0, "common")], "SRTL\n  ERROR = 6827"),
    "accepted": ("rm", [(0, "common")], ""),
    "open": ("inbox", [(0, "common"), (49, "bulk")], "F\n  INBOXID = 42"),
    "data": ("inbox", [(0, "common"), (49, "bulk")], ""),
    "end": ("inbox", [(0, "common"), (49, "bulk")], ""),
}


@pytest.mark.parametrize("title", SAYS)
def test_the_worked_examples(title: str) -> None:
    place, headers, tree = SAYS[title]
    sent = event("sent", EXAMPLES[f"{title}, default"], place=place)
    assert marks(sent) == [headers]
    [anatomy] = take_apart(sent)
    assert [one.text for one in anatomy.trees] == ([tree] if tree else [])


@pytest.mark.parametrize(
    ("title", "place", "headers", "at"),
    [
        ("GRTL to a proxy", "rm", [(0, "common")], 28),
        ("GRTL to the dispatcher", "dispatcher", [(0, "dispatcher")], 59),
        ("GRTL to the web server", "web", [(0, "web"), (17, "dispatcher")], 76),
    ],
)
def test_another_profile(title: str, place: str, headers: list[object], at: int) -> None:
    sent = event("sent", EXAMPLES[f"{title}, little"], place=place)
    assert marks(sent, profile="little") == [headers]
    [anatomy] = take_apart(sent, profile="little")
    assert [(tree.at, tree.text) for tree in anatomy.trees] == [(at, TREE)]


def test_a_piece_of_a_file_is_no_message() -> None:
    data = EXAMPLES["data, default"]
    piece = data[:1] + (84).to_bytes(4, "big") + data[5:74] + b"GUA<U=1>99"
    assert take_apart(event("received", piece, place="inbox"))[0].trees == ()
    opened = piece[:49] + b"\0" + piece[50:]
    assert [one.text for one in take_apart(event("sent", opened[:82]))[0].trees] == ["GUA\n  U = 1"]


def test_frames_behind_each_other() -> None:
    assert marks(event("received", ASKED + ECHO + ASKED)) == [
        [(0, "common"), (90, "common"), (139, "common")]
    ]


@pytest.mark.parametrize("cut", range(1, len(ASKED)))
def test_wherever_a_frame_is_cut(cut: int) -> None:
    pieces = event("sent", ASKED[:cut]), event("note"), event("sent", ASKED[cut:] + ECHO)
    first, _, second = take_apart(*pieces)
    assert [(mark.at, mark.layer) for mark in first.marks] == [(0, "common")]
    begun = [(-cut, "common")] if cut < 49 else []
    assert [(mark.at, mark.layer) for mark in second.marks] == [*begun, (90 - cut, "common")]
    assert [(tree.at, tree.text) for tree in second.trees] == [(49 - cut, TREE)]
    assert first.trees == ()


def test_the_sides_and_the_connections_are_kept_apart() -> None:
    events = [
        event("sent", ASKED[:10]),
        event("received", ECHO[:10]),
        event("sent", ASKED, line=2),
        event("sent", ASKED, place="rs"),
        event("received", ECHO[10:]),
        event("sent", ASKED[10:]),
    ]
    assert marks(*events) == [
        [(0, "common")],
        [(0, "common")],
        [(0, "common")],
        [(0, "common")],
        [(-10, "common")],
        [(-10, "common")],
    ]


@pytest.mark.parametrize("length", [0, 1, 48, 50, 91, 4_000_000_000])
def test_a_length_that_is_wrong(length: int) -> None:
    wrong = ASKED[:1] + length.to_bytes(4, "big") + ASKED[5:]
    [anatomy] = take_apart(event("sent", wrong))
    headers = [(mark.at, mark.layer) for mark in anatomy.marks]
    if length == 50:  # the message's first octet is all that it leaves for the message
        assert headers == [(0, "common"), (50, "common")]
    else:
        assert headers == [(0, "common")]
        assert [tree.text for tree in anatomy.trees] == [TREE]


def test_octets_that_are_no_frame_are_marked_as_the_header_that_they_are_in_the_place_of() -> None:
    assert marks(event("received", b"HTTP/1.1 400 Bad Request\r\n\r\n")) == [[(0, "common")]]
    assert marks(event("received", b"\x01")) == [[(0, "common")]]


def test_what_ends_a_connection_has_octets_too() -> None:
    assert marks(event("received", ASKED), event("closed", ECHO[:9])) == [
        [(0, "common")],
        [(0, "common")],
    ]


# The web, where each request and response stands alone.


def test_a_response_of_the_web() -> None:
    told = event("received", NO_SESSION, "HTTP 200; Set-Cookie: a=b", place="web")
    more = event("received", NO_SESSION[33:], place="web")
    again = event("sent", POSTED, place="web")
    assert marks(again, told, more, again) == [
        [(0, "web"), (33, "dispatcher")],
        [(0, "web"), (33, "dispatcher")],
        [(0, "dispatcher")],
        [(0, "web"), (33, "dispatcher")],
    ]


def test_a_page_of_the_web_has_no_header_of_ours() -> None:
    page = event("received", b"<html>", "HTTP 404", place="web")
    [anatomy] = take_apart(page)
    assert anatomy == Anatomy()


def test_the_head_of_http() -> None:
    head = b"POST /nmci HTTP/1.1\r\nHost: example.invalid\r\nContent-Length: 150\r\n\r\n"
    at = len(head)
    sent = event("sent", head + POSTED, place="web")
    assert marks(sent) == [[(0, "http"), (at, "web"), (at + 33, "dispatcher")]]
    assert take_apart(sent)[0].marks[0].size == at
    assert marks(event("sent", b"GET / HTTP/1.0\r\n\r\n", place="web")) == [[(0, "http")]]
    assert marks(event("sent", b"GET / HTTP/1.0\r\nHo", place="web")) == [[(0, "http")]]


# Native ports.


def test_bare_messages() -> None:
    asked = b"GRTL<PRODUCT=V>\r\nNRL<TYPE=x>"
    [anatomy] = take_apart(event("sent", asked, place="rm-native"))
    assert anatomy.marks == ()
    assert [(tree.at, tree.text) for tree in anatomy.trees] == [
        (0, "GRTL\n  PRODUCT = V"),
        (17, "NRL\n  TYPE = x"),
    ]


def test_a_file_behind_a_message_is_no_message() -> None:
    answer = b"Z<ERROR=0,REQ=F,FSIZE=7>a<b=c>\n" + b"D<INBOXID=1>"
    [anatomy] = take_apart(event("received", answer, place="inbox-native"))
    assert [tree.at for tree in anatomy.trees] == [0, 31]


def test_a_message_in_pieces_stands_where_it_ends() -> None:
    pieces = event("sent", b"GRTL<PRO", place="jar"), event("sent", b"DUCT=V>", place="jar")
    first, second = take_apart(*pieces)
    assert first.trees == ()
    assert [(tree.at, tree.text) for tree in second.trees] == [(-8, "GRTL\n  PRODUCT = V")]


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"GRTL<A=1", "no message: octet 8: the input ends with 1 group open"),
        (b"A<B>,<", "no message: octet 1: "),
    ],
)
def test_what_is_no_message_says_why(octets: bytes, problem: str) -> None:
    [anatomy] = take_apart(event("received", octets, place="rm-native"))
    assert anatomy.trees[-1].text == ""
    assert anatomy.trees[-1].problem.startswith(problem.split(": octet")[0])


def test_what_is_long_has_no_tree() -> None:
    [anatomy] = take_apart(event("sent", b"A<" + b"B=1," * 9000 + b"C=1>", place="rm-native"))
    assert anatomy.trees[0].problem == "36,006 octets, too long to be shown as a tree"


def test_a_transcript_that_kept_a_beginning_only() -> None:
    transcript = Transcript(lambda: 0.0)
    length = 100_000
    long = ASKED[:1] + length.to_bytes(4, "big") + ASKED[5:49] + bytes(length - 49)
    transcript.add(1, "rm", "received", long)
    transcript.add(1, "rm", "received", ASKED)
    assert marks(*transcript.events) == [[(0, "common")], [(0, "common")]]


@pytest.mark.parametrize("path", sorted((ROOT / "fixtures" / "golden").glob("*.msg")), ids=str)
def test_the_golden_messages(path: object) -> None:
    octets = path.read_bytes()  # type: ignore[attr-defined]
    [anatomy] = take_apart(event("sent", octets, place="rm-native"))
    told = anatomy.trees[0]
    assert bool(told.text) is not bool(told.problem)


def test_a_place_or_a_header_that_nobody_knows_is_no_error() -> None:
    assert take_apart(event("sent", ASKED, place="elsewhere"))[0].marks == ()
    assert Anatomist({}).anatomies([event("sent", ASKED)])[0] == Anatomy()
