"""Where an implementation is, as the command line names it: `https://host:port/nmci` and kin."""

from __future__ import annotations

import re
from typing import Literal, cast
from urllib.parse import urlsplit

import msgspec

from starwire.protocol.endpoints import DEFAULT_PORTS

Kind = Literal["https", "http", "dispatcher", "proxy", "native"]
KINDS = ("https", "http", "dispatcher", "proxy", "native")
_DEFAULT = {"https": DEFAULT_PORTS["web"], "http": 80, "dispatcher": DEFAULT_PORTS["dispatcher"]}
_SHAPE = re.compile(r"(?P<kind>[a-z]+)://(?P<rest>.+)")


class TargetError(ValueError):
    """A TARGET that names no place; the text says what would."""


class Target(msgspec.Struct, frozen=True):
    """A seat of the wire: `kind` says which protocol is spoken there."""

    kind: Kind
    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}{self.path}"


def parse_target(text: str, *, web_path: str = "/nmci") -> Target:
    """The place that `text` names. Raises TargetError.

    Without a port https and dispatcher mean starwire's own default ports; without a path https
    means the profile's.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None or shape["kind"] not in KINDS:
        raise TargetError(f"{text!r}: a target is {'://.. or '.join(KINDS)}://HOST:PORT")
    kind = cast(Kind, shape["kind"])
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or _DEFAULT.get(kind)
    except ValueError as error:
        raise TargetError(f"{text!r}: {error}") from None
    if not host or port is None:
        raise TargetError(f"{text!r}: give host and port, {kind}://HOST:PORT")
    web = kind in ("https", "http")
    if not web and parts.path not in ("", "/"):
        raise TargetError(f"{text!r}: only https and http targets have a path")
    path = (parts.path if parts.path not in ("", "/") else web_path) if web else ""
    return Target(kind, host, port, path)
