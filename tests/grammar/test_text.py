"""SYN-06: blank means blank, TAB, CR, LF; only ASCII letters are upper-cased."""

import pytest

from starwire.grammar import BLANKS, fold, strip
from starwire.grammar.text import _fold_cached

NOT_BLANK = [chr(octet) for octet in range(256) if chr(octet) not in " \t\r\n"]


def test_the_four_blanks():
    assert set(BLANKS) == {" ", "\t", "\r", "\n"}
    assert strip(" \t\r\n a b \r\n\t ") == "a b"
    assert strip(" \t\r\n") == ""


@pytest.mark.parametrize("letter", NOT_BLANK, ids=[f"{ord(one):02x}" for one in NOT_BLANK])
def test_no_other_octet_is_stripped(letter):
    assert strip(f" {letter} ") == letter


def test_a_name_is_stripped_and_its_ascii_letters_upper_cased():
    assert fold("\r\nReport_Level ") == "REPORT_LEVEL"
    assert fold("data cat") == "DATA CAT"


def test_only_the_26_letters_change():
    for octet in range(256):
        letter = chr(octet)
        if letter in BLANKS:
            continue
        expected = chr(octet - 32) if "a" <= letter <= "z" else letter
        assert fold(letter) == expected, hex(octet)


def test_long_names_fold_alike_and_are_not_kept():
    """A peer chooses the names: what is kept of them is bounded in octets too."""
    before = _fold_cached.cache_info().currsize
    assert fold("a" * 65) == "A" * 65
    assert fold(" " + "b" * 100_000) == "B" * 100_000
    assert _fold_cached.cache_info().currsize == before
    assert fold("q" * 64) == "Q" * 64
    assert _fold_cached.cache_info().currsize == before + 1
    assert _fold_cached.cache_info().maxsize is not None
