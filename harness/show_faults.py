"""What `starwire faults` prints."""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from .emulator import rule_faults


def show(name: str, as_json: bool) -> str | None:
    """The faults of that name or glob, of none those that are written by hand; None for none."""
    found = [
        fault
        for fault in rule_faults()
        if (fnmatchcase(fault.name, name) if name else not fault.generated)
    ]
    if not found:
        return None
    if as_json:
        told = [
            {"name": fault.name, "rules": fault.rules, "sentence": fault.sentence}
            for fault in found
        ]
        return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
    widths = [max(len(one) for one in column) for column in zip(*map(_columns, found), strict=True)]
    return "\n".join(
        f"{first:{widths[0]}}  {second:{widths[1]}}  {third}"
        for first, second, third in map(_columns, found)
    )


def _columns(fault: object) -> tuple[str, str, str]:
    name, rules, sentence = (getattr(fault, part) for part in ("name", "rules", "sentence"))
    return name, " ".join(rules), sentence
