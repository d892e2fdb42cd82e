"""Faults behind the ports: a store that is down, hangs or fails, files that are gone."""

import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from starwire.harness.client import ClientError, LogonRefused
from starwire.harness.emulator import EmulatorError
from starwire.protocol.headers import CommonHeader

from .conftest import CHEAP, Chain
from .test_every_status import Line

GURL = b"GURL<USERID=jeanvnet2,ENTPID=00022924,PRODUCT=T,DATACAT=U,RPTTMPID=1>"
GURD = b"GURD<REPORTID=245>"
CRD = b"CRD<USERRPTID=245,NAME=a copy>"
SECONDS = 1.5

PROFILE = f"""
extends = "default"
name = "test"
reply_seconds = {SECONDS}
"""


@pytest.fixture(scope="module")
def chain(start_shared: Callable[..., Any]) -> Any:
    return start_shared(PROFILE)


@pytest.fixture(autouse=True)
def recovers(chain: Any) -> Iterator[None]:
    """Behind each test the same process answers as if nothing had been."""
    process = chain.emulator.process_id
    yield
    chain.control("DELETE", "/faults")
    with chain.customer() as client:
        assert client.send(GURL).data.startswith(b"SURL<ERROR=0,")
        assert client.send(CRD).data.startswith(b"CRDA<ERROR=0,")
    assert chain.control("GET", "/health")["ready"] is True
    assert chain.emulator.process_id == process


@contextmanager
def at_the_same_time() -> Iterator[Callable[..., Any]]:
    """Starts calls in threads of their own."""
    with ThreadPoolExecutor(30) as pool:
        yield pool.submit


def echoes(chain: Any, name: str) -> bool:
    """Whether a proxy's port answers the dispatcher's test (HDR-05)."""
    line = Line(chain, name, "")
    with line.socket:
        frame = line.codec.frame(CommonHeader(1, echo=1, serial=5), b"")
        line.socket.sendall(frame)
        return bool(line.next().octets == frame)


def keeps_serving(chain: Any, before: "Before") -> None:
    """What needs no store is answered at once: echoes, refusals, the control API."""
    begun = time.monotonic()
    assert all(echoes(chain, name) for name in ("rm", "rs", "inbox", "staroe"))
    with before.copy() as client:
        assert client.send(GURL, proxy="ODS").status == 104
        assert client.send(GURL, proxy="nobody").status == 103
    assert chain.control("GET", "/endpoints")
    assert time.monotonic() - begun < SECONDS
    with pytest.raises(RuntimeError, match=r"503 .*no answer for"):
        chain.control("GET", "/health")


