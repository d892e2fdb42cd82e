"""Rules between the parameters of a message, by the names that the tables use (ERR-03, step 6).

A check is a function of what was read and its line in the table. It returns None, or why the
message is refused; the table says for whom and with which code. A check that has a condition is
asked only while it holds.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from starwire.grammar import fold

if TYPE_CHECKING:
    from .catalogue.reading import Reading
    from .catalogue.specification import CheckSpec

__all__ = ["CHECKS", "Check"]

Judge: TypeAlias = "Callable[[Reading, CheckSpec], str | None]"


class Check(NamedTuple):
    """A function, and of how many parameters it must be told."""

    judge: Judge
    takes: int


def _never(reading: "Reading", spec: "CheckSpec") -> str | None:
    """The condition alone is the mistake."""
    return spec.note


def _zip_name(reading: "Reading", spec: "CheckSpec") -> str | None:
    """The first is 1 exactly where the second, a file name, ends in _zip."""
    flag, name = (reading.scalar(one) for one in spec.of)
    return spec.note if (flag == "1") != fold(name).endswith("_ZIP") else None


def _address(reading: "Reading", spec: "CheckSpec") -> str | None:
    """An e-mail address, if there is one, has an @."""
    address = reading.scalar(spec.of[0])
    return spec.note if address and "@" not in address else None


CHECKS: dict[str, Check] = {
    "never": Check(_never, 0),
    "zip_name": Check(_zip_name, 2),
    "address": Check(_address, 1),
}
"""Every check by the name that the tables use."""
