"""Sessions as the traffic shows them: whose they are, when they ended, what they may reach.

Learnt from logons at the web server, from the cookie jar's own messages, from what the web server
tells a dispatcher that then takes it, and from the answers of StarOE.
"""

from __future__ import annotations

import re

from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.status import Status, Transaction

from .moments import Answered, Moment, Responded
from .remembered import Remembered
from .talk import Talk

_MOST = 100_000
"""Sessions that are remembered."""

_VUMA = re.compile(rb"VUMA<ERROR=0,USERID=([^,<>]*),ENTPID=([^,<>]*)>")

Customer = tuple[str, str]
"""User id and enterprise id."""


class Customers:
    """What is known of sessions, by their keys."""

    def __init__(self) -> None:
        self.of: Remembered[str, Customer] = Remembered(_MOST)
        self.ended: Remembered[str, int] = Remembered(_MOST)
        """When the answer to the logoff went out, microseconds."""
        self.given: Remembered[str, str] = Remembered(_MOST)
        """Keys that a logon was answered with; and the connection."""
        self.made: Remembered[str, str] = Remembered(_MOST)
        """Keys that a cookie jar made."""
        self.entitled: Remembered[str, frozenset[str]] = Remembered(_MOST)
        """The targets of a session, as StarOE told them under its key."""
        self._logons: Remembered[str, Customer] = Remembered(1000)
        """Of responses that are not whole: by connection, the customer that VUMA names."""

    def learn(self, moment: Moment) -> None:
        if isinstance(moment, Responded):
            self._learn_response(moment)
        elif isinstance(moment, Answered):
            self._learn_logon(moment)
            if moment.talk is not None and not moment.talk.code:
                self._learn_talk(moment, moment.talk)
            frame, asked = moment.frame, moment.asked.frame
            if (
                moment.where.hop == "dispatcher"
                and isinstance(asked, DispatcherHeader)
                and asked.session_key
                and frame is not None
                and (frame.status <= Status.CANCELLED or frame.status == Status.APPLICATION_ERROR)
            ):
                self._belongs(asked.session_key, (asked.user_id, asked.enterprise_id))

    def _learn_logon(self, moment: Answered) -> None:
        """Who logs on at the web server; the key comes with the response."""
        web = moment.asked.web
        if web is not None and web.transaction == Transaction.LOGON:
            named = _VUMA.match(moment.reply.data)
            if named is not None:
                customer = (named[1].decode("latin-1"), named[2].decode("latin-1"))
                self._logons[moment.where.connection] = customer

    def _belongs(self, key: str, customer: Customer) -> None:
        if key not in self.of:
            self.of[key] = customer

    def _learn_response(self, moment: Responded) -> None:
        asked, web = moment.asked.web, moment.web
        if asked is None or web is None or moment.response.status != 200:
            return
        if asked.transaction == Transaction.LOGON and web.session_key:
            self.given[web.session_key] = moment.where.connection
            customer = self._logons.pop(moment.where.connection, None)
            if customer is not None:
                self._belongs(web.session_key, customer)
        if asked.transaction == Transaction.LOGOFF and moment.status == Status.OK:
            self.ended[moment.asked.key] = moment.where.at

    def _learn_talk(self, moment: Answered, talk: Talk) -> None:
        common = moment.asked.common
        if talk.acronym == "CKMA" and talk.value("KEY"):
            self.made[talk.value("KEY")] = moment.where.connection
            self._belongs(talk.value("KEY"), (talk.asked("USERID"), talk.asked("ENTPID")))
        elif talk.acronym == "CKGA":
            self._belongs(talk.asked("KEY"), (talk.value("USERID"), talk.value("ENTPID")))
        elif talk.acronym == "CKDA":
            self.ended[talk.asked("KEY")] = moment.where.at
        elif talk.acronym == "GUAA" and common is not None and talk.message is not None:
            apps = talk.message.fields().get("APPS")
            if apps is not None:
                self.entitled[common.session_key] = frozenset(apps.value.members())

    def had_ended(self, key: str, asked_at: int) -> bool:
        """Whether a session had ended before something was asked under its key."""
        ended = self.ended.get(key)
        return ended is not None and ended < asked_at
