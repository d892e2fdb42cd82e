"""Faults, switched on and off."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import UNSET, Struct, UnsetType

from starwire.servers.fault import Fault
from starwire.servers.fault_plan import FaultPlan

from .routing import Added, Asked, Problem, route


class FaultShown(Struct, frozen=True):
    """A fault that is switched on, and how often it struck."""

    id: int
    hits: int
    fault: Fault


class FaultList(Struct, frozen=True):
    """The faults that are switched on, and the seed of what is random in them."""

    seed: int
    faults: list[FaultShown]


class ClearFaults(Struct, frozen=True, forbid_unknown_fields=True):
    """The seed from now on; without one it stays."""

    seed: int | UnsetType = UNSET


class FaultDesk:
    """The fault plan of this process."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan

    @route("GET", "/faults", result=FaultList)
    async def list_faults(self, asked: Asked) -> FaultList:
        """The faults that are switched on, in the order in which they were."""
        listed = self._plan.listing()
        shown = [FaultShown(number, hits, fault) for number, fault, hits in listed]
        return FaultList(self._plan.seed, shown)

    @route(
        "POST",
        "/faults",
        body=Fault,
        result=Added,
        status=HTTPStatus.CREATED,
        example={"kind": "delay", "hop": "rm", "message": "GRTL", "seconds": 0.5, "nth": 2},
    )
    async def add_fault(self, asked: Asked) -> Added:
        """Switch a fault on."""
        return Added(self._plan.add(asked.body))

    @route("DELETE", "/faults", query=ClearFaults, status=HTTPStatus.NO_CONTENT)
    async def clear_faults(self, asked: Asked) -> None:
        """Switch all off, forget the log, count from 1 again; with `seed`, from that seed."""
        seed = asked.query.seed
        self._plan.clear(None if seed is UNSET else seed)

    @route("GET", "/faults/log", result=list[str])
    async def fault_log(self, asked: Asked) -> list[str]:
        """What was done, a line each: the same lines for the same seed and traffic."""
        return self._plan.log

    @route("GET", "/faults/<int:id>", result=FaultShown, others={404: None})
    async def show_fault(self, asked: Asked) -> FaultShown:
        """One fault."""
        for number, fault, hits in self._plan.listing():
            if number == asked.path["id"]:
                return FaultShown(number, hits, fault)
        raise _unknown()

    @route("DELETE", "/faults/<int:id>", status=HTTPStatus.NO_CONTENT, others={404: None})
    async def remove_fault(self, asked: Asked) -> None:
        """Switch one off; what it did stays in the log."""
        if not self._plan.remove(asked.path["id"]):
            raise _unknown()


def _unknown() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "no fault of that number is switched on", "id")
