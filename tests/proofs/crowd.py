"""Many customers at once through HTTPS: no error, no reply lost, none crossed.

Each customer logs on, then runs GRTL, ARD, GURL, GURD, URS, CRD, GURD, DRD; every request names
something of its own (a report name, an id that it was given) and its reply must carry just that.
All of them have a connection of their own and are at work at the same time.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from starwire.grammar import Message
from starwire.harness.client import Client
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.messages import build_message

USERS = (("jeanvnet2", "00022924"), ("dorod", "00022924"), ("LynneLevy2", "10324488"))


BILLING = [("INBOUND", [("90000003", "90000003"), ("NA", "NA"), ("NA", "NA")])]


class Customer(threading.Thread):
    """One customer's day; `problem` says what went wrong, "" for nothing."""

    def __init__(self, number: int, web: str, start: threading.Barrier) -> None:
        super().__init__(name=f"customer {number}")
        self.number = number
        self.user, self.enterprise = USERS[number % len(USERS)]
        self.client = Client(web, seconds=120)
        self.start_together = start
        self.problem = ""
        self.replies = 0

    def run(self) -> None:
        try:
            with self.client:
                self.start_together.wait()
                self.client.logon(self.user, "interact")
                self.day()
        except BaseException as error:
            self.problem = f"{type(error).__name__}: {error}"

    def ask(self, acronym: str, error: str = "0", **values: object) -> Message:
        request = build_message(acronym, values, variant="client" if acronym == "ARD" else "")
        reply = self.client.send(request, proxy="RS" if acronym == "URS" else "RM")
        message = reply.message()
        said = message["ERROR"].value.scalar
        assert said == error, f"{request!r} was answered {reply.data!r}"
        assert reply.status == (0 if error == "0" else 100), f"status {reply.status}"
        self.replies += 1
        return message

    def day(self) -> None:
        name = f"Report of customer {self.number}"
        self.ask("GRTL", PRODUCT="S", DATATYPE="R", DATACAT="P", IO="O")
        added = self.ask(
            "ARD",
            USERID=self.user,
            ENTPID=self.enterprise,
            STDRPTID="90",
            NAME=name,
            PRODUCT="S",
            CATEGORY="Analyze Traffic",
            SCHEDTYPE="R",
            TIMEZONE="45",
            BILLING=BILLING,
            EMAIL="0",
            PAGE="0",
        )
        report = added["USERRPTID"].value.scalar
        whose = {"USERID": self.user, "ENTPID": self.enterprise, "PRODUCT": "S"}
        listed = self.ask("GURL", RPTTMPID="90", DATACAT="P", **whose).text
        assert f"<{name},{report}," in listed, f"{name!r}, {report} is not listed"
        self.detail(report, name)
        status = self.ask("URS", USERRPTID=report, ACTIVE="0")
        assert status["USERRPTID"].value.scalar == report, "URSA names another report"
        copied = self.ask("CRD", USERRPTID=report, NAME=f"Copy for {self.number}")
        copy = copied["USERRPTID"].value.scalar
        assert copy != report, "a copy has the id of its original"
        self.detail(copy, f"Copy for {self.number}")
        for one in (report, copy):
            gone = self.ask("DRD", USERID=self.user, USERRPTID=one)
            assert gone["USERRPTID"].value.scalar == one, "DRDA names another report"
        self.ask("GURD", "6109", REPORTID=report)

    def detail(self, report: str, name: str) -> None:
        shown = self.ask("GURD", REPORTID=report)
        assert name in shown.text, f"GURD of {report} does not show {name!r}"


def prove(*, quick: bool) -> Iterator[str]:
    """The proof, line by line."""
    count = 40 if quick else 200
    with tempfile.TemporaryDirectory(prefix="starwire-crowd-") as folder:
        state = Path(folder) / "state"
        with EmulatorProcess(state, "--quiet") as emulator:
            start = threading.Barrier(count + 1)
            crowd = [Customer(n, emulator.target("web"), start) for n in range(count)]
            for customer in crowd:
                customer.start()
            start.wait()
            began = time.monotonic()
            for customer in crowd:
                customer.join()
            took = time.monotonic() - began
            problems = [f"{one.name}: {one.problem}" for one in crowd if one.problem]
            replies = sum(one.replies for one in crowd)
            yield f"{count} customers at once, {replies} replies in {took:.1f} s"
            yield f"{len(problems)} problems"
            assert not problems, "; ".join(problems[:3])
            assert replies == count * 10, f"{replies} replies to {count * 10} requests"
            status = emulator.stop()
            assert status == 0, f"the emulator ended with {status}: {emulator.log[-1:]}"
    yield "every reply carried what its request named"
