"""`starwire profile learn`: captures in, a profile and its evidence out."""

from __future__ import annotations

import msgspec

from starwire.protocol.profile import load_profile

from .captures import Captured
from .learning import Line, Proposal, profile_text, propose, report_lines
from .learning.writing import as_plain
from .rereading import reread, told

_ROUNDS = 2
_MOST_WANTED = 64
"""How often, and how many connections, are looked at again because the rest of a capture showed
what the part did not that the profile was learned from."""


def learned(
    captured: Captured, name: str, *, as_json: bool, with_text: bool
) -> tuple[str, list[str]]:
    """The text of the profile, and what to print. Raises NothingLearned."""
    proposal, text = _proposed(captured, captured.lines(), name)
    found = reread(captured.pieces(), captured.hop, load_profile(text))
    for _ in range(_ROUNDS):
        wanted = set(sorted(found.odd | set(found.unread))[:_MOST_WANTED])
        if not wanted:
            break
        again = _proposed(captured, captured.lines(wanted), name)
        if _layouts(again[0]) == _layouts(proposal):
            break
        proposal, text = again
        found = reread(captured.pieces(), captured.hop, load_profile(text))
    proposal.notes = [*told(found), *proposal.notes]
    proposal.left = []
    if as_json:
        plain = as_plain(proposal, load_profile(text)) | {"toml": text}
        return text, [msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()]
    return text, [*report_lines(proposal), *(["", text.rstrip("\n")] if with_text else [])]


def _layouts(proposal: Proposal) -> list[tuple[str, str, int, str]]:
    return [
        (header, field.name, field.width, field.variant)
        for header, fields in proposal.headers.items()
        for field in fields
    ]


def _proposed(captured: Captured, lines: list[Line], name: str) -> tuple[Proposal, str]:
    proposal = propose(lines, captured.notes)
    return proposal, profile_text(proposal, name)
