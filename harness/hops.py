"""Which servers a message has passed, from the lines that an emulator logs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

_LINE = re.compile(r"hop=(?P<hop>\S+) txn=(?P<txn>\S+) (?P<facts>.*)")
_FACT = re.compile(r"(\w+)=(\S+)")
_OUTER = ("web", "dispatcher")


class Passed:
    """The way of one message: found by its digest, which its last server logs, and told by the
    transaction id that the lines of all servers share.
    """

    def __init__(self, message: bytes) -> None:
        self._digest = hashlib.sha256(message).hexdigest()[:16]
        self._txn = ""
        self._hops: list[str] = []
        self._facts: dict[str, str] = {}

    def all_in(self, lines: Sequence[str]) -> bool:
        """Whether the lines hold the whole way: up to the web server's, which is written last, or
        that of a native port, which has no other.
        """
        found = [line for line in map(_LINE.fullmatch, lines) if line]
        for line in found:
            facts = dict(_FACT.findall(line["facts"]))
            if facts.get("digest") == self._digest:
                self._txn, self._facts = line["txn"], facts
        hops = [line["hop"] for line in found if line["txn"] == self._txn]
        self._hops = sorted(hops, key=lambda hop: _OUTER.index(hop) if hop in _OUTER else 2)
        return "web" in hops or any(hop.endswith("-native") for hop in hops)

    def __str__(self) -> str:
        if not self._hops:
            return "no server has logged it"
        facts = (f"{key} {self._facts[key]}" for key in ("serial", "digest") if key in self._facts)
        return f"{' > '.join(self._hops)}, {', '.join(facts)}, id {self._txn}"
