"""`starwire demo`: one customer's day through the whole chain, the wire shown decoded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
from rich.console import Console
from rich.markup import escape

from starwire.protocol.profile import Profile

from .client import Client
from .display import header_line, message_lines, reply_lines
from .emulator import EmulatorError, EmulatorProcess
from .envelopes import Reply

_PASSWORD = "interact"


class Step(msgspec.Struct, frozen=True):
    """One thing that somebody does."""

    title: str
    who: str
    """A customer, or the native port that a server speaks to."""
    proxy: str
    message: str


_MORNING = (
    Step("which applications may I use?", "jeanvnet2", "STAROE", "GUA<USERID=jeanvnet2>"),
    Step("which time zones are there?", "jeanvnet2", "RM", "GPL<PL_TIMEZONE>"),
    Step(
        "which report templates are there for Vnet?",
        "jeanvnet2",
        "RM",
        "GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>",
    ),
    Step(
        "order a report of outbound calls by city",
        "jeanvnet2",
        "RM",
        "ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=City Summary Outbound,PRODUCT=S,"
        "CATEGORY=Analyze Traffic,THRESHOLD=<RECCOUNT=20>,"
        "SCHEDULE=A<START=199806020000,END=199807151200>,RANGETYPE=1,SCHEDTYPE=A,TIMEZONE=45,"
        "BILLING=INBOUND<<90000003,90000003><NA,NA><NA,NA>>,SORTBY=<54D>,"
        "COLUMNS=<54~55~67~62~36~61~58>,ACTIVE=1,TOTALMODE=0,EMAIL=0,PAGE=0>",
    ),
    Step(
        "what have I ordered so far?",
        "jeanvnet2",
        "RM",
        "GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>",
    ),
    Step("and without a PRODUCT?", "jeanvnet2", "RM", "GRTL<DATATYPE=R,DATACAT=P,IO=O>"),
    Step("somebody else's report?", "jeanvnet2", "RM", "GURD<REPORTID=3415>"),
)
_NIGHT = (
    Step(
        "the fulfilling server tells where a report lies",
        "rm-native",
        "",
        "NRL<TYPE=Sim-Msg-40,ENTPID=00022924,USERID=dorod,STDRPTID=40,USERRPTID=3415,"
        "REQUESTID=20341,COMPRESS=0,LOC=/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV,"
        "FSIZE=389,PRESORTED=0>",
    ),
    Step(
        "the Report Manager puts a report into an Inbox",
        "inbox-native",
        "",
        "A<CATEGORY=R,TYPE=traffic,REQUESTID=32197,USERID=LynneLevy2,RPTID=150,PRIORITY=,"
        "COMPRESS=0,UNOTIFY=0,MMADDR=,MMTEXT=,PGT=,PGPIN=,PGTXT=,"
        "RPTCATEGORY=Service Location & Hour,LOC=/inbox/files/ods/902512294STDRPTID10.CSV,"
        "ENTPID=10324488,RQSTDT=1998-01-02 15:18,FSIZE=3705,"
        "RPTTITLE=Summary by Service Location and Hour,MSIZE=3322>",
    ),
)
_NEXT_DAY = (
    Step(
        "what is in my Inbox?",
        "LynneLevy2",
        "INBOX",
        "L<ENTPID=10324488,USERID=LynneLevy2,CATEGORY=R>",
    ),
    Step("the report, please", "LynneLevy2", "INBOX", "F<INBOXID={inbox}>"),
    Step("and how it is to be shown", "LynneLevy2", "INBOX", "F<INBOXID={inbox},WHAT=METADATA>"),
    Step("thank you, away with it", "LynneLevy2", "INBOX", "D<INBOXID={inbox}>"),
)


def run(
    profile_name: str, profile: Profile, *, plain: bool, cannot: Callable[[str], NoReturn]
) -> int:
    """The day; exit status 0 if each step was answered."""
    console = Console(no_color=plain, highlight=False, soft_wrap=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="starwire-demo-") as folder,
            EmulatorProcess(Path(folder) / "state", "--profile", profile_name) as emulator,
        ):
            _Day(console, emulator, profile).live()
            if emulator.stop():
                cannot(f"the emulator failed: {emulator.log[-1]}")
    except EmulatorError as error:
        cannot(str(error))
    return 0


class _Day:
    def __init__(self, console: Console, emulator: EmulatorProcess, profile: Profile) -> None:
        self._console = console
        self._emulator = emulator
        self._profile = profile
        self._inbox = ""
        self._seen = 0

    def live(self) -> None:
        self._heading("The chain")
        for name, place in self._emulator.places.items():
            self._say(f"  {name:<13} {place}")
        self._customer("jeanvnet2", "The morning: jeanvnet2 logs on over HTTPS", _MORNING)
        self._heading("The night: the servers among themselves, on the native ports")
        for step in _NIGHT:
            with Client(self._emulator.target(step.who), profile=self._profile) as client:
                self._step(step, client)
        self._customer("LynneLevy2", "The next day: LynneLevy2 opens her Inbox", _NEXT_DAY)

    def _customer(self, user: str, heading: str, steps: tuple[Step, ...]) -> None:
        self._heading(heading)
        with Client(self._emulator.target("web"), profile=self._profile) as client:
            session = client.logon(user, _PASSWORD)
            self._say(f"  session {session.key[:8]}..., enterprise {session.enterprise_id}")
            for step in steps:
                self._step(step, client)
            client.logoff()

    def _step(self, step: Step, client: Client) -> None:
        message = step.message.format(inbox=self._inbox).encode("latin-1")
        reply = client.send(message, proxy=step.proxy or "RM")
        whom = f"{step.who} to {step.proxy}" if step.proxy else f"to {step.who}"
        self._console.print(f"\n[bold]{whom}:[/bold] {step.title}")
        self._lines(">", "cyan", self._request_lines(client, reply, message))
        self._lines("<", "green", reply_lines(reply))
        self._hops()
        if step.who == "inbox-native":
            self._inbox = reply.message()["INBOXID"].value.scalar

    def _request_lines(self, client: Client, reply: Reply, message: bytes) -> Iterator[str]:
        wire = self._profile.wire
        offset = 0
        for header in reply.headers:
            codecs = (wire.web, wire.dispatcher, wire.common)
            codec = next(codec for codec in codecs if codec.kind is type(header))
            yield header_line(codec.decode(client.sent, offset))
            offset += codec.size
        yield from message_lines(message)

    def _lines(self, mark: str, colour: str, lines: Iterator[str]) -> None:
        for line in lines:
            self._console.print(f"  [{colour}]{mark}[/{colour}] {escape(line)}")

    def _hops(self) -> None:
        """The log lines of the hops that the step has passed, all with one transaction id."""
        new = self._emulator.log[self._seen :]
        self._seen += len(new)
        for line in new:
            self._console.print(f"    [dim]{escape(line)}[/dim]")

    def _heading(self, text: str) -> None:
        self._console.print(f"\n[bold underline]{text}[/bold underline]")

    def _say(self, text: str) -> None:
        self._console.print(escape(text))
