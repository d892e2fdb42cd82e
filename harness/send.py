"""`starwire send`: one transaction, shown to a person."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from starwire.grammar import MetadataError
from starwire.protocol.bulk import Cancelled, Ended
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile
from starwire.protocol.sealing import LinkKeys
from starwire.protocol.status import MessageType, Status

from .bulk import Transfer, TransferLost
from .client import Client
from .display import reply_lines, sent_lines, shown
from .envelopes import Reply
from .failures import ClientError, status_words
from .send_bulk import fetch
from .show_codes import meaning
from .target import TargetError

_DONE, _REFUSED = 0, 1
_FIRST_PAUSE = 0.02


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
    link_keys: LinkKeys | None,
    seconds: float,
    trace: bool,
    profile: Profile,
    cannot: Callable[[str], NoReturn],
) -> int:
    """Do it and print the response; gives the exit status."""

    def client(place: str) -> Client:
        return Client(
            place,
            profile=profile,
            ca=ca,
            insecure=insecure,
            seconds=seconds,
            link_keys=link_keys,
        )

    try:
        with client(target) as to:
            if user is not None:
                if password is None:
                    cannot("--user needs --password, or STARWIRE_PASSWORD in the environment")
                _log_on(to, client, logon, user, password, cannot)
            elif logon is not None:
                cannot("--logon needs --user and --password")
            if type == MessageType.BULK:
                return _transfer(to, message, proxy, out, trace, cannot)
            reply = _send(to, message, proxy, type, trace)
            if type == MessageType.REQUEST and reply.status == Status.ACCEPTED:
                reply = _poll(to, reply.data, proxy, seconds, trace)
    except (ClientError, TargetError) as error:
        cannot(str(error))
    _write(reply, out, cannot)
    return _judge(reply)


def _send(to: Client, message: bytes, proxy: str, type: int, trace: bool) -> Reply:
    try:
        return to.send(message, proxy=proxy, type=type)
    finally:
        if trace:
            _trace(to)


def _transfer(
    to: Client,
    message: bytes,
    proxy: str,
    out: str | None,
    trace: bool,
    cannot: Callable[[str], NoReturn],
) -> int:
    """A bulk transfer: 0 if the whole came and is what was sent."""

    def say(run: Transfer) -> None:
        to.received = run.received
        if trace:
            _trace(to, to.profile.wire.bulk)

    try:
        end = fetch(to, message, proxy=proxy, out=out, say=say, cannot=cannot)
    except TransferLost as lost:
        if lost.worthless:
            cannot(f"{lost}; nothing of it is kept")
        again = "; the same command goes on from there" if out is not None else ""
        cannot(f"{lost}, at octet {lost.offset}{again}")
    if isinstance(end, Ended):
        return _DONE
    if isinstance(end, Cancelled):
        return _refused("the transfer was cancelled; the same command goes on with it")
    if end.status != Status.APPLICATION_ERROR:
        return _refused(status_words(end.status))
    click.echo(end.data)
    return _judge(Reply(end.data, end.data, end.status))


def _poll(to: Client, identifier: bytes, proxy: str, seconds: float, trace: bool) -> Reply:
    """Ask for up to `seconds` until there is a result (TRN-02), ever less often."""
    until, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        reply = _send(to, identifier, proxy, MessageType.POLL, trace)
        if reply.status != Status.IN_PROGRESS or time.monotonic() + pause > until:
            return reply
        time.sleep(pause)
        pause = min(2 * pause, 1.0)


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
    elif to.target.is_web:
        to.logon(user, password)
    else:
        cannot(f"{to.target} takes no logon: say where with --logon https://HOST:PORT/nmci")


def _trace(to: Client, *behind: HeaderCodec[Any]) -> None:
    """What was sent and what came back, as far as it got; `behind` the layers is a bulk header."""
    if to.sent:
        click.echo(f"> {len(to.sent)} octets to {to.target}", err=True)
        for line in sent_lines(to.sent, (*to.layers, *behind), to.profile.limits):
            click.echo(f"> {line}", err=True)
    if to.received is not None:
        click.echo(f"< {len(to.received.octets)} octets", err=True)
        for line in reply_lines(to.received):
            click.echo(f"< {line}", err=True)


def _write(reply: Reply, out: str | None, cannot: Callable[[str], NoReturn]) -> None:
    if out is not None:
        try:
            Path(out).write_bytes(reply.data)
        except OSError as error:
            cannot(f"{out}: {error.strerror}")
    elif reply.data:
        click.echo(reply.data)


def _judge(reply: Reply) -> int:
    """0 if nothing was refused, else why on standard error."""
    if reply.status not in (None, Status.OK, Status.APPLICATION_ERROR):
        return _refused(status_words(reply.status))
    try:
        error = reply.message().body.fields.get("ERROR")
    except MetadataError as wrong:
        return _refused(f"the response is no message: {wrong}")
    code = error.value.scalar if error else "0"
    if code != "0":
        return _refused(f"{shown(code)}, {meaning(code)}" if code else "ERROR has no value")
    if reply.status == Status.APPLICATION_ERROR:
        return _refused(f"status {reply.status}, though ERROR is 0")
    return _DONE


def _refused(reason: str) -> int:
    click.echo(f"refused: {reason}", err=True)
    return _REFUSED
