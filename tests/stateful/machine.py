"""The state machine: what clients, operators and fate may do next, in any order."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from stateful.asking import Cancelling, Echo, Later, Line, Now, Poll, Run
from stateful.clients import INSTANCES, PROCESSES, Clients, Driver
from stateful.facts import ADD, DELETE, FETCH, LIST, SWITCH, TEMPLATES, Ground, Item, Session
from stateful.model import About, Adding, Deleting, Exact, Listing, Report, Switching, Violation

from starwire.protocol.bulk import Cancel, Open, Resume
from starwire.servers.fault import Fault

SEATS = st.integers(0, 2)
"""The dispatcher, or an instance itself."""
WHERE = st.integers(0, 3)
WHO = st.integers(0, 3)
WHICH = st.integers(0, 40)
KINDS = st.sampled_from(["templates", "list", "add", "add", "delete", "switch", "fetch"])
PACE = st.one_of(
    st.just([]),
    st.lists(st.integers(0, 2000), min_size=1, max_size=4),
    st.lists(st.integers(0, 2000), min_size=5, max_size=12),
    st.just("news"),
    st.just("all"),
)
"""What happens before the next step: nothing, a few things in some order, all that goes before the
first reply, all that can.
"""
LOSING = [{"kind": "close"}, {"kind": "reset"}, {"kind": "truncate", "octets": 0}]
"""The reply is lost, and what was asked is done."""
HANGING = [{"kind": "delay", "seconds": 20.0}, {"kind": "hang"}]
"""It comes too late, or never."""
PORT_FAULTS = [
    {"kind": "delay", "seconds": 3.0},
    *LOSING,
    *HANGING,
    {"kind": "close", "direction": "request"},
    {"kind": "truncate", "octets": 60},
    {"kind": "wrong-serial"},
    {"kind": "corrupt", "header": "session_key"},
    {"kind": "corrupt", "header": "version"},
    {"kind": "duplicate"},
    {"kind": "duplicate", "direction": "request", "type": 1},
    {"kind": "reorder"},
    {"kind": "hang", "direction": "request"},
    {"kind": "drip", "rate": 100.0, "chunk": 20},
]
"""What nobody can see through, a wrong status or a shorter length, is not among them."""
BORDER_FAULTS = [
    {"kind": "database-down"},
    {"kind": "statement-failure", "message": "ARD"},
    {"kind": "statement-failure", "message": "GURL", "stage": "cursor"},
    {"kind": "statement-failure", "message": "DRD", "statement": 2},
    {"kind": "file-missing", "message": "F"},
]
FAULTS = st.one_of([st.sampled_from(kinds) for kinds in (BORDER_FAULTS, PORT_FAULTS)])
HOPS = ("rm", "rm", "inbox", "rs")
COUNTS = st.sampled_from([{}, {"first": 1}, {"first": 2}, {"nth": 2}])


class Interleavings(RuleBasedStateMachine):
    """Give it a driver by a subclass that defines `make`."""

    make: Callable[[bool], tuple[Driver, Ground]]
    tally: Counter[str]
    found: list[BaseException | None]
    most_steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.clients: Clients | None = None

    @initialize(multiplex=st.booleans())
    def begin(self, multiplex: bool) -> None:
        driver, ground = type(self).make(multiplex)
        self.driver = driver
        self.c = self.clients = Clients(driver, ground, self.tally)
        self.tally["machine"] += 1
        for who in (0, 3):
            self.ask("add", who, 0, who // 2, 0, "all")
        self.ask_later("templates", 0, 0, 1, 0, "all")
        self.open("fetch", 0, 2, 2, 0, "all", slow=True)

    def teardown(self) -> None:
        if self.clients is None:
            return
        try:
            if sys.exc_info()[1] is None:  # otherwise what was found is being told
                self.c.mend()
                self.c.audit()
                self.tally["machine held"] += 1
                self.tally["machine of all steps held"] += self.steps == self.most_steps
            else:
                self.tell(sys.exc_info()[1])
        except Violation as violation:
            self.tell(violation)
            raise
        finally:
            self.driver.end()

    def tell(self, found: BaseException | None) -> None:
        """On real processes it may never happen again: say what led to it."""
        if isinstance(found, Exception) and not (
            self.found or isinstance(found, HypothesisException)
        ):
            self.found.append(found)
            print("\n".join(["What happened last:", *self.c.trace]), file=sys.stderr)

    @invariant()
    def nobody_saw_what_he_may_not(self) -> None:
        if self.clients is not None:
            self.steps += 1
            self.tally["step"] += 1
            self.c.collect()

    # What there is to choose from.

    def session(self, who: int) -> Session:
        return self.c.ground.sessions[who]

    def report(self, which: int) -> Report | None:
        known = list(self.c.world.owners.values())
        return known[which % len(known)] if known else None

    def about(self, kind: str, session: Session, which: int) -> tuple[About, str]:
        """A message of that kind, and the door that takes it."""
        user, world, ground = session.user, self.c.world, self.c.ground
        report = self.report(which)
        if kind == "fetch":
            return self.fetch(session, ground.items[which % len(ground.items)]), "inbox"
        if kind == "templates" or (report is None and kind in ("delete", "switch")):
            return Exact(TEMPLATES, 0, ground.templates), "rm"
        if kind == "list":
            return Listing(LIST.format(user=user), user), "rm"
        if kind == "add" or report is None:
            made = world.new_report(user)
            return Adding(ADD.format(user=user, name=made.name), made), "rm"
        if kind == "delete":
            text = DELETE.format(user=user, report=report.number)
            return Deleting(text, report, user), "rm"
        active = "01"[which % 2]
        text = SWITCH.format(report=report.number, active=active)
        return Switching(text, report, user, active), "rs"

    def fetch(self, session: Session, item: Item) -> Exact:
        message = FETCH.format(item=item.number)
        if item.user != session.user:
            return Exact(message, 100, b"Z<REQ=F,ERROR=5100>")
        size = len(item.octets)
        head = f"Z<REQ=F,ERROR=0,INBOXID={item.number},FSIZE={size}>".encode()
        return Exact(message, 0, head + item.octets)

    def proceed(self, pace: Any) -> None:
        if pace == "all":
            self.c.settle()
        elif pace == "news":
            self.driver.until_news()
        else:
            self.driver.go_on(pace)

    # What clients do.

    @rule(who=WHO, seat=st.integers(1, 2), where=WHERE, pace=PACE)
    def echo(self, who: int, seat: int, where: int, pace: Any) -> None:
        """Behind a request that is not answered yet."""
        lines = [one for one in self.c.lines if not (one.is_dispatchers or one.is_over)]
        busy = [one for one in lines if one.queue]
        if not busy and (INSTANCES[seat - 1], "rm") not in self.c.faulty:
            self.ask("list", who, 0, seat, where, [])
            busy = [one for one in self.c.lines if one.port == "rm" and one.queue][-1:]
        if busy:
            busy[where % len(busy)].send(Echo(None, "rm", b"echo"))
        self.proceed(pace)

    @rule(kind=KINDS, who=WHO, which=WHICH, seat=SEATS, where=WHERE, pace=PACE)
    def ask(self, kind: str, who: int, which: int, seat: int, where: int, pace: Any) -> None:
        session = self.session(who)
        about, door = self.about(kind, session, which)
        self.c.ask(Now(session, door, about), seat, where)
        self.proceed(pace)

    @rule(kind=KINDS, who=WHO, which=WHICH, seat=SEATS, where=WHERE, pace=PACE)
    def ask_later(self, kind: str, who: int, which: int, seat: int, where: int, pace: Any) -> None:
        session = self.session(who)
        about, door = self.about(kind, session, which)
        asked = Later(session, door, about)
        line = self.c.ask(asked, seat, where)
        if not line.is_dispatchers:
            self.c.later.append(asked)
        self.proceed(pace)

    @precondition(lambda self: self.clients and self.c.later)
    @rule(which=WHICH, seat=st.integers(1, 2), where=WHERE, pace=PACE)
    def ask_again(self, which: int, seat: int, where: int, pace: Any) -> None:
        """An equal frame, whatever became of the first."""
        again = self.c.later[which % len(self.c.later)].again()
        if not any((one, again.door) in self.c.faulty for one in INSTANCES):
            self.c.ask(again, seat, where)
            self.c.tally["equal frame sent again"] += 1
            self.proceed(pace)

    @precondition(lambda self: self.clients and self.c.deferred)
    @rule(who=st.integers(0, 9), which=WHICH, seat=SEATS, where=WHERE, pace=PACE)
    def poll(self, who: int, which: int, seat: int, where: int, pace: Any) -> None:
        deferred = list(self.c.deferred.values())[which % len(self.c.deferred)]
        session = self.owner(deferred.user, who)
        door = "inbox" if who == 9 else deferred.door
        number = b"%020d" % (10**12 + which) if who == 8 else deferred.number
        self.c.ask(Poll(session, door, number), seat, where)
        self.proceed(pace)

    def owner(self, user: Any, who: int) -> Session:
        """A session of the user for most numbers, of anybody for some."""
        sessions = [one for one in self.c.ground.sessions if one.user == user or who < 3]
        return sessions[who % len(sessions)]

    @rule(kind=KINDS, who=WHO, which=WHICH, seat=SEATS, where=WHERE, pace=PACE, slow=st.booleans())
    def open(
        self, kind: str, who: int, which: int, seat: int, where: int, pace: Any, slow: bool
    ) -> None:
        session = self.session(who)
        kind = "fetch" if which % 2 else kind
        about, door = self.about(kind, session, which // 2)
        run = Run(session, door, about, self.c, Open(about.message))
        if kind == "fetch":
            item = self.c.ground.items[which // 2 % len(self.c.ground.items)]
            run.content = item.octets if item.user == session.user else None
        self.begin_run(run, seat, where, pace, slow)

    def begin_run(self, run: Run, seat: int, where: int, pace: Any, slow: bool) -> None:
        """With `slow` the client reads some of it, and no more for now."""
        line = self.c.ask(run, seat, where)
        if slow:
            self.driver.until_news()
            self.c.read(line, on=False)
        self.proceed(pace)

    @precondition(lambda self: self.clients and self.c.transfers)
    @rule(
        who=st.integers(0, 8),
        which=WHICH,
        part=st.integers(0, 22),
        seat=SEATS,
        where=WHERE,
        pace=PACE,
        slow=st.booleans(),
    )
    def resume(
        self, who: int, which: int, part: int, seat: int, where: int, pace: Any, slow: bool
    ) -> None:
        transfer = self.c.transfers[list(self.c.transfers)[which % len(self.c.transfers)]]
        offset = (transfer.total or 0) * part // 20
        number = 2**40 if who == 8 else transfer.number
        session = self.owner(transfer.user, who)
        run = Run(session, transfer.door, transfer.about, self.c, Resume(number, offset))
        if session.user == transfer.user:
            transfer.disturbing.append(run)
        self.begin_run(run, seat, where, pace, slow)

    @precondition(lambda self: self.clients and self.c.transfers)
    @rule(who=st.integers(0, 8), which=WHICH, own=st.booleans(), seat=SEATS, where=WHERE, pace=PACE)
    def cancel(self, who: int, which: int, own: bool, seat: int, where: int, pace: Any) -> None:
        runs = [(line, run) for line, run in self.c.runs() if run.transfer is not None]
        if own and runs:
            line, run = runs[which % len(runs)]
            if run is line.queue[-1] and not line.is_over:
                self.cancel_here(line, run)
                self.proceed(pace)
            return
        transfer = self.c.transfers[list(self.c.transfers)[which % len(self.c.transfers)]]
        if runs and which % 4:
            line, run = runs[which // 4 % len(runs)]
            transfer = run.transfer
            seat = seat if line.is_dispatchers else INSTANCES.index(line.process) + 1
        session = self.owner(transfer.user, who)
        number = 2**40 if who == 8 else transfer.number
        asked = Cancelling(session, transfer.door, Cancel(number), self.c)
        if session.user == transfer.user:
            transfer.disturbing.append(asked)
        self.c.ask(asked, seat, where)
        self.proceed(pace)

    def cancel_here(self, line: Line, run: Run) -> None:
        """On the run's own connection, where it overtakes and has no reply but the run's end."""
        assert run.transfer is not None
        asked = Cancelling(run.session, run.door, Cancel(run.transfer.number), self.c)
        asked.is_optional = True
        if run.session.user == run.transfer.user:
            run.transfer.disturbing.append(asked)
        line.send(asked)
        line.is_over = True
        self.c.tally["cancel on the run's connection"] += 1

    @precondition(lambda self: self.clients and self.c.lines)
    @rule(which=WHICH, on=st.booleans(), pace=PACE)
    def read(self, which: int, on: bool, pace: Any) -> None:
        self.c.read(self.c.lines[which % len(self.c.lines)], on=on)
        self.proceed(pace)

    @precondition(lambda self: self.clients and self.c.lines)
    @rule(which=WHICH, pace=PACE)
    def hang_up(self, which: int, pace: Any) -> None:
        line = self.c.lines[which % len(self.c.lines)]
        if line.queue:
            self.c.tally["client hung up under a request"] += 1
        line.hang_up()
        self.proceed(pace)

    # What fate does.

    @rule(
        process=st.sampled_from(PROCESSES),
        softly=st.booleans(),
        cut=st.sampled_from([0, 1, 30, 49, 80, 10**6]),
    )
    def end_or_start(self, process: str, softly: bool, cut: int) -> None:
        if not self.driver.alive(process):
            self.driver.start(process)
            self.c.tally["started again"] += 1
        elif softly:
            self.c.end(process, None)
            self.driver.start(process)
            self.c.tally["restarted"] += 1
        else:
            self.kill(process, cut)

    def kill(self, process: str, cut: int) -> None:
        queues = [line.queue for line in self.c.lines if line.process == process]
        if any(queues):
            self.c.tally["killed under requests"] += 1
        self.c.end(process, cut)
        self.c.tally["killed"] += 1

    @rule(kind=KINDS, who=WHO, which=WHICH, seat=st.integers(1, 2), kill=st.booleans())
    def poll_or_kill_at_once(self, kind: str, who: int, which: int, seat: int, kill: bool) -> None:
        """A request is accepted; as soon as that is said it is polled, or its process killed."""
        process = INSTANCES[seat - 1]
        if not self.driver.alive(process):
            return
        known = len(self.c.deferred)
        self.ask_later(kind, who, which, seat, 3, "news")
        self.c.collect()
        if kill:
            self.kill(process, 0)
        elif len(self.c.deferred) > known:
            number, deferred = list(self.c.deferred.items())[-1]
            session = self.owner(deferred.user, 9)
            self.c.ask(Poll(session, deferred.door, number), seat, 3)
            self.proceed("news")

    @rule(
        kind=KINDS,
        who=WHO,
        which=WHICH,
        what=st.sampled_from([*LOSING, *HANGING]),
        later=st.booleans(),
    )
    def lose_the_reply(self, kind: str, who: int, which: int, what: Any, later: bool) -> None:
        """It is done at one of the instances, and the dispatcher does not learn that it is."""
        for process in INSTANCES:
            self.put_fault(process, "rm", Fault(hop="rm", **what, first=1))
        ask = self.ask_later if later else self.ask
        ask(kind, who, which, 0, 3, "all")
        if what in HANGING:
            self.c.let_time_pass(12)

    @rule(process=st.sampled_from(PROCESSES), what=FAULTS, hop=st.sampled_from(HOPS), count=COUNTS)
    def break_something(self, process: str, what: Any, hop: str, count: Any) -> None:
        if what in BORDER_FAULTS:
            self.put_fault(process, "", Fault(**what))
        elif process != "front":
            self.put_fault(process, hop, Fault(hop=hop, **what, **count))
        elif what in PORT_FAULTS[:7]:
            front = "jar" if hop == "rm" else "staroe"
            self.put_fault(process, front, Fault(hop=front, **what, first=2))

    def put_fault(self, process: str, hop: str, fault: Fault) -> None:
        if not self.driver.alive(process):
            return
        for line in self.c.lines:
            if (line.process, line.port) == (process, hop):
                line.hang_up()
        self.c.broken()
        if hop:
            self.c.faulty.add((process, hop))
        self.c.trace.append(f"{process} has {fault}")
        self.driver.fault(process, fault)
        self.c.tally[f"fault {fault.kind}"] += 1

    @precondition(lambda self: self.clients and not self.c.is_calm)
    @rule()
    def mend(self) -> None:
        self.c.mend()

    @rule(choices=st.lists(st.integers(0, 2000), min_size=1, max_size=30))
    def go_on(self, choices: list[int]) -> None:
        self.driver.go_on(choices)

    @rule(seconds=st.sampled_from([1, 6, 12]))
    def let_time_pass(self, seconds: int) -> None:
        """Runs look whether they were ended elsewhere, instances are tested, replies are late."""
        self.c.settle()
        self.c.let_time_pass(seconds)

    @rule(on=st.booleans())
    def settle(self, on: bool) -> None:
        """Perhaps every client reads what it has not read."""
        for line in self.c.lines if on else ():
            self.c.read(line, on=True)
        self.c.settle()


def run(
    make: Callable[[bool], tuple[Driver, Ground]],
    *,
    machines: int,
    seed: int,
    steps: int = 30,
    tally: Counter[str] | None = None,
) -> Counter[str]:
    """So many machines; how often everything happened. Raises what the first one finds."""
    counted: Counter[str] = Counter() if tally is None else tally

    class Machine(Interleavings):
        pass

    Machine.tally = counted
    Machine.make = staticmethod(make)
    Machine.found = []
    Machine.most_steps = steps
    chosen = settings(
        max_examples=machines,
        stateful_step_count=steps,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=chosen)
    except Exception:
        if Machine.found and isinstance(Machine.found[0], Violation):
            raise Machine.found[0] from None  # and not that it did not happen again
        raise
    return counted


EXPECTED = (
    *("answered", "answered out of turn", "lost with the connection"),
    *("equal frame sent again", "equal frame accepted again"),
    *("poll with a result", "poll in progress", "poll of what is not one's own"),
    *("run complete", "resumed run complete", "run cancelled", "cancelled"),
    *("cancel on the run's connection", "bulk declined"),
    *("bulk refused with 108", "bulk refused with 110"),
    *("client hung up under a request", "killed under requests", "killed"),
    *("restarted", "started again", "fault struck"),
    *(f"fault {kind}" for kind in sorted({one["kind"] for one in PORT_FAULTS + BORDER_FAULTS})),
    *("status 106", "status 109", "status 111"),
)
"""All of it must have happened, or nothing was shown."""
