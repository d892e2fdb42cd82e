"""`starwire demo`: one customer's day through the whole chain, the wire shown decoded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec
from rich.console import Console
from rich.markup import escape

from starwire.grammar import MetadataError
from starwire.protocol.profile import Profile

from .client import Client
from .display import (
    Header,
    answer_lines,
    folded,
    header_line,
    header_words,
    headers_of,
    message_lines,
)
from .emulator import EmulatorError, EmulatorProcess
from .envelopes import Reply
from .failures import ClientError
from .hops import Passed
from .show_codes import meaning

_PASSWORD = "interact"
_MOST = 12
"""Lines of a message that are shown."""


class Step(msgspec.Struct, frozen=True):
    """One thing that somebody does."""

    title: str
    who: str
    """A customer, or the native port that a server speaks to."""
    proxy: str
    message: str
    error: str = "0"
    """The ERROR that must come back."""


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
    Step("and without a PRODUCT?", "jeanvnet2", "RM", "GRTL<DATATYPE=R,DATACAT=P,IO=O>", "6827"),
    Step("somebody else's report?", "jeanvnet2", "RM", "GURD<REPORTID=3415>", "6109"),
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
    """The day; exit status 0 if each step was answered as it must be."""
    # Without a colour system there are no bold letters either.
    console = Console(color_system=None if plain else "auto", highlight=False, soft_wrap=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="starwire-demo-") as folder,
            EmulatorProcess(Path(folder) / "state", "--profile", profile_name) as emulator,
        ):
            day = _Day(console, emulator, profile)
            day.live()
            if emulator.stop():
                cannot(f"the emulator failed: {emulator.log[-1]}")
    except (EmulatorError, ClientError, OSError) as error:
        cannot(str(error))
    return day.end()


class _Day:
    """A day under way: what happened so far, and where it is told."""

    def __init__(self, console: Console, emulator: EmulatorProcess, profile: Profile) -> None:
        self._console = console
        self._emulator = emulator
        self._profile = profile
        self._inbox = ""
        self._steps = 0
        self._wrong = 0

    def live(self) -> None:
        self._heading("The chain: every server on a free port of this machine")
        for name, place in self._emulator.places.items():
            self._say(f"  {name:<13} {place}")
        self._say("Below, > is what is sent and < what comes back, layer by layer.")
        self._customer("jeanvnet2", "The morning: jeanvnet2 over HTTPS", _MORNING)
        self._heading("The night: the servers among themselves, on the native ports")
        for step in _NIGHT:
            with self._client(step.who) as client:
                self._step(step, client)
        self._customer("LynneLevy2", "The next day: LynneLevy2 opens her Inbox", _NEXT_DAY)

    def end(self) -> int:
        """The last word; gives the exit status."""
        self._say("")
        if self._wrong:
            self._say(f"{self._wrong} of {self._steps} steps were not answered as they must be.")
            return 1
        self._say(f"{self._steps} steps, each answered as docs/protocol.md says.")
        self._say("Next: `starwire serve` runs the chain for your client, `starwire send` is one.")
        return 0

    def _client(self, endpoint: str) -> Client:
        place = self._emulator.target(endpoint, plain_http=self._profile.allow_plain_http)
        return Client(place, profile=self._profile)

    def _customer(self, user: str, heading: str, steps: tuple[Step, ...]) -> None:
        self._heading(heading)
        with self._client("web") as client:
            first = not self._steps
            client.logon(user, _PASSWORD)
            self._tell(Step("a name and a password, please", user, "STAROE", ""), client, first)
            for step in steps:
                self._step(step, client)
            client.logoff()

    def _step(self, step: Step, client: Client) -> None:
        message = step.message.format(inbox=self._inbox).encode("latin-1")
        client.send(message, proxy=step.proxy or "RM")
        self._tell(step, client)

    def _tell(self, step: Step, client: Client, whole: bool = False) -> None:
        """What was sent and what came back; with every field of the headers if `whole`."""
        reply, layers = client.received, client.layers
        assert reply is not None
        whom = f"{step.who} to {step.proxy}" if step.proxy else f"to {step.who}"
        self._console.print(f"\n[bold]{escape(whom)}:[/bold] {escape(step.title)}")
        sent, limits = client.sent, self._profile.limits
        message = sent[sum(codec.size for codec in layers) :]
        self._layers(">", "cyan", headers_of(sent, layers), whole)
        self._lines(">", "cyan", folded(message_lines(message, limits), _MOST))
        self._layers("<", "green", reply.headers, whole)
        self._lines("<", "green", folded(answer_lines(reply), _MOST))
        self._hops(message)
        self._judge(step, reply)

    def _layers(self, mark: str, colour: str, headers: Sequence[Header], whole: bool) -> None:
        if whole:
            self._lines(mark, colour, map(header_line, headers))
        elif headers:
            self._lines(mark, colour, [" | ".join(map(header_words, headers))])

    def _lines(self, mark: str, colour: str, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.print(f"  [{colour}]{mark}[/{colour}] {escape(line)}")

    def _hops(self, message: bytes) -> None:
        """The servers that the message has passed, all of whose log lines have one id."""
        passed = Passed(message)
        self._emulator.await_log(passed.all_in)
        self._console.print(f"    [dim]{escape(str(passed))}[/dim]")

    def _judge(self, step: Step, reply: Reply) -> None:
        """Say what a refusal means, and whether it is the right one."""
        error = _told(reply, "ERROR")
        self._steps += 1
        if error not in ("0", ""):
            self._console.print(f"    [dim]{escape(f'{error} means: {meaning(error)}')}[/dim]")
        if error != step.error:
            self._wrong += 1
            self._say(f"    It must be ERROR = {step.error}.")
        if step.who == "inbox-native":
            self._inbox = _told(reply, "INBOXID")

    def _heading(self, text: str) -> None:
        self._console.print(f"\n[bold underline]{escape(text)}[/bold underline]")

    def _say(self, text: str) -> None:
        self._console.print(escape(text))


def _told(reply: Reply, name: str) -> str:
    """The value of a parameter of the response; "" if there is none, or no message."""
    try:
        field = reply.message().body.fields.get(name)
    except MetadataError:
        return ""
    return field.value.scalar if field else ""
