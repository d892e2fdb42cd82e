"""The rules without which a message cannot be read as it is meant, or what it names is not there.

A case about one mistake in a message may also fail where one of these is broken: that says nothing
about what the case proves. They are told from what stands in the message.
"""

from __future__ import annotations

import re

_SIGNS = (
    (r"[\x00\x80-\xff]", ("OCT-01", "SYN-02", "SYN-06")),
    (r"[\x01~]|\^A", ("SYN-03", "SYN-13", "CAT-05")),
    # Behind a group something else than a separator; text before one.
    (r">[^,\x01>|\s]", ("SYN-04", "SYN-05")),
    (r"=[^,\x01<>]+<", ("SYN-04",)),
    # A second `=`, a slot without a key, an empty slot.
    (r"=[^,\x01<>]*=", ("SYN-02", "SYN-05")),
    (r"[,\x01<][^=<>,\x01]*[,\x01>]", ("SYN-05", "SYN-08", "SYN-13")),
    (r"[,\x01<][^=<>,\x01]*<", ("SYN-05",)),
    (r"[ \t\r\n]", ("SYN-06", "SYN-13")),
    (r"[a-z]+=", ("SYN-06",)),
    (r"=<", ("SYN-13",)),
    (r"<\s*,|<(?=[^=]*<)", ("SYN-05", "SYN-13")),
    (r"DATA CAT|RPTTMPLID|SUBTOT.+COL|PGTXL|RPTCATEGORIES|COMP=", ("SYN-06",)),
    (r"^[^<]*$|>.|^[^<]*[,=\x01]", ("SYN-02", "SYN-09", "SYN-10")),
    (r"GPL<", ("SYN-05", "CAT-05")),
    (r"\{report\}", ("CAT-07",)),
    (r"^[^<]{5,}<|^<", ("SYN-01", "CAT-08")),
    (r"^F<", ("CAT-06",)),
    (r"UNOTIFY=[123]", ("ERR-05",)),
    (r"^CK[DGM]<", ("WEB-09",)),
    # Ids of what there is not.
    (r"USERID=nobody|=2147483647", ("HDR-11",)),
)
_TABLES = ("CAT-01", "CAT-02", "ERR-02", "ERR-03")
"""That a message is known, and judged by its table step by step."""
_COMPILED = tuple((re.compile(sign, re.DOTALL), rules) for sign, rules in _SIGNS)


def rests_on(message: str) -> tuple[str, ...]:
    """The rules, each once."""
    found = dict.fromkeys(_TABLES)
    if message.count("<") != message.count(">"):
        found["SYN-10"] = None
    for sign, rules in _COMPILED:
        if sign.search(message):
            found.update(dict.fromkeys(rules))
    return tuple(found)
