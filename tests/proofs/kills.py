"""kill -9 at random moments under load: no acknowledged change is lost, none is half done.

Workers add, copy, activate and delete reports over HTTPS and put items into an Inbox on its native
port, each keeping a ledger of what was acknowledged. The emulator is killed at a random moment and
started again on the same state; then what it tells must be the ledger's, apart from the one change
of each worker that was under way, which must be whole or not there. The audit trail of every life
must verify (ENC-02).
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from starwire.grammar import Message
from starwire.harness.client import Client, ClientError
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.messages import build_message

USER, ENTERPRISE = "jeanvnet2", "00022924"
WORKERS = 4
LIVE = 25
"""Reports that a worker keeps at most, so that checking stays quick."""


BILLING = [("INBOUND", [("90000003", "90000003"), ("NA", "NA"), ("NA", "NA")])]


class Report(msgspec.Struct, frozen=True):
    """What a report's row in SURL says of it."""

    name: str
    active: str


class Worker:
    """Changes reports and items, and remembers what was acknowledged."""

    def __init__(self, number: int, files: list[str]) -> None:
        self.number = number
        self.chance = random.Random(number)
        self.reports: dict[str, Report] = {}
        self.items: dict[str, str] = {}
        """LOC of each Inbox item, by INBOXID."""
        self.files = files
        self.under_way: tuple[str, str] | None = None
        """The change that was asked and not answered: what, and of which name, id or LOC."""
        self.acknowledged = 0
        self.count = 0

    def run(self, web: Client, inbox: Client) -> None:
        """Work until the emulator is gone."""
        with contextlib.suppress(ClientError):
            while True:
                self.change(web, inbox)

    def change(self, web: Client, inbox: Client) -> None:
        kinds = ["add", "copy", "switch", "delete", "put", "take"]
        kind = self.chance.choice(kinds)
        if kind in ("copy", "switch", "delete") and not self.reports:
            kind = "add"
        if kind in ("add", "copy") and len(self.reports) >= LIVE:
            kind = "delete"
        free = [loc for loc in self.files if loc not in self.items.values()]
        if kind == "take" and not self.items:
            kind = "put"
        if kind == "put" and not free:
            kind = "take"
        getattr(self, kind)(inbox if kind in ("put", "take") else web, free)
        self.under_way = None
        self.acknowledged += 1

    def ask(self, client: Client, acronym: str, under_way: str, **values: object) -> Message:
        variant = {"ARD": "client", "D": "one"}.get(acronym, "")
        request = build_message(acronym, values, variant=variant)
        self.under_way = (acronym, under_way)
        reply = client.send(request, proxy="RS" if acronym == "URS" else "RM")
        message = reply.message()
        said = message["ERROR"].value.scalar
        assert said == "0", f"{request!r} was answered {reply.data!r}"
        return message

    def new_name(self) -> str:
        self.count += 1
        return f"Worker {self.number} report {self.count}"

    def add(self, client: Client, free: list[str]) -> None:
        name = self.new_name()
        added = self.ask(
            client,
            "ARD",
            name,
            USERID=USER,
            ENTPID=ENTERPRISE,
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
        self.reports[added["USERRPTID"].value.scalar] = Report(name, "0")

    def copy(self, client: Client, free: list[str]) -> None:
        name = self.new_name()
        original = self.chance.choice(list(self.reports))
        copied = self.ask(client, "CRD", name, USERRPTID=original, NAME=name)
        self.reports[copied["USERRPTID"].value.scalar] = Report(name, "0")

    def switch(self, client: Client, free: list[str]) -> None:
        report = self.chance.choice(list(self.reports))
        active = "1" if self.reports[report].active == "0" else "0"
        self.ask(client, "URS", report, USERRPTID=report, ACTIVE=active)
        self.reports[report] = Report(self.reports[report].name, active)

    def delete(self, client: Client, free: list[str]) -> None:
        report = self.chance.choice(list(self.reports))
        self.ask(client, "DRD", report, USERID=USER, USERRPTID=report)
        del self.reports[report]

    def put(self, client: Client, free: list[str]) -> None:
        loc = self.chance.choice(free)
        stored = self.ask(
            client,
            "A",
            loc,
            CATEGORY="R",
            TYPE="traffic",
            USERID=USER,
            RPTID="1",
            COMPRESS="0",
            RPTCATEGORY="Kills",
            LOC=loc,
            ENTPID=ENTERPRISE,
            RQSTDT="1998-01-02 15:18",
            FSIZE="5",
            RPTTITLE=loc,
            MSIZE="7",
        )
        self.items[stored["INBOXID"].value.scalar] = loc

    def take(self, client: Client, free: list[str]) -> None:
        item = self.chance.choice(list(self.items))
        self.ask(client, "D", item, INBOXID=item)
        del self.items[item]

    def compare(self, reports: dict[str, Report], items: dict[str, str]) -> None:
        """Hold the ledger to what the emulator tells, and settle the change that was under way."""
        mine = f"Worker {self.number} report "
        told = {key: one for key, one in reports.items() if one.name.startswith(mine)}
        kind, what = self.under_way or ("", "")
        self.under_way = None
        expected = self.reports
        if told != expected and kind in ("ARD", "CRD"):
            added = {key: Report(what, "0") for key, one in told.items() if one.name == what}
            assert len(added) <= 1, f"{what!r} was added {len(added)} times"
            expected = expected | added
        elif told != expected and kind == "URS":
            active = "1" if expected[what].active == "0" else "0"
            expected = expected | {what: Report(expected[what].name, active)}
        elif told != expected and kind == "DRD":
            expected = {key: one for key, one in expected.items() if key != what}
        assert told == expected, f"{told} is not {expected}, {kind} {what} under way"
        self.reports = dict(told)
        here = {key: loc for key, loc in items.items() if loc in self.files}
        held = self.items
        if here != held and kind == "A":
            held = held | {key: loc for key, loc in here.items() if loc == what}
        elif here != held and kind == "D":
            held = {key: loc for key, loc in held.items() if key != what}
        assert here == held, f"{here} is not {held}, {kind} {what} under way"
        self.items = here


def told_reports(client: Client) -> dict[str, Report]:
    """Every report of the user as SURL has it."""
    request = f"GURL<USERID={USER},RPTTMPID=90,ENTPID={ENTERPRISE},PRODUCT=S,DATACAT=P>"
    message = client.send(request.encode()).message()
    if message["ERROR"].value.scalar == "6109":
        return {}
    reports = {}
    for category in message["REPORTS"].value.groups:
        for field in category.fields:
            for row in field.value.groups:
                name, report, active = (value.text for value in row.positional[:3])
                reports[report] = Report(name, active)
    return reports


def told_items(native: Client) -> dict[str, str]:
    """Every item of the user: LOC, which stands in its title, by INBOXID."""
    request = f"L<ENTPID={ENTERPRISE},USERID={USER},CATEGORY=R>".encode()
    message = native.send(request).message()
    if message["ERROR"].value.scalar == "5100":
        return {}
    rows = [row.text.strip("<>").split("~") for row in message["ITEMS"].value.groups]
    return {row[0]: row[9] for row in rows}


def make_files(state: Path, number: int) -> list[str]:
    """Report and metadata files that a worker may put into the Inbox: their LOCs."""
    folder = state / "files" / "inbox" / "files" / "kills"
    folder.mkdir(parents=True, exist_ok=True)
    locs = []
    for index in range(LIVE):
        stem = f"{number}-{index}"
        (folder / f"{stem}.csv").write_bytes(b"1,2\r\n")
        (folder / f"{stem}.mtd").write_bytes(b"<A=1>\r\n")
        locs.append(f"/inbox/files/kills/{stem}.csv")
    return locs


class Run:
    """The emulator's lives on one state and the same ports, under one session."""

    def __init__(self, state: Path) -> None:
        self.state = state
        with EmulatorProcess(state, "--quiet") as first:
            self.ports = {
                name: int(place.rpartition(":")[2]) for name, place in first.places.items()
            }
            with Client(first.target("web")) as client:
                self.session = client.logon(USER, "interact")
        self.workers = [Worker(n, make_files(state, n)) for n in range(WORKERS)]
        self.slowest = 0.0

    def start(self) -> EmulatorProcess:
        began = time.monotonic()
        emulator = EmulatorProcess(self.state, "--quiet", ports=self.ports)
        self.slowest = max(self.slowest, time.monotonic() - began)
        return emulator

    def clients(self, emulator: EmulatorProcess) -> tuple[Client, Client]:
        web = Client(emulator.target("web"))
        web.session = self.session
        return web, Client(emulator.target("inbox-native"))

    def check(self, emulator: EmulatorProcess) -> None:
        """Compare every ledger with what the emulator tells."""
        web, native = self.clients(emulator)
        with web, native:
            reports, items = told_reports(web), told_items(native)
            for worker in self.workers:
                worker.compare(reports, items)

    def load_and_kill(self, emulator: EmulatorProcess, seconds: float) -> None:
        """Let every worker work, then kill the emulator under them."""
        failed: list[BaseException] = []

        def work(worker: Worker) -> None:
            web, native = self.clients(emulator)
            with web, native:
                try:
                    worker.run(web, native)
                except BaseException as error:
                    failed.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in self.workers]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        emulator.kill()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a worker hangs after the kill"
        for error in failed:
            raise error


def verified(state: Path) -> int:
    """How many files `starwire audit verify` finds good; all must be."""
    command = [sys.executable, "-m", "starwire.harness.cli", "audit", "verify"]
    done = subprocess.run([*command, "--state", str(state)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.count(": good, ")


def prove(*, quick: bool) -> Iterator[str]:
    """The proof, line by line."""
    kills = 8 if quick else 200
    chance = random.Random(1998)
    with tempfile.TemporaryDirectory(prefix="starwire-kills-") as folder:
        run = Run(Path(folder) / "state")
        for _ in range(kills):
            with run.start() as emulator:
                run.check(emulator)
                run.load_and_kill(emulator, chance.uniform(0.02, 0.6))
        with run.start() as emulator:
            run.check(emulator)
            assert emulator.stop() == 0, "the emulator did not end well"
        acknowledged = sum(worker.acknowledged for worker in run.workers)
        yield f"{kills} kills, {acknowledged} acknowledged changes by {WORKERS} workers"
        yield f"the slowest start took {run.slowest:.2f} s"
        assert acknowledged >= kills, "the load was no load"
        yield f"{verified(run.state)} files of the audit trail are what was written"
    yield "no acknowledged change was lost, none was half done, the session lived through it all"