class Before:
    """A session that was opened while all was well."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        with chain.customer() as client:
            assert client.send(GURD).status == 0  # the dispatcher has seen the entitlements
            self.session = client.session

    def copy(self) -> Any:
        client = self._chain.client("web")
        client.session = self.session
        return client


def test_a_store_that_hangs_costs_only_those_who_need_it(chain: Any) -> None:
    before = Before(chain)

    def ask(native: bool) -> Any:
        with chain.client("rm-native") if native else before.copy() as client:
            return client.send(GURL)

    with at_the_same_time() as start:
        with chain.fault(kind="database-hang"):
            begun = time.monotonic()
            over_https = [start(ask, False) for _ in range(20)]
            natively = [start(ask, True) for _ in range(3)]
            time.sleep(0.2)
            keeps_serving(chain, before)
            assert {one.result().status for one in over_https} == {109}
            assert SECONDS <= time.monotonic() - begun < SECONDS + 4
            assert not any(one.done() for one in natively)
        answers = {one.result(10).data for one in natively}
    assert len(answers) == 1
    assert answers.pop().startswith(b"SURL<ERROR=0,")


def test_who_goes_while_the_store_hangs_is_no_failure_of_the_server(chain: Any) -> None:
    since = len(chain.emulator.log)
    with chain.fault(kind="database-hang", message="GURD"):
        with chain.customer() as client:
            assert client.send(GURD).status == 109
        time.sleep(0.1)
    assert not any("failed to answer" in line for line in chain.emulator.log[since:])


def test_the_emulator_stops_while_its_store_hangs(start_shared: Callable[..., Any]) -> None:
    chain = start_shared(PROFILE)
    host, _, port = chain.emulator.places["rm-native"].rpartition(":")
    chain.control("POST", "/faults", {"kind": "database-hang"})
    with socket.create_connection((host, int(port)), timeout=10) as waiting:
        waiting.sendall(GURL)
        time.sleep(0.2)
        begun = time.monotonic()
        assert chain.emulator.stop() == 0
        assert time.monotonic() - begun < 5
        assert waiting.recv(100).startswith(b"SURL<ERROR=0,")


def test_what_is_remembered_does_not_hide_a_fault(chain: Any) -> None:
    grtl = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
    with chain.customer() as client:
        for _ in range(2):
            assert client.send(grtl).status == 0
        with chain.fault(kind="statement-failure", message="GRTL"):
            assert client.send(grtl).data == b"SRTL<ERROR=6106>"
        assert client.send(grtl).status == 0


def test_a_real_lock_in_the_store_keeps_writers_waiting_and_nobody_else(chain: Any) -> None:
    with chain.customer() as client:
        assert client.send(GURL).status == 0
        lock = sqlite3.connect(chain.emulator.state / "starwire.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        try:
            assert client.send(CRD).status == 109
            begun = time.monotonic()
            assert client.send(GURL).status == 0
            assert echoes(chain, "rm")
            assert time.monotonic() - begun < SECONDS
        finally:
            lock.execute("ROLLBACK")
            lock.close()


def test_a_hang_of_one_user_is_not_the_others(chain: Any) -> None:
    with (
        chain.customer("dorod") as slow,
        chain.customer() as client,
        at_the_same_time() as start,
        chain.fault(kind="database-hang", user="dorod"),
    ):
        waiting = start(slow.send, GURD)
        time.sleep(0.1)
        begun = time.monotonic()
        for _ in range(5):
            assert client.send(GURL).status == 0
        assert time.monotonic() - begun < SECONDS
        assert waiting.result().status == 109


@pytest.mark.parametrize("user", ["", "jeanvnet2"])
def test_a_store_that_hangs_too_long_is_given_up(chain: Any, user: str) -> None:
    aim = {"user": user} if user else {}
    before = Before(chain)
    with before.copy() as client, chain.fault(kind="database-hang", seconds=0.4, **aim):
        begun = time.monotonic()
        assert client.send(GURL).data == b"SURL<ERROR=6105>"
        assert 0.4 <= time.monotonic() - begun < SECONDS


def test_a_store_that_is_down_is_told_everywhere_as_that_place_can(chain: Any) -> None:
    before = Before(chain)
    with chain.fault(kind="database-down"), before.copy() as client:
        assert client.send(GURL).data == b"SURL<ERROR=6105>"
        assert client.send(
            b"L<ENTPID=00022924,USERID=jeanvnet2,CATEGORY=R>", proxy="INBOX"
        ).data == (b"Z<REQ=L,ERROR=5105>")
        assert client.send(GURL, type=1).status == 111
        with chain.client("jar") as jar:
            made = jar.send(b"CKM<USERID=dorod,ENTPID=00022924>")
        assert made.data == b"CKMA<ERROR=6105>"
        with pytest.raises(LogonRefused), chain.client("web") as new:
            new.logon("dorod", "interact")
        with pytest.raises(RuntimeError, match=r"503 .*a fault is switched on"):
            chain.control("GET", "/health")


def test_a_session_that_cannot_be_kept_is_none(chain: Any) -> None:
    """The password is right, and the jar's store does not answer: 106, and no key."""
    with chain.fault(kind="database-down"), chain.client("jar") as jar:
        assert jar.send(b"CKM<USERID=dorod,ENTPID=00022924>").data == b"CKMA<ERROR=6105>"
        assert jar.send(b"CKG<KEY=0123456789abcdef0123456789abcdef>").data == b"CKGA<ERROR=6109>"


@pytest.mark.parametrize("statement", [1, 2, 3, 4])
def test_of_a_change_that_fails_halfway_nothing_is_kept(chain: Any, statement: int) -> None:
    def count() -> int:
        with sqlite3.connect(chain.emulator.state / "starwire.db") as store:
            tables = ("user_reports", "user_report_parameters", "counters WHERE last > 3415")
            queries = [f"SELECT count(*) FROM {table}" for table in tables]
            found = [store.execute(query).fetchone()[0] for query in queries]
        store.close()
        return sum(found)

    fault = {"kind": "statement-failure", "message": "CRD", "statement": statement}
    with chain.customer() as client:
        before = count()
        with chain.fault(**fault):
            assert client.send(CRD).data == b"CRDA<ERROR=6106>"
        assert count() == before


