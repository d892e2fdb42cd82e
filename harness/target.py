"""Where an implementation is, as the command line names it: `https://host:port/nmci` and kin."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal, cast

import msgspec

from starwire.protocol.endpoints import DEFAULT_PORTS

Kind = Literal["https", "http", "dispatcher", "proxy", "native"]
KINDS = ("https", "http", "dispatcher", "proxy", "native")
_DEFAULT = {"https": DEFAULT_PORTS["web"], "http": 80, "dispatcher": DEFAULT_PORTS["dispatcher"]}
_SHAPE = re.compile(
    r"(?P<kind>[a-z]+)://(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/?#@\[\]]+))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/.*)?"
)
_PATH = re.compile(r"/[!\"$-~]*")


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

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine, by its name or address alone."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_web(self) -> bool:
        """Whether a web server stands there, which takes logons."""
        return self.kind in ("https", "http")


def parse_target(text: str, *, web_path: str = "/nmci") -> Target:
    """The place that `text` names. Raises TargetError.

    Without a port https and dispatcher mean starwire's own default ports; without a path https
    means the profile's.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None or shape["kind"] not in KINDS:
        kinds = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise TargetError(f"{text!r} is no target: give {kinds}, then ://HOST:PORT")
    kind = cast(Kind, shape["kind"])
    host, path = _host(text, shape["address"], shape["host"]), shape["path"] or ""
    port = int(shape["port"]) if shape["port"] else _DEFAULT.get(kind)
    if port is None:
        raise TargetError(f"{text!r}: give a port, {kind}://HOST:PORT")
    if not 0 < port < 65_536:
        raise TargetError(f"{text!r}: a port is a number from 1 to 65535")
    if kind not in ("https", "http"):
        if path not in ("", "/"):
            raise TargetError(f"{text!r}: only https and http targets have a path")
        return Target(kind, host, port)
    if path and not _PATH.fullmatch(path):
        raise TargetError(f"{text!r}: a path has no blanks, no # and ASCII letters only")
    return Target(kind, host, port, path if path not in ("", "/") else web_path)


def _host(text: str, address: str | None, name: str | None) -> str:
    try:
        if address is not None:
            return str(ipaddress.IPv6Address(address))
        assert name is not None
        name.encode("idna")
    except ValueError:
        raise TargetError(f"{text!r}: {address or name} is no host") from None
    return name.lower()
