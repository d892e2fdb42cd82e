"""How names and blanks of the wire compare (SYN-06).

Text is `str` with one character for each octet (ISO 8859-1). The methods of `str` know more blanks
and more letters than the wire does (NBSP, 0x85, ß), so nothing here or above uses them bare.
"""

from functools import lru_cache

BLANKS = " \t\r\n"
"""SYN-06: what is stripped from both ends of keys, acronyms and values."""

_UPPER = {ordered: ordered - 32 for ordered in range(ord("a"), ord("z") + 1)}
_LONGEST_CACHED = 64
"""A peer chooses the names, so the cache keeps only short ones: it is bounded in octets too."""


def strip(text: str) -> str:
    """`text` without the blanks of SYN-06 at either end."""
    return text.strip(BLANKS)


def fold(name: str) -> str:
    """The form in which two names compare: stripped, ASCII letters upper-cased (SYN-06)."""
    return _fold_cached(name) if len(name) <= _LONGEST_CACHED else _fold(name)


def _fold(name: str) -> str:
    return name.strip(BLANKS).translate(_UPPER)


_fold_cached = lru_cache(maxsize=4096)(_fold)
