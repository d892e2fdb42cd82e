"""Octets out of a file: raw, or dumped as `xxd` and `hexdump -C` write them."""

from __future__ import annotations

import re
from pathlib import Path

from .learning import NothingLearned

_XXD = re.compile(rb"([0-9a-fA-F]{4,16}): ([0-9a-fA-F]{2,16}(?: [0-9a-fA-F]{2,16})*)(?: .*)?")
_HEXDUMP = re.compile(rb"([0-9a-fA-F]{4,16})  ((?:[0-9a-fA-F]{2} {1,2}){1,16}) *\|.*\|")
_END = re.compile(rb"[0-9a-fA-F]{4,16}")


def octets_of_file(path: str) -> bytes:
    """The octets that the file holds or shows. Raises NothingLearned."""
    try:
        octets = Path(path).read_bytes()
    except OSError as error:
        raise NothingLearned(f"{path}: {error.strerror}") from None
    lines = octets.split(b"\n")
    for form in (_XXD, _HEXDUMP):
        if form.fullmatch(lines[0].rstrip(b"\r")):
            return _dumped(path, form, lines)
    return octets


def _dumped(path: str, form: re.Pattern[bytes], lines: list[bytes]) -> bytes:
    """Each line must go on where the one before it ended."""
    found = bytearray()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or _END.fullmatch(text):
            continue
        dumped = form.fullmatch(text)
        if dumped is None or int(dumped[1], 16) != len(found):
            raise NothingLearned(
                f"{path}: line {number} does not go on at octet {len(found)}; dump every line"
                " (`hexdump -v -C`, `xxd`)"
            )
        found += bytes.fromhex(dumped[2].decode("ascii"))
    return bytes(found)
