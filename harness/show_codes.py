"""`starwire codes`: Appendix E, listed or explained."""

from __future__ import annotations

import msgspec

from starwire.protocol.codes import Code, codes

_SERVERS = {"RM": "Report Manager", "INBOX": "Inbox"}


def show(number: int | None, as_json: bool) -> str | None:
    """All codes, or those of that number (0 is both proxies'); None if there is none."""
    chosen = [code for code in codes() if number is None or code.code == number]
    if not chosen:
        return None
    if as_json:
        return msgspec.json.format(msgspec.json.encode(chosen), indent=2).decode()
    if number is None:
        return "\n".join(
            f"{code.code:>4}  {_SERVERS[code.proxy]:<14}  {code.text}" for code in chosen
        )
    return "\n\n".join(map(_explained, chosen))


def _explained(code: Code) -> str:
    return f"{code.code}, {_SERVERS[code.proxy]}: {code.text}\n  given when: {code.trigger}"
