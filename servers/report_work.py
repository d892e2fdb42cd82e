"""What the Report Manager's modules have at hand for one message."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from starwire.protocol.validation import Request

from .backend import Refused
from .customer import Customer
from .files import FileRoot
from .identity import may_act
from .reference import Reference, Template
from .user_reports import UserReport, find_report

NO_RECORDS = 6109
WRONG_IDS = 6115


class Work(msgspec.Struct, frozen=True):
    """One message, and what it takes to carry it out."""

    connection: Connection
    request: Request
    customer: Customer | None
    now: float
    reference: Reference
    files: FileRoot
    servers: frozenset[str]
    """The fulfilling servers that are configured."""

    def number(self, name: str) -> int:
        """An id of the message, which its table requires."""
        return int(self.request.scalar(name))

    def check_customer(self) -> Customer:
        """The user that the message names; refuses one that it may not act for."""
        userid, entpid = self.request.scalar("USERID"), self.request.scalar("ENTPID")
        if not may_act(self.connection, self.customer, userid=userid, entpid=entpid):
            raise Refused(WRONG_IDS)
        return Customer(userid, entpid)

    def own_report(self, name: str, *, lock: bool = False) -> UserReport:
        """The user report whose id the message has in `name`.

        One that does not exist and one of another customer are refused alike.
        """
        report = find_report(self.connection, self.number(name), lock=lock)
        if report is None or not self._is_own(report):
            raise Refused(NO_RECORDS)
        return report

    def _is_own(self, report: UserReport) -> bool:
        return self.customer in (None, Customer(report.userid, report.entpid))

    def template(self, name: str) -> Template:
        """The template whose id the message has in `name`."""
        template = self.reference.templates.get(self.number(name))
        if template is None:
            raise Refused(NO_RECORDS)
        return template
