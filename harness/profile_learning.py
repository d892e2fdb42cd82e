"""`starwire profile learn`: captures in, a profile and its evidence out."""

from __future__ import annotations

import msgspec

from starwire.protocol.profile import load_profile

from .captures import Captured
from .learning import profile_text, propose, report_lines
from .learning.writing import as_plain


def learned(
    captured: Captured, name: str, *, as_json: bool, with_text: bool
) -> tuple[str, list[str]]:
    """The text of the profile, and what to print. Raises NothingLearned."""
    proposal = propose(captured.lines(), captured.notes)
    text = profile_text(proposal, name)
    if as_json:
        plain = as_plain(proposal, load_profile(text)) | {"toml": text}
        return text, [msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()]
    return text, [*report_lines(proposal), *(["", text.rstrip("\n")] if with_text else [])]
