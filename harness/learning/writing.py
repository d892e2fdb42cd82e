"""A proposal as a profile's TOML, and told to people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from starwire.protocol.layout import size_of
from starwire.protocol.profile import Profile, ProfileError, load_profile, shipped

from .fields import TEXTS
from .proposing import NAMES, Alternative, Found, Proposal
from .traffic import NothingLearned

_WORDS = {
    "big": "network order",
    "little": "little-endian",
    "nul": "NUL filled",
    "blank": "blank filled",
    "": "",
}
_DIGEST = 32
_DECIDES = {
    "version": "frames of more octets than the narrower length holds, or of another version",
    "length": "frames of more octets than the narrower length holds",
    "echo": "echoes (HDR-05)",
    "type": "frames of type 1, 2 and 3",
    "serial": "serials that need every octet of the field, as those of a system that is long up",
    "status": "replies with a status that is not 0, best one above 255",
    "target": "frames to every target",
    "user_id": "requests of users whose names differ in length",
    "enterprise_id": "requests of several customers",
    "session_key": "requests with and without a session key",
    "transaction": "a logon, a transaction and a logoff",
    "operation": "transfers that are opened, resumed and cancelled",
    "transfer": "several transfers",
    "offset": "transfers of many frames",
    "total": "transfers of more octets than the narrower field holds",
}
"""What a capture must hold to tell the layouts of a field apart."""


def profile_text(proposal: Proposal, name: str) -> str:
    """The profile, its evidence as comments: what was captured, laid over `default`. Raises
    NothingLearned if the parts do not make a profile.
    """
    head = ['extends = "default"', f"name = {msgspec.json.encode(name).decode()}"]
    head.append(f'byte_order = "{proposal.byte_order}"')
    if proposal.version is not None:
        head.append(f"version = {proposal.version}")
    tables = list(_tables(proposal))
    text = "\n".join([*head, *_limits(proposal), *tables]) + "\n"
    try:
        load_profile(text)
    except ProfileError as error:
        raise NothingLearned(
            f"what was learned is no profile: {error}; capture more of the header, or one hop at a"
            " time (--hop)"
        ) from None
    return text


def _limits(proposal: Proposal) -> Iterator[str]:
    """The sizes of frames, where a length field cannot hold those of `default`."""
    default = shipped("default")
    most = max(default.frame_octets, proposal.longest)
    widths = [_field(fields, "length") for fields in proposal.headers.values()]
    most = min([most, *((1 << 8 * field.width) - 1 for field in widths if field)])
    if most != default.frame_octets:
        yield f"frame_octets = {most}"
    bulk = min(most, default.bulk_frame_octets)
    if bulk != default.bulk_frame_octets:
        yield f"bulk_frame_octets = {bulk}"
    room = bulk - _most_headers(proposal)
    if room < default.bulk_chunk:
        yield f"bulk_chunk = {max(_DIGEST, room)}"
    enterprise = _field(proposal.headers.get("dispatcher", ()), "enterprise_id")
    if enterprise and enterprise.width < default.entpid_length:
        yield f"entpid_length = {enterprise.width}"


def _most_headers(proposal: Proposal) -> int:
    """The octets of all headers in front of a payload."""
    default = shipped("default")
    sizes = {name: size_of(getattr(default, name)) for name in NAMES}
    sizes |= {name: sum(one.width for one in found) for name, found in proposal.headers.items()}
    return max(sizes["common"], sizes["dispatcher"]) + sizes["bulk"]


def _field(fields: tuple[Found, ...], name: str) -> Found | None:
    return next((field for field in fields if field.name == name), None)


def _tables(proposal: Proposal) -> Iterator[str]:
    key = next(
        (found for fields in proposal.headers.values() if (found := _field(fields, "session_key"))),
        None,
    )
    for header in NAMES:
        fields = proposal.headers.get(header)
        if fields is not None:
            yield f"\n# {proposal.frames[header]} frames were seen."
            yield f"[{header}]"
            for field in fields:
                yield f"{_setting(field, proposal.byte_order)}  # {field.words}"
        elif key is not None and header != "bulk":
            yield "\n# Not captured; its session key is as wide as that of the others."
            yield f"[{header}]"
            yield f"session_key = {{ width = {key.width} }}"


def _setting(field: Found, order: str) -> str:
    own = ""
    if field.name in TEXTS:
        own = f', pad = "{field.variant}"'
    elif field.variant and field.variant != order:
        own = f', order = "{field.variant}"'
    return f"{field.name} = {{ width = {field.width}{own} }}"


def report_lines(proposal: Proposal) -> Iterator[str]:
    """The evidence of each field, what is ambiguous, and what else is to be known."""
    for header, fields in proposal.headers.items():
        size = sum(field.width for field in fields)
        yield f"{header} header: {size} octets, {proposal.frames[header]} frames"
        for field in fields:
            against = f"; {field.wrong} of {field.of} speak against it" if field.wrong else ""
            yield f"  {field.name:<14}{_place(field)}: {field.words}{against}"
    for header, fields in proposal.headers.items():
        yield from _ambiguities(header, fields)
    yield from (f"note: {note}" for note in (*proposal.notes, *proposal.left))


def _place(field: Found | Alternative) -> str:
    plural = "" if field.width == 1 else "s"
    words = _WORDS[field.variant]
    return f"{field.width} octet{plural}{' ' if words else ''}{words} at {field.start}"


def _ambiguities(header: str, fields: tuple[Found, ...]) -> Iterator[str]:
    for field in fields:
        others = [one for one in field.alternatives if not one.unlikely]
        if others:
            usual = getattr(getattr(shipped("default"), header), field.name).width
            why = "as `default` has it" if usual == field.width else "as the likelier"
            yield (
                f"ambiguous: {header}.{field.name}: {_place(field)} was chosen, {why}; no frame"
                f" speaks against {', or '.join(_differences(field, others))}."
                f" What would decide: {_DECIDES[field.name]}"
            )


def _differences(field: Found, others: list[Alternative]) -> Iterator[str]:
    """What of the chosen place might be otherwise."""
    widths = {one.width for one in others} - {field.width}
    if widths:
        yield f"{_ranges(widths)} octet{'' if widths == {1} else 's'}"
    starts = {one.start for one in others if one.width == field.width} - {field.start}
    if starts:
        yield f"its place at {_ranges(starts)}"
    variants = {one.variant for one in others if one.width == field.width} - {field.variant}
    yield from (_WORDS[one] for one in sorted(variants))


def _ranges(numbers: set[int]) -> str:
    """Numbers in words, those that follow each other as one range."""
    ordered = sorted(numbers)
    firsts = [one for one in ordered if one - 1 not in numbers]
    lasts = [one for one in ordered if one + 1 not in numbers]
    pairs = zip(firsts, lasts, strict=True)
    return ", ".join(f"{first} to {last}" if last > first else f"{first}" for first, last in pairs)


def as_plain(proposal: Proposal, profile: Profile) -> dict[str, Any]:
    """The proposal for programs."""
    headers = {
        header: [
            {
                "field": field.name,
                **_plain(field),
                "against": field.wrong,
                "frames": field.of,
                "evidence": field.words,
                "alternatives": [
                    {**_plain(one), "unlikely": one.unlikely} for one in field.alternatives
                ],
            }
            for field in fields
        ]
        for header, fields in proposal.headers.items()
    }
    return {
        "profile": profile.name,
        "version": profile.version,
        "byte_order": profile.byte_order,
        "headers": headers,
        "frames": proposal.frames,
        "notes": [*proposal.notes, *proposal.left],
    }


def _plain(field: Found | Alternative) -> dict[str, Any]:
    plain: dict[str, Any] = {"at": field.start, "width": field.width}
    if field.variant:
        plain["pad" if field.variant in ("nul", "blank") else "order"] = field.variant
    return plain
