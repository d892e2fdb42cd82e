"""`starwire send`: one transaction, shown to a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import click

from starwire.grammar import MetadataError
from starwire.protocol.packing import HeaderError
from starwire.protocol.profile import Profile
from starwire.protocol.status import Status

from .client import Client, ClientError
from .display import header_line, message_lines, reply_lines
from .envelopes import Reply
from .target import TargetError

_DONE, _REFUSED = 0, 1


def transact(
    message: bytes,
    *,
    target: str,
    proxy: str,
    user: str | None,
    password: str | None,
    logon: str | None,
    type: int,
    out: str | None,
    ca: str | None,
    insecure: bool,
    seconds: float,
    trace: bool,
    profile: Profile,
    cannot: Callable[[str], NoReturn],
) -> int:
    """Do it and print the response; gives the exit status."""

    def client(place: str) -> Client:
        return Client(place, profile=profile, ca=ca, insecure=insecure, seconds=seconds)

    try:
        with client(target) as to:
            if user is not None:
                _log_on(to, client, logon, user, password or "", cannot)
            reply = to.send(message, proxy=proxy, type=type)
            sent = to.sent
    except (ClientError, TargetError, HeaderError) as error:
        cannot(str(error))
    if trace:
        for line in _traced(sent, message, reply, profile):
            click.echo(line, err=True)
    _write(reply, out, cannot)
    return _judge(reply)


def _log_on(
    to: Client,
    client: Callable[[str], Client],
    logon: str | None,
    user: str,
    password: str,
    cannot: Callable[[str], NoReturn],
) -> None:
    if logon is not None:
        with client(logon) as web:
            to.session = web.logon(user, password)
    elif to.target.kind in ("https", "http"):
        to.logon(user, password)
    else:
        cannot(f"{to.target} takes no logon: say where with --logon https://HOST:PORT/nmci")


def _traced(sent: bytes, message: bytes, reply: Reply, profile: Profile) -> Iterator[str]:
    yield f"> {len(sent)} octets"
    if len(sent) > len(message):
        for line in _request_headers(sent, reply, profile):
            yield f"> {line}"
    for line in message_lines(message):
        yield f"> {line}"
    yield f"< {len(reply.octets)} octets"
    for line in reply_lines(reply):
        yield f"< {line}"


def _request_headers(sent: bytes, reply: Reply, profile: Profile) -> Iterator[str]:
    """The request's headers: of the same kinds as the reply's, in the same places."""
    offset = 0
    for header in reply.headers:
        codec = next(
            codec
            for codec in (profile.wire.web, profile.wire.dispatcher, profile.wire.common)
            if codec.kind is type(header)
        )
        yield header_line(codec.decode(sent, offset))
        offset += codec.size


def _write(reply: Reply, out: str | None, cannot: Callable[[str], NoReturn]) -> None:
    if out is not None:
        try:
            Path(out).write_bytes(reply.data)
        except OSError as error:
            cannot(f"{out}: {error.strerror}")
    elif reply.data:
        click.echo(reply.data)


def _judge(reply: Reply) -> int:
    """0 if nothing was refused; the reason goes to standard error where no message says it."""
    if reply.status not in (None, Status.OK, Status.APPLICATION_ERROR):
        word = Status(reply.status).name if reply.status in tuple(Status) else "UNKNOWN"
        click.echo(f"starwire: status {reply.status}, {word.lower().replace('_', ' ')}", err=True)
        return _REFUSED
    try:
        return _DONE if reply.message()["ERROR"].value.scalar == "0" else _REFUSED
    except (MetadataError, KeyError):
        return _DONE if reply.status in (None, Status.OK) else _REFUSED
