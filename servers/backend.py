"""What every back end is: a plain class that answers messages from the state store.

A back end knows no network and no thread. Its caller begins a transaction, hands over the message,
and ends the transaction; whether it must be one that writes, `reads_only` tells from the acronym.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from starwire.grammar import Limits
from starwire.protocol.catalogue import Catalogue
from starwire.protocol.validation import Facts, Refusal, Request, validate

from .customer import Customer

CONNECTION_FAILED = {"RM": 6105, "INBOX": 5105}
COMMAND_FAILED = {"RM": 6106, "INBOX": 5106}
"""What a failure of the database is called, by the family of codes."""
_FAILED_AT = {
    "database": CONNECTION_FAILED,
    "connection": {"RM": 6110, "INBOX": 5105},
    "command": COMMAND_FAILED,
    "procedure": {"RM": 6111, "INBOX": 5106},
    "cursor": {"RM": 6112, "INBOX": 5107},
}
"""And where it says in which place: a fault that is switched on does (ERR-04)."""

_OK = 0


class BackEndAnswer(msgspec.Struct, frozen=True):
    """The response to one message."""

    error: int
    """The value of its ERROR."""
    octets: bytes
    """The response message."""
    file: str | None = None
    """The path of a file whose octets follow the message, the reply to F (CAT-06)."""
    size: int = 0
    """How many octets of `file` follow: the FSIZE of the message."""


class BackEndFailure(Exception):
    """The database failed. The transaction must be rolled back; `octets` is the response."""

    def __init__(self, code: int, octets: bytes, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.octets = octets


class BackEnd(Protocol):
    """A server behind a proxy or a native port."""

    @property
    def doors(self) -> tuple[str, ...]:
        """The doors whose messages it answers."""

    @property
    def of_reference(self) -> frozenset[str]:
        """The acronyms whose answers follow from the octets and the reference tables alone.

        Neither who asks, nor when, nor what customers did has a part in them, so they may be kept
        until these tables change."""

    @property
    def slow(self) -> frozenset[str]:
        """The acronyms that read, and take so long that no other read should wait for them."""

    def answer(
        self, connection: Connection, octets: bytes, door: str, customer: Customer | None
    ) -> BackEndAnswer:
        """Answer one message within the transaction of `connection`.

        `customer` is the session's, None on a native port, whose peers act for anybody (HDR-08).
        Bad input is answered; nothing of a message answered with an error stays in the
        transaction, save what a rule says. Raises BackEndFailure only.
        """


def acronym_of(octets: bytes) -> str | None:
    """What stands before the first bracket; None where there is no bracket."""
    name, bracket, _ = octets.partition(b"<")
    return name.strip(b" \t\r\n").decode("latin-1") if bracket else None


def reads_only(octets: bytes, catalogue: Catalogue) -> bool:
    """Whether a transaction that cannot write is enough for the message `octets`.

    It is for what the catalogue marks as read; VUM keeps its count by itself.
    """
    acronym = acronym_of(octets)
    return acronym is None or acronym in catalogue.reads


Values: TypeAlias = Mapping[str, Any]
"""Parameters of a response, as `protocol.messages` takes them."""


class Refused(Exception):
    """A message that steps 1 to 6 let pass fails at step 7 or 8; nothing of it is kept."""

    def __init__(self, code: int, values: Values | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.values = values or {}


class Outcome(msgspec.Struct, frozen=True):
    """A message that was carried out. The few codes that are no refusal come here too."""

    values: Values = {}
    error: int = _OK
    file: str | None = None
    size: int = 0


Act: TypeAlias = Callable[[Connection, Request, Customer | None], Outcome]


class Reception:
    """What the back ends have in common: validation before, the response behind (ERR-03)."""

    def __init__(self, catalogue: Catalogue, limits: Limits, entpid_length: int) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self._entpid_length = entpid_length

    def answer(
        self,
        connection: Connection,
        octets: bytes,
        door: str,
        customer: Customer | None,
        act: Act,
        facts: Facts | None = None,
    ) -> BackEndAnswer:
        """Validate, let `act` do steps 7 and 8, and put its outcome into the response."""
        try:
            request = validate(
                octets,
                door,
                catalogue=self._catalogue,
                limits=self._limits,
                entpid_length=self._entpid_length,
                facts=facts or {},
            )
        except Refusal as refusal:
            return BackEndAnswer(refusal.code, refusal.reply)
        try:
            outcome = _carry_out(act, connection, request, customer)
        except Refused as refused:
            return BackEndAnswer(refused.code, request.refuse(refused.code, refused.values))
        except DBAPIError as error:
            codes = CONNECTION_FAILED if error.connection_invalidated else COMMAND_FAILED
            code = failed_at(error, codes)[request.spec.family]
            raise BackEndFailure(code, request.refuse(code), str(error.orig)) from error
        if outcome.error:
            return BackEndAnswer(outcome.error, request.refuse(outcome.error, outcome.values))
        return BackEndAnswer(_OK, request.reply(outcome.values), outcome.file, outcome.size)


def failed_at(error: SQLAlchemyError, otherwise: Mapping[str, int]) -> Mapping[str, int]:
    """The codes, by family, of a failure that says where it was; else the others."""
    return _FAILED_AT.get(getattr(getattr(error, "orig", None), "stage", ""), otherwise)


def _carry_out(
    act: Act, connection: Connection, request: Request, customer: Customer | None
) -> Outcome:
    if request.spec.read:
        return act(connection, request, customer)
    # A savepoint, so that the caller may commit what a refused message leaves: nothing.
    with connection.begin_nested():
        return act(connection, request, customer)