def test_a_deferred_request_fails_with_its_code(chain: Any) -> None:
    with chain.customer() as client:
        with chain.fault(kind="general-failure", message="GURD"):
            accepted = client.send(GURD, type=1)
            assert accepted.status == 1
            reply = client.send(accepted.data, type=2)
            for _ in range(100):
                if reply.status != 2:
                    break
                time.sleep(0.02)
                reply = client.send(accepted.data, type=2)
        assert (reply.status, reply.data) == (100, b"SURD<ERROR=6101>")


def test_a_file_is_missing_for_as_long_as_it_is_told(chain: Any) -> None:
    loc = "/inbox/files/ods/902512294STDRPTID10.CSV"
    added = (
        b"A<CATEGORY=R,TYPE=traffic,USERID=LynneLevy2,RPTID=150,COMPRESS=0,RPTCATEGORY=Hours,"
        b"LOC=%b,ENTPID=10324488,RQSTDT=1998-01-02 15:18,FSIZE=3705,RPTTITLE=Summary,MSIZE=0>"
    )
    with chain.client("inbox-native") as native:
        item = native.send(added % loc.encode()).message()["INBOXID"].value.scalar
    with chain.customer("LynneLevy2") as client:
        fetch = b"F<INBOXID=%b>" % item.encode()
        with chain.fault(kind="file-missing", message="F", nth=2):
            found = [client.send(fetch, proxy="INBOX").data[:17] for _ in range(3)]
    assert found == [b"Z<REQ=F,ERROR=0,I", b"Z<REQ=F,ERROR=510", b"Z<REQ=F,ERROR=0,I"]


@pytest.mark.parametrize("code", [6116, 6707, 7000])
@pytest.mark.parametrize(
    ("message", "acronym"),
    [(b"NRL<LOC=/none>", b"NRLA"), (b"ARDA<ERROR=0,REQUESTID=1,USERRPTID=1>", b"ARDA")],
)
def test_a_fulfilling_server_that_answers_nonsense_is_told_its_code(
    chain: Any, code: int, message: bytes, acronym: bytes
) -> None:
    nrl = (
        b"NRL<TYPE=Sim-Msg-40,ENTPID=00022924,USERID=dorod,STDRPTID=40,COMPRESS=0,"
        b"LOC=/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV,FSIZE=389,PRESORTED=0,"
        b"REPORTTITLE=Hours,CATEGORY=R,PRIORITY=1>"
    )
    sent = nrl if acronym == b"NRLA" else message
    with chain.fault(kind="fulfilling-server", code=code), chain.client("rm-native") as native:
        assert native.send(sent).data.startswith(b"%b<ERROR=%d" % (acronym, code))


# From the configuration.


def test_faults_can_be_on_from_the_start(start_shared: Callable[..., Any]) -> None:
    faults = """
[[faults]]
kind = "truncate"
hop = "rm-native"
octets = 4
[[faults]]
kind = "database-down"
user = "dorod"
"""
    config = f"seed = 17\n{CHEAP}{faults}"
    chain = start_shared(PROFILE, "--only", "rm-native,jar,staroe", config=config)
    with chain.client("rm-native") as native, pytest.raises(ClientError, match="whole reply"):
        native.send(GURL)
    with chain.client("rm-native") as native, pytest.raises(ClientError, match="whole reply"):
        native.send(GURL.replace(b"jeanvnet2", b"dorod"))


def test_a_fault_of_the_configuration_that_makes_no_sense_names_its_key(
    start_shared: Callable[..., Any],
) -> None:
    with pytest.raises(EmulatorError, match=r"faults\[0\]\.seconds: must be above 0"):
        start_shared(PROFILE, config='[[faults]]\nkind = "delay"\n')
    with pytest.raises(EmulatorError, match=r"faults\[0\]\.hopp: no such key"):
        start_shared(PROFILE, config='[[faults]]\nkind = "reset"\nhopp = "rm"\n')
