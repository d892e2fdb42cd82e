"""The audit trail: whatever is done to a file up to its newest signed head is found (ENC-02)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from starwire.protocol.audit import (
    LONGEST_LINE,
    MOST_FINDINGS,
    Chain,
    Finding,
    SignedHead,
    Verdict,
    header_line,
    verify,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = "19980825t084920z-0123abcd"
RECORDS = 12
SIGNED = 9
"""The record of the newest head; three are behind it."""
ROOT = Path(__file__).parents[2]


def add(chain: Chain, number: int) -> bytes:
    serial = number if number % 3 else None
    user = ("jeanvnet2", "", "-", "a b%\xe9")[number % 4]
    reply = None if number % 5 == 4 else b"SRTL<ERROR=0>"
    return chain.record(
        904034960000000 + number * 25, "rm", f"b-{number}", serial, user, b"?", reply
    )


def written(
    records: int = RECORDS, signed: int = SIGNED, *, final: bool = False
) -> tuple[list[bytes], list[SignedHead]]:
    """The lines of a file and what was signed of it."""
    chain = Chain(NAME, PUBLIC)
    lines, heads = [chain.header], []
    for number in range(records + 1):
        if number:
            lines.append(add(chain, number))
        if number == signed:
            heads = [chain.head(final=final).signed(KEY)]
    return lines, heads


LINES, HEADS = written()
OCTETS = b"".join(LINES)
SIGNED_OCTETS = b"".join(LINES[: SIGNED + 1])


def judged(octets: bytes, heads: list[SignedHead] = HEADS) -> Verdict:
    return verify(re.findall(rb"[^\n]*\n|[^\n]+", octets), heads, PUBLIC)


def first(octets: bytes, heads: list[SignedHead] = HEADS) -> Finding:
    findings = judged(octets, heads).findings
    assert findings, "nothing is found"
    return findings[0]


def line_of(offset: int) -> int:
    """The number of the line in which an octet stands."""
    return OCTETS.count(b"\n", 0, offset) + 1


# What is good.


def test_a_file_is_good_as_it_was_written() -> None:
    assert judged(OCTETS) == Verdict(
        records=12, signed=9, tail_microseconds=50, unfinished=False, final=False, findings=()
    )


@pytest.mark.parametrize("records", [0, 1, 5])
def test_a_file_that_was_ended_has_no_tail(records: int) -> None:
    lines, heads = written(records, records, final=True)
    assert verify(lines, heads, PUBLIC) == Verdict(records, records, 0, False, True, ())


def test_every_head_of_a_file_may_be_known() -> None:
    heads = [head for count in range(RECORDS + 1) for head in written(RECORDS, count)[1]]
    assert judged(OCTETS, heads).signed == 12
    assert judged(OCTETS, heads[::-1]).findings == ()


@given(st.integers(len(SIGNED_OCTETS), len(OCTETS)))
def test_behind_the_newest_head_a_file_may_end_anywhere(end: int) -> None:
    """As a kill leaves it: whole records, and the beginning of one."""
    verdict = judged(OCTETS[:end])
    assert verdict.findings == ()
    assert verdict.signed == 9
    assert verdict.records == OCTETS.count(b"\n", 0, end) - 1
    assert verdict.unfinished == (not OCTETS[:end].endswith(b"\n"))


@pytest.mark.parametrize("octets", [b"", LINES[0][:20], LINES[0]])
def test_a_process_may_end_before_its_first_head(octets: bytes) -> None:
    verdict = judged(octets, [])
    assert verdict.findings == ()
    assert verdict.unfinished == bool(octets and not octets.endswith(b"\n"))


# What is found, each with its line.


@given(st.integers(0, len(SIGNED_OCTETS) - 1), st.integers(1, 255))
def test_any_octet_that_is_changed_is_found_in_its_line(offset: int, change: int) -> None:
    octets = bytearray(OCTETS)
    octets[offset] ^= change
    assert first(bytes(octets)).line == line_of(offset)


@given(st.integers(len(SIGNED_OCTETS), len(OCTETS) - 2), st.integers(1, 255))
def test_the_tail_is_chained_too(offset: int, change: int) -> None:
    octets = bytearray(OCTETS)
    octets[offset] ^= change
    assert first(bytes(octets)).line == line_of(offset)


@given(st.integers(0, len(SIGNED_OCTETS)), st.binary(min_size=1, max_size=9))
def test_any_octets_that_are_put_in_are_found(offset: int, more: bytes) -> None:
    octets = OCTETS[:offset] + more + OCTETS[offset:]
    same = next(i for i, (a, b) in enumerate(zip(octets, OCTETS + b"\0", strict=False)) if a != b)
    assert first(octets).line in (line_of(offset), line_of(same))


@given(st.integers(0, len(SIGNED_OCTETS) - 1), st.integers(1, 400))
def test_any_octets_that_are_taken_out_are_found(offset: int, count: int) -> None:
    octets = OCTETS[:offset] + OCTETS[offset + count :]
    assert first(octets).line in (line_of(offset), line_of(offset) + 1)


@given(st.integers(0, len(SIGNED_OCTETS) - 1))
def test_any_cut_before_the_newest_head_is_found_where_the_file_ends(end: int) -> None:
    finding = first(OCTETS[:end])
    assert finding.line == OCTETS.count(b"\n", 0, end) + 1
    assert finding.what.startswith("cut off, expected ")


@given(st.integers(0, SIGNED))
def test_a_line_that_is_removed_is_missed_in_its_place(index: int) -> None:
    finding = first(b"".join(LINES[:index] + LINES[index + 1 :]))
    assert finding.line == index + 1
    if index:
        told = f"record {index + 1}, expected record {index}: {index} missing"
        assert finding.what == told


@given(st.integers(0, SIGNED), st.integers(0, SIGNED))
def test_two_lines_that_change_places_are_found(one: int, other: int) -> None:
    lines = list(LINES)
    lines[one], lines[other] = lines[other], lines[one]
    if one == other:
        assert judged(b"".join(lines)).findings == ()
    else:
        assert first(b"".join(lines)).line == min(one, other) + 1


@given(st.integers(0, SIGNED), st.integers(0, RECORDS))
def test_a_line_that_comes_again_is_found(index: int, place: int) -> None:
    lines = [*LINES[: place + 1], LINES[index], *LINES[place + 1 :]]
    finding = first(b"".join(lines))
    # A record in front of itself is right, and the one behind it is too many.
    assert finding.line == place + 2 + (index == place + 1)
    if 0 < index <= place:
        expected = f"record {index} once more, expected record {place + 1}"
        assert finding.what == expected


def test_a_record_put_in_with_a_good_chain_value_is_found_behind_it() -> None:
    chain = Chain(NAME, PUBLIC)
    for number in range(1, 5):
        add(chain, number)
    forged = chain.record(1, "rm", "t", 1, "dorod", b"forged", b"forged")
    lines = [*LINES[:5], forged, *LINES[5:]]
    assert first(b"".join(lines)) == Finding(7, "record 5 once more, expected record 6")


def test_a_chain_that_was_made_anew_is_found_by_the_head() -> None:
    chain = Chain(NAME, PUBLIC)
    lines = [chain.header]
    for number in range(1, RECORDS + 1):
        if number == 4:
            lines.append(chain.record(1, "rm", "t", 1, "dorod", b"forged", b"forged"))
        else:
            lines.append(add(chain, number))
    finding = first(b"".join(lines))
    assert finding.line == SIGNED + 1
    assert finding.what.startswith("record 9 is not the one that was signed: chain value ")
    assert finding.what.endswith(f", expected {HEADS[0].head.digest}")


def test_a_changed_record_is_one_finding_and_tells_both_chain_values() -> None:
    octets = OCTETS.replace(b" b-4 ", b" b-5 ")
    [finding] = judged(octets).findings
    record = octets.splitlines()[4]
    before, value = (line.rpartition(b" ")[2].decode() for line in octets.splitlines()[3:5])
    text = record.rpartition(b" ")[0]
    expected = hashlib.sha256(bytes.fromhex(before) + text).hexdigest()
    assert finding == Finding(5, f"record 4 was changed: chain value {value}, expected {expected}")


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        (lambda lines: [*lines[:3], b"\n", *lines[3:]], [(4, "no record, expected record 3")]),
        (
            lambda lines: [*lines[:3], b"?" + lines[3], b"?\n", *lines[5:]],
            [(4, "no record, expected record 3"), (5, "no record, expected record 3")],
        ),
        (
            lambda lines: [*lines[:4], b"3" + lines[4][1:], *lines[5:]],
            [(5, "the number was changed to 3, expected record 4")],
        ),
        (
            lambda lines: [*lines[:4], b"90" + lines[4][1:], *lines[5:]],
            [(5, "the number was changed to 90, expected record 4")],
        ),
        (
            lambda lines: [*lines[:2], *lines[5:7], *lines[8:]],
            [
                (3, "record 5, expected record 2: 2 to 4 missing"),
                (5, "record 8, expected record 7: 7 missing"),
            ],
        ),
        (
            lambda lines: [*lines[:2], lines[9], *lines[2:9], *lines[10:]],
            [(3, "record 9, expected record 2: 2 to 8 missing")]
            + [(line, f"record {line - 2} once more, expected record 10") for line in range(4, 11)],
        ),
        (lambda lines: lines[:8], [(9, "cut off, expected record 8 to 9")]),
        (lambda lines: lines[:9], [(10, "cut off, expected record 9")]),
        (lambda lines: [*lines[:9], b"?\n"], [(10, "no record, expected record 9")]),
    ],
)
def test_what_is_told(
    change: Callable[[list[bytes]], list[bytes]], findings: list[tuple[int, str]]
) -> None:
    told = judged(b"".join(change(LINES))).findings
    assert [(one.line, one.what) for one in told] == findings


def test_a_chain_value_that_was_changed_is_one_finding() -> None:
    line = LINES[4]
    changed = line[:-65] + hashlib.sha256(b"").hexdigest().encode() + b"\n"
    [finding] = judged(OCTETS.replace(line, changed)).findings
    expected = line[-65:-1].decode()
    assert finding.line == 5
    assert finding.what.endswith(f"expected {expected}")


# The header, the heads, the end.


@pytest.mark.parametrize(
    "line",
    [
        header_line(NAME.replace("0", "1"), PUBLIC),
        header_line(NAME, OTHER.public_key().public_bytes_raw()),
        LINES[0].replace(b" 1 ", b" 2 "),
        b"\xff\xfe\n",
        b"\n",
    ],
)
def test_the_header_is_the_file_s(line: bytes) -> None:
    [finding] = judged(b"".join([line, *LINES[1:]])).findings
    expected = LINES[0].decode().rstrip("\n")
    assert finding == Finding(1, f"not the header of this file, expected `{expected}`")


@pytest.mark.parametrize("octets", [b"", LINES[0][:-1]])
def test_a_file_whose_head_is_known_has_a_header(octets: bytes) -> None:
    _, heads = written(0, 0)
    assert judged(octets, heads).findings == (Finding(1, "cut off, expected the header"),)


def test_records_without_any_head_are_nobody_s() -> None:
    finding = first(OCTETS, [])
    assert finding == Finding(2, "expected the end of the file: no head of it is known")
    other = b"".join([b"?\n", *LINES[1:]])
    told = f"not the header of this file, expected `starwire-audit 1 NAME {PUBLIC.hex()}`"
    assert first(other, []) == Finding(1, told)


def test_a_head_of_another_hand_is_found_and_answers_for_nothing() -> None:
    verdict = judged(OCTETS, [HEADS[0].head.signed(OTHER)])
    assert verdict.findings == (Finding(10, "the head of record 9 is not signed by this key"),)
    assert verdict.signed == 0


@given(st.integers(0, 63), st.integers(1, 255))
def test_any_change_of_a_signature_is_found(offset: int, change: int) -> None:
    signature = bytearray(HEADS[0].signature)
    signature[offset] ^= change
    told = first(OCTETS, [SignedHead(HEADS[0].head, bytes(signature))])
    assert told.what == "the head of record 9 is not signed by this key"


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(65)])
def test_a_signature_that_is_none_is_found(signature: bytes) -> None:
    assert "not signed" in first(OCTETS, [SignedHead(HEADS[0].head, signature)]).what


def test_the_octets_of_a_head_are_held_to_the_file() -> None:
    chain = Chain(NAME, PUBLIC)
    add(chain, 1)
    head = chain.head()
    wrong = type(head)(head.chain, head.sequence, head.digest, head.octets + 1, final=False)
    ends = len(LINES[0]) + len(LINES[1])
    told = f"it ends at octet {ends}, expected {ends + 1}"
    assert first(LINES[0] + LINES[1], [wrong.signed(KEY)]) == Finding(2, told)


@pytest.mark.parametrize("more", [LINES[10], LINES[10][:-1], b"x"])
def test_nothing_comes_behind_the_end_that_was_signed(more: bytes) -> None:
    lines, heads = written(SIGNED, SIGNED, final=True)
    told = "expected the end of the file behind record 9"
    assert first(b"".join(lines) + more, heads) == Finding(11, told)


# Limits.


def test_a_line_that_is_too_long_is_found_in_pieces() -> None:
    lines = [*LINES[:3], b"x" * LONGEST_LINE, b"x" * 9 + b"\n", *LINES[3:]]
    assert verify(lines, HEADS, PUBLIC).findings[0] == Finding(
        4, f"a line of more than {LONGEST_LINE} octets"
    )


def test_what_is_all_wrong_is_told_in_part() -> None:
    verdict = judged(b"".join([LINES[0], *[b"?\n"] * (MOST_FINDINGS + 50)]))
    assert len(verdict.findings) == MOST_FINDINGS
    # Each line, and the records that are not there.
    assert verdict.untold == 50


# The octets, made by hand.


def test_a_record_octet_for_octet() -> None:
    chain = Chain("t-1", bytes(32))
    assert chain.header == b"starwire-audit 1 t-1 " + b"00" * 32 + b"\n"
    told = chain.record(904034960000000, "rm", "3f2a1c-7", 42, "jean vnet%", b"abc", None)
    text = (
        b"1 904034960000000 rm 3f2a1c-7 42 jean%20vnet%25 "
        b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad -"
    )
    first_value = hashlib.sha256(chain.header[:-1]).digest()
    value = hashlib.sha256(first_value + text).hexdigest()
    assert told == text + b" " + value.encode() + b"\n"
    octets = len(chain.header) + len(told)
    assert chain.head(final=True).text() == (
        f"starwire-audit-head 1 t-1 1 {value} {octets} 1".encode()
    )


@pytest.mark.parametrize(
    ("user", "word"),
    [("", b"-"), ("-", b"%2D"), ("a-b", b"a-b"), ("\xff\n", b"%FF%0A"), ("~!", b"~!")],
)
def test_a_user_is_one_word(user: str, word: bytes) -> None:
    line = Chain(NAME, PUBLIC).record(1, "rm", "t", None, user, b"", b"")
    assert line.split(b" ")[4:6] == [b"-", word]


def test_the_example_of_the_documentation_is_good() -> None:
    """Read with nothing but SHA-256 and Ed25519, as whoever implements it from there would."""
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    found = re.search(r"```audit\n(.*?)```", text, re.DOTALL)
    assert found is not None
    *lines, head, signature = found[1].splitlines()
    header, *records = lines
    value = hashlib.sha256(header.encode()).digest()
    for number, line in enumerate(records, 1):
        record, _, told = line.rpartition(" ")
        value = hashlib.sha256(value + record.encode()).digest()
        assert (record.split(" ")[0], told) == (str(number), value.hex())
    octets = sum(len(line) + 1 for line in lines)
    chain, public = header.split(" ")[2:]
    assert head == f"starwire-audit-head 1 {chain} {len(records)} {value.hex()} {octets} 1"
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    assert key.public_key().public_bytes_raw().hex() == public
    key.public_key().verify(bytes.fromhex(signature), head.encode())
