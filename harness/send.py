"""`starwire send`: one transaction, shown to a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from starwire.grammar import MetadataError
from starwire.protocol.profile import Profile
from starwire.protocol.status import Status

from .client import Client
from .display import reply_lines, sent_lines, shown
from .envelopes import Reply
from .failures import ClientError
from .show_codes import meaning
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
                if password is None:
                    cannot("--user needs --password, or STARWIRE_PASSWORD in the environment")
                _log_on(to, client, logon, user, password, cannot)
            elif logon is not None:
                cannot("--logon needs --user and --password")
            try:
                reply = to.send(message, proxy=proxy, type=type)
            finally:
                if trace:
                    _trace(to)
    except (ClientError, TargetError) as error:
        cannot(str(error))
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
    elif to.target.is_web:
        to.logon(user, password)
    else:
        cannot(f"{to.target} takes no logon: say where with --logon https://HOST:PORT/nmci")


def _trace(to: Client) -> None:
    """What was sent and what came back, as far as it got."""
    if to.sent:
        click.echo(f"> {len(to.sent)} octets to {to.target}", err=True)
        for line in sent_lines(to.sent, to.layers, to.profile.limits):
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
        known = reply.status in tuple(Status)
        word = Status(reply.status).name.lower().replace("_", " ") if known else "unknown"
        return _refused(f"status {reply.status}, {word}")
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
