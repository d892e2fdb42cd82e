"""Hostile messages: the time to judge one grows with its length and no faster (SYN-11)."""

from __future__ import annotations

import gc
import tomllib
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from starwire.grammar import Limits
from starwire.protocol.catalogue import catalogue
from starwire.protocol.validation import Refusal, validate

BASE: Any = tomllib.loads((Path(__file__).parent / "base_messages.toml").read_text("utf-8"))
ARD, ADD, METADATA = BASE["ARD"], BASE["ADD"], BASE["METADATA"]


def filled(start: str, piece: str, end: str, size: int) -> bytes:
    return (start + piece * ((size - len(start) - len(end)) // len(piece)) + end).encode("latin-1")


HOSTILE = {
    "unknown fields": ("GRTL<", "A=1,", ">", "rm", 6610),
    "one field, over and over": (
        "GRTL<PRODUCT=V",
        ",PRODUCT=V",
        ",DATATYPE=R,DATACAT=P,IO=O>",
        "rm",
        6103,
    ),
    "commas in a text": (ARD.partition("City")[0], ",,,", ARD.partition("City")[2], "rm", 6103),
    "members of a list": (ARD.partition("54~55")[0], "5~", ARD.partition("54~55")[2], "rm", 0),
    "levels of a hierarchy": (
        ARD.partition("<NA,NA>")[0],
        "<1,2>",
        ARD.partition("<NA,NA>")[2],
        *("rm", 0),
    ),
    "rows of a hierarchy": (
        ARD.partition("INBOUND")[0],
        "OUT<<1,2>>",
        ARD.partition("<NA,NA><NA,NA>>")[2],
        *("rm", 0),
    ),
    "ranges": (
        ARD.partition("START=")[0],
        "START=199806020000,END=199807151200,",
        ARD.partition("END=")[1] + ARD.partition("END=")[2],
        *("rm", 6602),
    ),
    "keys in groups": (ARD.partition("54~55")[0], "<A=1>", ARD.partition("54~55")[2], "rm", 6610),
    "digits of an id": ("GRTD<REPORTID=", "9", ">", "rm", 6107),
    "digits of a size": (
        ADD.partition("3705")[0],
        "9",
        ADD.partition("3705")[2],
        "inbox-native",
        5160,
    ),
    "blanks": ("GRTL<PRODUCT=", " ", "V,DATATYPE=R,DATACAT=P,IO=O>", "rm", 0),
    "an acronym": ("", "A", "<", "rm", 6612),
    "a name of a pick list": ("GPL<", "PL_LANG,", "PL_LANG>", "rm", 6103),
    "metadata columns": (
        METADATA.partition("METACOLUMN")[0],
        "METACOLUMN=<>,",
        "A=1>>",
        "rm-native",
        6610,
    ),
}


def seconds(octets: bytes, door: str, code: int) -> float:
    direction: Any = "response" if octets[:1] == b"<" else "request"
    gc.collect()
    gc.disable()  # Its work grows with what the other tests left behind.
    found, start = 0, process_time()
    try:
        validate(
            octets,
            door,
            catalogue=catalogue(),
            limits=Limits(marks=1 << 20),
            facts=BASE["ODS"],
            direction=direction,
        )
    except Refusal as refused:
        found = refused.code
    finally:
        taken = process_time() - start
        gc.enable()
    assert found == code
    return taken


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_length_and_no_faster(name: str) -> None:
    """SYN-11. A quadratic judgement would take 256 times as long for 16 times the octets."""
    start, piece, end, door, code = HOSTILE[name]
    short, long = (filled(start, piece, end, size) for size in (16_384, 262_144))
    fast = min(seconds(short, door, code) for _ in range(3))
    slow = min(seconds(long, door, code) for _ in range(2))
    assert slow < 64 * max(fast, 0.002)
