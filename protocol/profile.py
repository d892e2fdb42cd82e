"""The wire profile: every value of the binary layers that is a choice, from a TOML file (HDR-10).

`shipped("default")` and `shipped("little")` come with the program. A file of one's own names the
shipped one that it `extends` and gives what differs; its tables are laid over that one's, key by
key. What a key means stands beside it in `profiles/default.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from starwire.grammar import Limits

from .headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader, Wire
from .layout import (
    BulkLayout,
    ByteOrder,
    CommonLayout,
    DispatcherLayout,
    WebLayout,
    size_of,
)
from .once import once
from .packing import HeaderCodec

SHIPPED = ("default", "little")
"""The profiles that come with the program."""

TARGETS = ("STAROE", "RM", "RS", "INBOX", "ODS", "TVS")
"""What a dispatcher header may be addressed to (DSP-02)."""

_OVERLAY = ("messages", "parameters")
_SHORTEST_KEY = 8
"""A key has 4 random bits for each octet (WEB-03): below 32 bits it is guessed."""
_DIGEST = 32
"""The payload of a bulk end frame (TRN-03)."""
_YEAR = 366 * 86_400
_DEEPEST = 1000
_PATH = re.compile(r"/[!\"$-;=@-~]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+):(?P<port>[0-9]{1,5})")


class ProfileError(ValueError):
    """A profile that cannot be used, with the key at fault ("" if the text is no TOML)."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}" if key else reason)
        self.key = key
        self.reason = reason


class Profile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """One wire. Complete and checked: raises ProfileError when it is made from what cannot be."""

    name: str
    version: int
    byte_order: ByteOrder
    frame_octets: int
    bulk_frame_octets: int
    bulk_chunk: int
    idle_seconds: float
    mid_frame_seconds: float
    reply_seconds: float
    ping_seconds: float
    web_path: str
    cookie: str
    multiplex: bool
    allow_plain_http: bool
    allow_old_tls: bool
    entpid_length: int
    limits: Limits
    common: CommonLayout
    dispatcher: DispatcherLayout
    web: WebLayout
    bulk: BulkLayout
    registry: dict[str, tuple[str, ...]]
    """Target to addresses, each `host:port`; `split_address` takes one apart. A target that is not
    here is where the running process serves it."""
    overlay: dict[str, Any]
    """Plain tables for the catalogue, as they stand in the file."""

    def __post_init__(self) -> None:
        for key, reason in _faults(self):
            raise ProfileError(key, reason)

    @cached_property
    def wire(self) -> Wire:
        """The codecs of the headers, compiled when first asked for."""
        order = self.byte_order
        return Wire(
            common=HeaderCodec("common", CommonHeader, self.common, order),
            dispatcher=HeaderCodec("dispatcher", DispatcherHeader, self.dispatcher, order),
            web=HeaderCodec("web", WebHeader, self.web, order),
            bulk=HeaderCodec("bulk", BulkHeader, self.bulk, order),
        )


def load_profile(text: str) -> Profile:
    """The profile that the TOML `text` describes. Raises ProfileError, which names the key."""
    return profile_of_tables(_tables(text))


def profile_of_tables(tables: dict[str, Any]) -> Profile:
    """The profile of tables as `load_profile` finds them in a text. Raises ProfileError."""
    return _profile(_complete(tables))


