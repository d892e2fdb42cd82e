"""The error codes of Appendix E: what each means and what provokes it.

The codes are data, in ``codes.toml``. The Report Manager's are used by the Report Scheduler,
StarOE and the cookie jar too; only the Inbox has codes of its own (ERR-01). Code 0 stands in both
lists, so a code alone names one row, or for 0 two.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Literal

import msgspec

from .once import once

__all__ = ["Code", "Proxy", "Reach", "codes", "text_of"]

Proxy = Literal["RM", "INBOX"]
Reach = Literal["success", "message", "state", "fault"]


class Code(msgspec.Struct, frozen=True):
    """One code: the proxy whose list it stands in, its meaning, and what provokes it.

    ``reach`` says what a tester needs to see it: a good request, the octets of one message, some
    stored state, or a fault that the control API switches on.
    """

    code: int
    proxy: Proxy
    text: str
    trigger: str
    reach: Reach


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: int
    reach: Reach
    text: str
    trigger: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    report_manager: tuple[_Row, ...]
    inbox: tuple[_Row, ...]


def _rows(proxy: Proxy, rows: tuple[_Row, ...]) -> Iterator[Code]:
    for row in rows:
        yield Code(row.code, proxy, row.text, row.trigger, row.reach)


@once
def codes() -> tuple[Code, ...]:
    """Every code, the Report Manager's first, each list in the order of the appendix."""
    data = files(__package__).joinpath("codes.toml").read_bytes()
    table = msgspec.toml.decode(data, type=_File)
    return (*_rows("RM", table.report_manager), *_rows("INBOX", table.inbox))


@once
def _texts() -> dict[int, str]:
    return {row.code: row.text for row in codes()}


def text_of(code: int) -> str:
    """The meaning of a code, or a sentence that says it is none of Appendix E."""
    return _texts().get(code, f"{code} is no code of Appendix E")
