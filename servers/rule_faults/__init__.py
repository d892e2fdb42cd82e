"""Every rule of docs/protocol.md that the emulator keeps, broken on purpose, one fault at a time.

They prove that a conformance suite finds what it says it looks for. A fault is switched on for the
whole process, before the emulator is made: `with switched_on("serial-not-repeated"): ...`, or
`starwire serve --break serial-not-repeated`. Each module holds those of some rules; the faults of
the catalogue's rows and of the codes are generated, and found by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from . import (
    bulk_runs,
    dispatching,
    frames,
    items,
    judging,
    messages,
    notices,
    replies,
    reports,
    sealing,
    sessions,
    syntax,
    transports,
    web,
)
from .fault import RULE_FAULTS, RuleFault
from .generated import generated_faults
from .works import works

__all__ = ["MODULES", "RULE_FAULTS", "RuleFault", "all_faults", "rule_fault", "switched_on"]

MODULES = (
    frames,
    replies,
    dispatching,
    transports,
    bulk_runs,
    web,
    sessions,
    syntax,
    messages,
    judging,
    reports,
    items,
    notices,
    sealing,
)
"""Those whose faults are written by hand."""


def rule_fault(name: str) -> RuleFault:
    """The fault of that name, one of the generated included; KeyError if there is none."""
    return RULE_FAULTS.get(name) or generated_faults()[name]


def all_faults() -> tuple[RuleFault, ...]:
    """Every fault, those that are written by hand first."""
    return (*RULE_FAULTS.values(), *generated_faults().values())


@contextmanager
def switched_on(*names: str) -> Iterator[None]:
    """Break those rules in the emulators that are made meanwhile; KeyError for no such fault.

    An emulator that was made while a fault was on must be used while it is on.
    """
    faults = [rule_fault(name) for name in names]
    with works() as shop:
        for fault in faults:
            fault.breaks(shop)
        yield
