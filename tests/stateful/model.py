"""What each client may see: the things that requests are about, and what is certain of them.

A change whose reply was lost may have happened or not; once somebody has seen which, it stays. What
may be answered to a request follows from that, and nothing else may.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from stateful.facts import User

from starwire.protocol.status import Status

CODES_OF_TROUBLE = frozenset({6101, 6105, 6106, 6110, 6111, 6112, 5104, 5105, 5106, 5107})
"""What may be said of a message while something is broken behind the proxies."""
_ERROR = re.compile(rb"ERROR=(\d+)")
_ROW = re.compile(r"<([^<>,=]+),(\d+),([01]),R,[^<>,]*>")
_ADDED = re.compile(rb"ARDA<ERROR=0,USERRPTID=(\d+)>")


class Violation(AssertionError):
    """A client saw what it may not see."""


def hold(is_right: object, said: str) -> None:
    """Raise Violation unless it is right."""
    if not is_right:
        raise Violation(said)


class Report:
    """A report of a user: whether it is there, its id, whether it is active."""

    def __init__(self, user: User, name: str) -> None:
        self.user = user
        self.name = name
        self.number = ""
        self.is_sure = False
        """Whether it was added for certain."""
        self.is_gone = False
        """Whether it was deleted for certain, or never added."""
        self.deletions: set[Deleting] = set()
        """Those that may have deleted it."""
        self.deleted_by: Deleting | None = None
        """The one that was told so."""
        self.active = {"0"}
        """What ACTIVE may be."""
        self.switching: list[Switching] = []

    @property
    def must_be_there(self) -> bool:
        return self.is_sure and not self.is_gone and not self.deletions

    def added(self, number: str) -> None:
        hold(self.number in ("", number), f"{self.name!r} has ids {self.number} and {number}")
        self.number = number
        self.is_sure = True

    def is_quiet(self) -> None:
        """Nothing is under way any more: what is seen from now on stays."""
        self.switching.clear()

    def observed(self, is_there: bool, active: str = "") -> None:
        """What was seen when nothing was under way."""
        self.is_gone = not is_there
        self.is_sure = is_there
        if is_there:
            self.deletions.clear()
            self.active = {active}


class About(ABC):
    """What a message is about, and what may be said of it. It is carried out once at most."""

    def __init__(self, message: str | bytes) -> None:
        self.message = message.encode() if isinstance(message, str) else message

    def begins(self, world: World) -> None:
        """It is sent."""

    def answered(self, world: World, status: int, data: bytes, *, strict: bool) -> None:
        """Its response came; with `strict` nothing but the right one will do."""
        if not self.is_right(world, status, data):
            self._must_be_trouble(status, data, strict=strict)
            self.undone()

    @abstractmethod
    def is_right(self, world: World, status: int, data: bytes) -> bool:
        """Whether it is the response, all being well."""

    def undone(self) -> None:
        """It had no effect."""

    def _must_be_trouble(self, status: int, data: bytes, *, strict: bool) -> None:
        said = f"{self.message!r} was answered {status} {data[:100]!r}"
        found = _ERROR.search(data)
        hold(found and status == Status.APPLICATION_ERROR, said)
        assert found is not None
        hold(not strict and int(found[1]) in CODES_OF_TROUBLE, said)


class World:
    """The reports of all users."""

    def __init__(self) -> None:
        self.reports: dict[str, Report] = {}
        """By name; no two have the same."""
        self.owners: dict[str, Report] = {}
        """By id."""

    def new_report(self, user: User) -> Report:
        report = Report(user, f"Report {len(self.reports) + 1} of {user.name}")
        self.reports[report.name] = report
        return report

    def given(self, number: str, report: Report) -> None:
        """That is the id of that report."""
        owner = self.owners.setdefault(number, report)
        hold(owner is report, f"id {number} is that of {owner.name!r} and of {report.name!r}")
        report.added(number)


class Exact(About):
    """A message that changes nothing, and its answer is known."""

    def __init__(self, message: str | bytes, status: int, octets: bytes) -> None:
        super().__init__(message)
        self._right = (status, octets)

    def is_right(self, world: World, status: int, data: bytes) -> bool:
        return (status, data) == self._right


class Adding(About):
    """ARD."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self._report = report

    def is_right(self, world: World, status: int, data: bytes) -> bool:
        found = _ADDED.fullmatch(data)
        if status != Status.OK or found is None:
            return False
        lost = self._report.is_gone and not self._report.deletions
        hold(not lost, f"{self._report.name!r} was added, and was seen not to be there")
        world.given(found[1].decode(), self._report)
        return True

    def undone(self) -> None:
        hold(not self._report.is_sure, f"{self._report.name!r} was added, and is refused")
        self._report.is_gone = True


class Deleting(About):
    """DRD of a report whose id is known, the user's own or another's."""

    def __init__(self, message: str, report: Report, user: User) -> None:
        super().__init__(message)
        self._report = report
        self._is_own = report.user == user

    def begins(self, world: World) -> None:
        if self._is_own:
            self._report.deletions.add(self)

    def is_right(self, world: World, status: int, data: bytes) -> bool:
        report = self._report
        if (status, data) == (Status.APPLICATION_ERROR, b"DRDA<ERROR=6109>"):
            if self._is_own:
                alone = report.deletions == {self} and report.is_sure and not report.is_gone
                hold(not alone, f"{report.name!r} is there, and is not found")
                report.is_gone = True
            return True
        if (status, data) != (0, b"DRDA<ERROR=0,USERRPTID=%b>" % report.number.encode()):
            return False
        hold(self._is_own, f"{report.name!r} was deleted by another user")
        hold(report.deleted_by is None, f"{report.name!r} was deleted twice")
        report.deleted_by = self
        report.is_gone = True
        return True

    def undone(self) -> None:
        self._report.deletions.discard(self)


