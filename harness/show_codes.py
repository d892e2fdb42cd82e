"""`starwire codes`: Appendix E, listed or explained."""

from __future__ import annotations

import msgspec

from starwire.protocol.codes import Code, Proxy, codes

SERVERS: dict[Proxy, str] = {"RM": "Report Manager", "INBOX": "Inbox"}
"""Whose list a code stands in, in words."""


def show(number: int | None, as_json: bool) -> str | None:
    """All codes, or those of that number (0 is both proxies'); None if there is none."""
    chosen = [code for code in codes() if number is None or code.code == number]
    if not chosen:
        return None
    if as_json:
        return msgspec.json.format(msgspec.json.encode(chosen), indent=2).decode()
    if number is None:
        return "\n".join(
            f"{code.code:>4}  {SERVERS[code.proxy]:<14}  {code.text}" for code in chosen
        )
    return "\n\n".join(map(_explained, chosen))


def _explained(code: Code) -> str:
    return f"{code.code}, {SERVERS[code.proxy]}: {code.text}\n  given when: {code.trigger}"


def meaning(error: str) -> str:
    """What the ERROR of an answer means, whatever it holds."""
    return next((code.text for code in codes() if str(code.code) == error), "no code of Appendix E")
