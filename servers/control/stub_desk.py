"""Stubs, listed, added, removed, and tried without a request."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from starwire.grammar import BuildError
from starwire.servers.stub import Stub, StubbedHop, Text
from starwire.servers.stubs import Kept, Mismatch, Stubs, mismatches

from .routing import Added, Asked, Problem, route


class StubShown(Struct, frozen=True):
    """A stub, and what came of it."""

    id: int
    described: int
    """How many requests were as it describes."""
    used: int
    """How many of them it answered or delayed: it was its turn."""
    stub: Stub


class ExplainQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A request that nobody sends."""

    hop: StubbedHop
    message: Text
    """The data behind the header."""
    user: Text | UnsetType = UNSET
    """Without one, whom the message names."""
    serial: Annotated[int, Meta(ge=0, le=2**63 - 1)] | UnsetType = UNSET
    type: Annotated[int, Meta(ge=0, le=255)] | UnsetType = UNSET


class Explained(Struct, frozen=True):
    """What a stub says to a request."""

    id: int
    describes: bool
    """Whether all its conditions hold."""
    its_turn: bool
    """Whether its nth or first would let it answer now."""
    fails: list[Mismatch]
    """The conditions that do not hold."""


class Explanation(Struct, frozen=True):
    """Which stub would answer, and why the others would not; the nearest first."""

    answers: int | None
    """The id of the stub; None for none: the server answers."""
    stubs: list[Explained]


class StubDesk:
    """The stubs of this process."""

    def __init__(self, stubs: Stubs) -> None:
        self._stubs = stubs

    @route("GET", "/stubs", result=list[StubShown])
    async def list_stubs(self, asked: Asked) -> list[StubShown]:
        """The stubs in use, in the order in which they are tried."""
        return [_shown(kept) for kept in self._stubs.listing()]

    @route("GET", "/stubs/unused", result=list[StubShown])
    async def list_unused_stubs(self, asked: Asked) -> list[StubShown]:
        """The stubs that no request has met so far."""
        return [_shown(kept) for kept in self._stubs.listing() if not kept.used]

    @route(
        "POST",
        "/stubs",
        body=Stub,
        result=Added,
        status=HTTPStatus.CREATED,
        example={
            "acronym": "GRTL",
            "parameters": {"PRODUCT": "T"},
            "first": 2,
            "reply": {"acronym": "SRTL", "fields": {"ERROR": "6109"}},
        },
    )
    async def add_stub(self, asked: Asked) -> Added:
        """Answer requests that are as described with this reply, from now on."""
        try:
            return Added(self._stubs.add(asked.body))
        except BuildError as error:
            where = f"reply.fields.{error.parameter}"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.reason, where) from None
        except ValueError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), "reply") from None

    @route("DELETE", "/stubs", status=HTTPStatus.NO_CONTENT)
    async def clear_stubs(self, asked: Asked) -> None:
        """Remove all."""
        self._stubs.clear()

    @route(
        "POST",
        "/stubs/explain",
        body=ExplainQuery,
        result=Explanation,
        example={"hop": "rm", "message": "GRTL<PRODUCT=V>", "user": "dorod"},
    )
    async def explain(self, asked: Asked) -> Explanation:
        """Which stub would answer a request, and which conditions of the others fail.

        Nothing is counted.
        """
        query: ExplainQuery = asked.body
        question = self._stubs.question(query.hop, query.message.encode("latin-1"))
        question.type = None if query.type is UNSET else query.type
        question.serial = None if query.serial is UNSET else query.serial
        question.user = question.value("USERID") or "" if query.user is UNSET else query.user
        told = []
        for kept in self._stubs.listing():
            fails = list(mismatches(kept.stub, question))
            its_turn = kept.stub.is_its_turn(kept.described + 1)
            told.append(Explained(kept.number, not fails, its_turn, fails))
        answers = next((one.id for one in told if one.describes and one.its_turn), None)
        told.sort(key=lambda one: len(one.fails))
        return Explanation(answers, told)

    @route("GET", "/stubs/<int:id>", result=StubShown, others={404: None})
    async def show_stub(self, asked: Asked) -> StubShown:
        """One stub."""
        kept = self._stubs.find(asked.path["id"])
        if kept is None:
            raise _unknown()
        return _shown(kept)

    @route("DELETE", "/stubs/<int:id>", status=HTTPStatus.NO_CONTENT, others={404: None})
    async def remove_stub(self, asked: Asked) -> None:
        """Remove one."""
        if not self._stubs.remove(asked.path["id"]):
            raise _unknown()


def _shown(kept: Kept) -> StubShown:
    return StubShown(kept.number, kept.described, kept.used, kept.stub)


def _unknown() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "there is no stub of that number", "id")