class Switching(About):
    """URS of a report whose id is known, the user's own or another's."""

    def __init__(self, message: str, report: Report, user: User, active: str) -> None:
        super().__init__(message)
        self._report = report
        self._is_own = report.user == user
        self._active = active
        self._alone = False

    def begins(self, world: World) -> None:
        if self._is_own:
            self._alone = not self._report.switching
            self._report.switching.append(self)
            self._before = self._report.active
            self._report.active = self._report.active | {self._active}

    def is_right(self, world: World, status: int, data: bytes) -> bool:
        report = self._report
        if (status, data) == (Status.APPLICATION_ERROR, b"URSA<ERROR=6109>"):
            hold(not (self._is_own and report.must_be_there), f"{report.name!r} is not found")
            return True
        if (status, data) != (0, b"URSA<ERROR=0,USERRPTID=%b>" % report.number.encode()):
            return False
        hold(self._is_own, f"{report.name!r} was switched by another user")
        if self._alone and report.switching == [self]:
            report.active = {self._active}
            report.switching.clear()
        return True

    def undone(self) -> None:
        if self._alone and self._report.switching == [self]:
            self._report.active = self._before
            self._report.switching.clear()


class Listing(About):
    """GURL: what must be there, what may, and nothing of anybody else."""

    def __init__(self, message: str, user: User) -> None:
        super().__init__(message)
        self._user = user
        self.is_quiet = False
        """Whether nothing is under way while it is asked and answered."""

    def begins(self, world: World) -> None:
        mine = [one for one in world.reports.values() if one.user == self._user]
        self._there = [one for one in mine if one.must_be_there]
        self._gone = {one.name for one in mine if one.is_gone}
        self._active = {one.name: one.active for one in mine}

    def is_right(self, world: World, status: int, data: bytes) -> bool:
        rows: dict[str, tuple[str, str]] = {}
        if status == 0 and data.startswith(b"SURL<ERROR=0,REPORTS=<"):
            found = _ROW.findall(data.decode("latin-1"))
            hold(found, f"no rows in {data!r}")
            rows = {name: (number, active) for name, number, active in found}
            hold(len(rows) == len(found), f"a report is listed twice in {data!r}")
        elif (status, data) != (Status.APPLICATION_ERROR, b"SURL<ERROR=6109>"):
            return False
        for name, (number, active) in rows.items():
            self._see(world, name, number, active)
        for report in self._there:
            there = report.name in rows or not report.must_be_there
            hold(there, f"{report.name!r} was acknowledged, and is not listed")
        if self.is_quiet:
            for report in world.reports.values():
                if report.user == self._user:
                    report.observed(report.name in rows, rows.get(report.name, ("", ""))[1])
        return True

    def _see(self, world: World, name: str, number: str, active: str) -> None:
        report = world.reports.get(name)
        hold(report, f"{name!r} is nobody's")
        assert report is not None
        hold(report.user == self._user, f"{self._user.name} sees {name!r}")
        hold(name not in self._gone, f"{name!r} was gone, and is listed")
        world.given(number, report)
        may = report.active | self._active.get(name, set())
        hold(active in may, f"{name!r} has ACTIVE={active}, not of {may}")


class Deferred:
    """A type 1 request that was accepted."""

    def __init__(self, number: bytes, user: User, door: str, about: About, troubles: int) -> None:
        self.number = number
        self.user = user
        self.door = door
        self.troubles = troubles
        self.is_due = False
        """Whether it must be done by now."""
        self._about = about
        self._result: tuple[int, bytes] | None = None

    def told(self, world: World, status: int, data: bytes, *, strict: bool) -> None:
        """A poll was answered with a result, which is the same for ever."""
        if self._result is None:
            self._about.answered(world, status, data, strict=strict)
            self._result = (status, data)
        same = self._result == (status, data)
        hold(same, f"{self.number!r} had the result {self._result}, and has {(status, data)}")
        self.is_due = True


class Transfer:
    """A bulk transfer: whose it is and what is sent."""

    def __init__(self, number: int, user: User, door: str, about: About, content: Any) -> None:
        self.number = number
        self.user = user
        self.door = door
        self.about = about
        self.content: bytes | None = content
        """None for a response message that nobody has whole yet."""
        self.total: int | None = None if content is None else len(content)
        self.disturbing: list[Any] = []
        """Every cancel and resume of it."""
        self._parts: dict[int, int] = {}

    def seen(self, world: World, offset: int, octets: bytes, total: int, *, strict: bool) -> None:
        """These octets stand there."""
        hold(self.total in (None, total), f"a total of {total} in place of {self.total}")
        self.total = total
        hold(octets, f"transfer {self.number}: an empty data frame")
        hold(offset + len(octets) <= total, f"{len(octets)} octets at {offset} of {total}")
        if self.content is not None:
            right = self.content[offset : offset + len(octets)]
            hold(octets == right, f"transfer {self.number}: wrong octets at {offset}")
            return
        for at, octet in enumerate(octets, offset):
            known = self._parts.setdefault(at, octet)
            hold(known == octet, f"transfer {self.number}: octet {at} has changed")
        if len(self._parts) == total:
            self.content = bytes(self._parts[at] for at in range(total))
            self.about.answered(world, 0, self.content, strict=strict)