@once
def shipped(name: str) -> Profile:
    """A profile that comes with the program, one of SHIPPED."""
    return _profile(_shipped_tables(name, "name"))


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`; an IPv6 host stands in brackets, and comes without them.
    ValueError for anything else.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 1 <= int(found["port"]) <= 65_535:
        raise ValueError(f"{address!r} is not host:port")
    return found["host"].strip("[]"), int(found["port"])


def _tables(text: str) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ProfileError("", f"not TOML: {error}") from None


def _complete(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables laid over those that they extend. The name is never taken over."""
    if "extends" not in tables:
        return tables
    base = _shipped_tables(tables["extends"], "extends")
    return _laid_over(
        {key: value for key, value in base.items() if key != "name"},
        {key: value for key, value in tables.items() if key != "extends"},
    )


def _shipped_tables(name: object, key: str) -> dict[str, Any]:
    if name not in SHIPPED:
        raise ProfileError(key, f"must be one of {', '.join(SHIPPED)}")
    text = (files(__package__) / "profiles" / f"{name}.toml").read_text("utf-8")
    return _complete(_tables(text))


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _laid_over(old, value)
        merged[key] = value
    return merged


T = TypeVar("T")


def _profile(tables: dict[str, Any]) -> Profile:
    registry = tables.get("registry")
    if isinstance(registry, dict):
        # One target at a time, since msgspec does not tell the key of a table's value.
        addresses = {
            target: _converted(listed, tuple[str, ...], f"registry.{target}")
            for target, listed in registry.items()
        }
        tables = tables | {"registry": addresses}
    return _converted(tables, Profile, "")


def _converted(value: object, kind: type[T], key: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise translated(str(error), key) from None


_REPORT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<key>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_EXPECTED = re.compile(r"Expected `(.*)`, got `(.*)`")
_OWN = re.compile(r"(?P<key>[\w.\[\]]+): (?P<reason>.*)", re.DOTALL)
_KINDS = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "object": "a table",
    "array": "an array",
}
_CHOICES = {"pad": '"nul" or "blank"', "order": '"big" or "little"'}


def translated(report: str, prefix: str) -> ProfileError:
    """The error that names the key, from what msgspec reports about the value at `prefix`."""
    found = _REPORT.fullmatch(report)
    assert found is not None
    what, last = found["what"], ""
    if unknown := _UNKNOWN.fullmatch(what):
        last, reason = unknown[1], "no such key"
    elif missing := _MISSING.fullmatch(what):
        last, reason = missing[1], "missing"
    elif expected := _EXPECTED.fullmatch(what):
        reason = f"must be {_KINDS[expected[1].partition(' | ')[0]]}"
    elif own := _OWN.fullmatch(what):
        last, reason = own["key"], own["reason"]
    else:
        place = found["key"] or ""
        choices = [f"must be {words}" for end, words in _CHOICES.items() if place.endswith(end)]
        reason = choices[0] if choices else what
    key = ".".join(part for part in (prefix, found["key"], last) if part)
    return ProfileError(key.replace(".[", "["), reason)


def _faults(profile: Profile) -> Iterator[tuple[str, str]]:
    """What is wrong with the values, each alone and together: key and reason."""
    yield from _number_faults(profile)
    yield from _text_faults(profile)
    yield from _width_faults(profile)
    yield from _size_faults(profile)


def _number_faults(profile: Profile) -> Iterator[tuple[str, str]]:
    for key in ("idle_seconds", "mid_frame_seconds", "reply_seconds", "ping_seconds"):
        if not 0 < getattr(profile, key) <= _YEAR:
            yield key, f"must be above 0, and {_YEAR} at most"
    if not 1 <= profile.limits.nesting <= _DEEPEST:
        yield "limits.nesting", f"must be 1 to {_DEEPEST}"
    least = {
        "limits.octets": profile.limits.octets,
        "limits.marks": profile.limits.marks,
        "bulk_chunk": profile.bulk_chunk,
        "entpid_length": profile.entpid_length,
    }
    for key, value in least.items():
        if value < 1:
            yield key, "must be 1 or more"


def _text_faults(profile: Profile) -> Iterator[tuple[str, str]]:
    if not profile.name:
        yield "name", "must not be empty"
    if not _PATH.fullmatch(profile.web_path):
        yield "web_path", "must be a path that begins with /, without query or fragment"
    if not _TOKEN.fullmatch(profile.cookie):
        yield "cookie", "must be a cookie name: letters, digits, and !#$%&'*+-.^_`|~"
    for target, addresses in profile.registry.items():
        if target not in TARGETS:
            yield f"registry.{target}", f"no such target; there are {', '.join(TARGETS)}"
        if not addresses:
            yield f"registry.{target}", "must be one or more host:port"
        for place, address in enumerate(addresses):
            if not _is_address(address):
                yield f"registry.{target}[{place}]", f"{address!r} is not host:port"
    for key, tables in profile.overlay.items():
        if key not in _OVERLAY:
            yield f"overlay.{key}", "no such key"
        if not isinstance(tables, dict | list):
            yield f"overlay.{key}", "must be a table, or an array of tables"


def _is_address(address: str) -> bool:
    try:
        split_address(address)
    except ValueError:
        return False
    return True


def _width_faults(profile: Profile) -> Iterator[tuple[str, str]]:
    common, dispatcher = profile.common, profile.dispatcher
    for header, version, length in (
        ("common", common.version, common.length),
        ("dispatcher", dispatcher.version, dispatcher.length),
    ):
        if not 0 <= profile.version <= version.greatest:
            yield "version", f"does not fit {header}.version, {version.width} octets"
        if length.greatest < profile.frame_octets:
            yield f"{header}.length.width", f"too narrow for frame_octets, {profile.frame_octets}"
    key = common.session_key.width
    if key < _SHORTEST_KEY:
        yield (
            "common.session_key.width",
            f"must be {_SHORTEST_KEY} or more: shorter keys are guessed",
        )
    if dispatcher.session_key.width != key:
        yield "dispatcher.session_key.width", f"must be that of common.session_key, {key}"
    if profile.web.session_key.width != key:
        yield "web.session_key.width", f"must be that of common.session_key, {key}"
    longest = max(TARGETS, key=len)
    if dispatcher.target.width < len(longest):
        yield "dispatcher.target.width", f"too narrow for {longest}"
    if dispatcher.enterprise_id.width < profile.entpid_length:
        reason = f"too narrow for entpid_length, {profile.entpid_length}"
        yield "dispatcher.enterprise_id.width", reason
    if profile.bulk.offset.width < profile.bulk.total.width:
        yield "bulk.offset.width", "must not be below bulk.total's: an end's offset is the total"


def _size_faults(profile: Profile) -> Iterator[tuple[str, str]]:
    if profile.bulk_frame_octets > profile.frame_octets:
        yield "bulk_frame_octets", f"must not be over frame_octets, {profile.frame_octets}"
    payload = max(profile.bulk_chunk, _DIGEST)
    headers = max(size_of(profile.common), size_of(profile.dispatcher)) + size_of(profile.bulk)
    if headers + payload > profile.bulk_frame_octets:
        yield (
            "bulk_chunk",
            (
                f"{payload} payload octets behind {headers} of headers are over bulk_frame_octets, "
                f"{profile.bulk_frame_octets}"
            ),
        )
