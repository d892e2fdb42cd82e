"""What a connection of which nothing is known carries, told from its first octets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, TypeVar

from starwire.protocol.profile import TARGETS
from starwire.protocol.recording import Sender

from .learning import Line
from .packets import packet_library

Kind: TypeAlias = Literal["common", "dispatcher", "web", "tls", "sealed", "native", "silent"]
T = TypeVar("T")

_HTTP = re.compile(rb"[A-Z]{3,7} [!-~]+ HTTP/1\.[01]\r?\n")
_TLS = re.compile(rb"\x16\x03[\x00-\x04]")
_NATIVE = re.compile(rb"[\r\n\0 |]*(?:[A-Z]{1,4}|METADATA)<")
_TARGET = re.compile(b"(?:" + "|".join(TARGETS).encode() + b")[ \x00-\x03]")
_TARGET_WITHIN = 24
"""Octets: version and length have at most 16 in front of the target."""
_GREETING, _LENGTH, _TAG = 32, 4, 16
"""Octets of what each side of a sealed link sends first, of a record's length, and of its tag."""
_CERTAIN = 4
"""Records in a row that are no accident."""


def sides(client: T, server: T) -> list[tuple[Sender, T]]:
    """The two sides of a connection, each with what is its."""
    return [("client", client), ("server", server)]


def kind_of(line: Line) -> Kind:
    """What the connection carries; a common header where nothing speaks for anything else."""
    if not line.client:
        return "silent"
    if _HTTP.match(line.client):
        return "web"
    if _TLS.match(line.client):
        return "tls"
    if _NATIVE.match(line.client):
        return "native"
    sealed = [_is_sealed(octets, line.is_cut) for octets in (line.client, line.server) if octets]
    if all(sealed):
        return "sealed"
    if _TARGET.search(line.client, 2, _TARGET_WITHIN + 1):
        return "dispatcher"
    return "common"


def _is_sealed(octets: bytes, is_cut: bool) -> bool:
    """Whether records follow the greeting of a sealed link to the end of what was said (ENC-01)."""
    at, records = _GREETING, 0
    while at + _LENGTH <= len(octets):
        length = int.from_bytes(octets[at : at + _LENGTH], "big")
        if length <= _TAG:
            return False
        at += _LENGTH + length
        records += at <= len(octets)
    return records > 0 and (at == len(octets) or (is_cut and records >= _CERTAIN))


def bodies_of(line: Line) -> list[tuple[Sender, bytes]]:
    """The bodies of the POSTs and of the responses with status 200 of an HTTP connection, as far as
    they are whole. Raises NothingLearned if what reads HTTP is not installed.
    """
    dpkt = packet_library()
    requests = _messages(line.client, dpkt.http.Request, dpkt.UnpackError)
    replies = _messages(line.server, dpkt.http.Response, dpkt.UnpackError)
    posts = [one.body for one in requests if one.method == "POST"]
    found = [one.body for one in replies if one.status == "200"]
    return [("client", body) for body in posts] + [("server", body) for body in found]


def _messages(octets: bytes, kind: Any, error: type[Exception]) -> Iterator[Any]:
    while octets:
        try:
            message = kind(octets)
        except (error, ValueError, LookupError, TypeError, AttributeError):
            return  # not whole, or no HTTP from here on
        if len(message.data) >= len(octets):
            return
        yield message
        octets = message.data
