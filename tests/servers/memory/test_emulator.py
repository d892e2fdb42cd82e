"""The emulator in memory answers at every place, on a clock that its caller moves."""

import gc
import os
import time
from functools import partial
from unittest import mock

import msgspec
import pytest
from sqlalchemy import update
from support_memory import Client

from starwire.harness.emulator import in_memory
from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped
from starwire.protocol.status import MessageType, Status, Transaction
from starwire.servers import schema
from starwire.servers.adapter import Answering
from starwire.servers.configuration import Configuration, Links, Logon
from starwire.servers.fault import Fault
from starwire.servers.memory import ALL_BUT_CONTROL, MemoryConnection, MemoryEmulator
from starwire.servers.memory.emulator import CHEAP

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
LOGON = b"VUM<USERID=jeanvnet2,PASSWORD=interact>"


def test_every_place_listens_and_no_other(emulator):
    assert emulator.places == ALL_BUT_CONTROL
    for place in emulator.places:
        emulator.connect(place).close()
    with pytest.raises(ConnectionRefusedError, match="control"):
        emulator.connect("control")
    with pytest.raises(ValueError, match="'ods' is none of web, "):
        emulator.connect("ods")


def test_a_proxy_answers(client):
    key = client.key()
    assert client.ask("rm", GRTL, key).startswith(b"SRTL<ERROR=0,REPORTS")


def test_a_post_goes_through_the_whole_chain(client):
    web = client.emulator.connect("web")
    said = client.post(web, client.body(Transaction.LOGON, "STAROE", LOGON))
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"ERROR=0,USERID=jeanvnet2,ENTPID=00022924" in said
    key = said.split(b"nmci=")[1].split(b";")[0].decode()
    said = client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))
    assert b"ERROR=0" in said
    assert not web.ended


def test_octets_one_at_a_time_are_the_same_to_it(client):
    frame = client.frame(GRTL, client.key())
    whole = client.on(client.emulator.connect("rm"), frame)
    connection = client.emulator.connect("rm")
    for place in range(len(frame)):
        assert connection.take() == b""
        connection.write(frame[place : place + 1])
        client.emulator.run()
    assert connection.take() == whole


def test_a_native_port_admits_its_peers_only(client):
    native = client.emulator.connect("rm-native")
    assert client.on(native, GRTL).startswith(b"SRTL<ERROR=0,REPORTS")
    stranger = client.emulator.connect("rm-native", source="10.1.2.3")
    assert client.on(stranger, GRTL) == b""
    assert stranger.reset


def test_the_clock_stands_until_it_is_moved_and_moving_it_costs_nothing(client):
    emulator = client.emulator
    connection = emulator.connect("rm")
    connection.write(client.frame(GRTL)[:7])
    began = time.monotonic()
    emulator.run()
    assert emulator.now == 0.0
    limit = emulator.profile.mid_frame_seconds
    assert not emulator.run(limit - 0.1, lambda: connection.ended)
    assert emulator.run(60.0, lambda: connection.ended)
    assert emulator.now == pytest.approx(limit)
    assert time.monotonic() - began < 1.0


def test_time_goes_on_to_the_end_of_what_was_asked(emulator):
    assert emulator.run(12.3)
    assert emulator.now == pytest.approx(12.3)
    assert not emulator.run(1.0, lambda: False)
    assert emulator.now == pytest.approx(13.3)


def test_a_half_closed_connection_is_still_answered(client):
    connection = client.emulator.connect("rm")
    connection.write(client.frame(GRTL, client.key()))
    connection.half_close()
    client.emulator.run()
    assert b"ERROR=0" in connection.take()
    assert connection.ended
    assert not connection.reset


def test_what_is_not_read_keeps_its_writer_waiting(client):
    frame = client.frame(GRTL, client.key())
    connection = client.emulator.connect("rm")
    connection.read(False)
    connection.write(frame * 2000)
    client.emulator.run()
    assert connection.take() == b""
    left = connection.unread
    assert left > 0
    connection.read(True)
    client.emulator.run()
    assert connection.unread == 0
    assert connection.take().count(b"SRTL<ERROR=0") == 2000


def test_a_closed_connection_says_what_was_written_and_hears_nothing(client):
    key = client.key()
    before = client.ask("rm", LIST, key)
    connection = client.emulator.connect("rm")
    connection.write(client.frame(ADD, key))
    connection.close()
    client.emulator.run()
    assert connection.take() == b""
    assert client.ask("rm", LIST, key) != before


def test_an_aborted_connection_is_one_that_the_server_loses(client):
    connection = client.emulator.connect("rm")
    connection.write(client.frame(GRTL, client.key()))
    connection.abort()
    client.emulator.run()
    assert connection.take() == b""
    assert not connection.reset


# Standing in another's place.


class StandIn:
    """Keeps what connects to a place."""

    def __init__(self, emulator: MemoryEmulator, place: str) -> None:
        self.accepted: list[MemoryConnection] = []
        emulator.listen(place, self.accepted.append)


def test_the_dispatcher_asks_who_stands_in_the_place_of_rm(client):
    emulator = client.emulator
    key = client.key()
    rm = StandIn(emulator, "rm")
    web = emulator.connect("web")
    assert client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key)) == b""
    (asked,) = rm.accepted
    octets = asked.take()
    header = client.wire.common.decode(octets)
    assert octets[client.wire.common.size :] == GRTL
    asked.write(client.wire.common.frame(CommonHeader(**_echoed(header)), b"SRTL<ERROR=6801>"))
    emulator.run()
    assert web.take().endswith(b"SRTL<ERROR=6801>")
    emulator.unlisten("rm")
    assert b"ERROR=0" in client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))


def test_the_dispatcher_knows_further_instances_until_nobody_stands_there(client):
    emulator = client.emulator
    key = client.key()
    came = []
    for instance in (0, 1):
        emulator.listen(
            "rm", lambda made, one=instance: came.append((one, made)), instance=instance
        )
    web = emulator.connect("web")
    client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))
    ((first, asked),) = came
    asked.close()
    emulator.run()
    assert [one for one, _ in came] == [first, 1 - first], "lost, a read goes to the next instance"
    emulator.restart()
    came.clear()
    web = emulator.connect("web")
    client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))
    came[0][1].close()
    emulator.run()
    assert sorted(one for one, _ in came) == [0, 1], "after a restart too"
    emulator.unlisten("rm")
    web = emulator.connect("web")
    assert b"ERROR=0" in client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))
    assert b"ERROR=0" in client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))
    assert len(came) == 2


def _echoed(header):
    names = ("version", "session_key", "serial", "type")
    return {name: getattr(header, name) for name in names} | {"status": Status.OK}


def test_nobody_answers_in_time(client):
    key = client.key()
    StandIn(client.emulator, "rm")
    web = client.emulator.connect("web")
    client.post(web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))
    patience = client.emulator.profile.reply_seconds
    assert not client.emulator.run(patience / 2, lambda: bool(web.take()))
    assert client.emulator.run(patience, lambda: bool(web.take()))


def test_the_servers_ask_the_jar_that_stands_there(client):
    jar = StandIn(client.emulator, "jar")
    dispatched = client.emulator.connect("rm")
    dispatched.write(client.frame(GRTL, "k" * 32))
    client.emulator.run()
    (asked,) = jar.accepted
    assert asked.take() == b"CKG<KEY=" + b"k" * 32 + b">"
    asked.write(b"CKGA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>")
    client.emulator.run()
    assert b"ERROR=0" in dispatched.take()


# Its life.


ADD = (
    b"ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=New,PRODUCT=S,"
    b"CATEGORY=Analyze Traffic,SCHEDTYPE=R,TIMEZONE=45,"
    b"BILLING=INBOUND<<8005551234,8005551234><NA,NA><NA,NA>>,EMAIL=0,PAGE=0>"
)
LIST = b"GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>"
PUT = (
    b"A<CATEGORY=R,TYPE=D,REQUESTID=1,USERID=jeanvnet2,RPTID=3415,PRIORITY=1,COMPRESS=0,"
    b"UNOTIFY=0,MMADDR=,MMTEXT=,PGT=,PGPIN=,PGTXT=,RPTCATEGORY=X,LOC=/inbox/files/new.csv,"
    b"ENTPID=00022924,RQSTDT=1998-08-24 10:00,FSIZE=5,RPTTITLE=t,MSIZE=0,ERRFLAG=0>"
)
LOC = "/inbox/files/new.csv"


def test_what_was_changed_is_as_it_was_after_restore(client):
    emulator = client.emulator
    key = client.key()
    before = client.ask("rm", LIST, key)
    added = client.ask("rm", ADD, key)
    assert b"ERROR=0" in added
    assert client.ask("rm", LIST, key) != before
    left = emulator.connect("rm")
    emulator.restore()
    assert left.reset
    assert client.status("rm", LIST, key) == Status.NO_SESSION
    key = client.key()
    assert client.ask("rm", LIST, key) == before
    assert client.ask("rm", ADD, key) == added


def test_failures_of_logon_are_forgotten_by_restore(client):
    for _ in range(5):
        assert b"ERROR=6115" in client.ask("staroe", b"VUM<USERID=jeanvnet2,PASSWORD=wrong>")
    assert b"ERROR=6115" in client.ask("staroe", LOGON)
    client.emulator.restore()
    assert b"ERROR=0" in client.ask("staroe", LOGON)


def test_files_are_as_they_were_after_restore(client):
    emulator = client.emulator
    native = emulator.connect("inbox-native")
    assert b"ERROR=0" not in client.on(native, PUT)
    emulator.put_file(LOC, b"hello")
    assert b"ERROR=0" in client.on(native, PUT)
    emulator.remove_file(LOC)
    assert b"ERROR=0" not in client.on(native, PUT)
    emulator.put_file(LOC, b"hello")
    emulator.restore()
    assert b"ERROR=0" not in client.on(emulator.connect("inbox-native"), PUT)
    first = next(loc for loc in emulator._files._first if loc.endswith(".CSV"))
    path = emulator._files.root.place(first)
    before = path.read_bytes()
    for change in (partial(emulator.put_file, first, b"x"), partial(emulator.remove_file, first)):
        change()
        assert not path.exists() or path.read_bytes() == b"x"
        emulator.restore()
        assert path.read_bytes() == before
    with pytest.raises(ValueError, match="is no place below"):
        emulator.put_file("/../outside", b"")


def test_a_restart_keeps_the_store_and_ends_the_connections(client):
    emulator = client.emulator
    key = client.key()
    identifier = client.ask("rm", ADD, key, type=MessageType.REQUEST)
    connection = emulator.connect("rm")
    emulator.run()
    assert not connection.ended
    emulator.restart()
    emulator.run()
    assert connection.ended
    polled = client.ask("rm", identifier, key, type=MessageType.POLL)
    assert b"ERROR=0" in polled
    assert b"New" in client.ask("rm", LIST, key)


def test_who_stands_in_a_place_stays_there_over_a_restart(client):
    rm = StandIn(client.emulator, "rm")
    client.emulator.restart()
    client.emulator.connect("rm")
    assert len(rm.accepted) == 1
    client.emulator.unlisten("rm")
    assert client.status("rm", b"", type=MessageType.POLL) == Status.NO_SESSION


def test_nothing_is_left_behind():
    emulator = MemoryEmulator()
    folder = emulator._files.state
    assert folder.is_dir()
    emulator.connect("rm")
    emulator.close()
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        emulator.connect("rm")


def test_reference_tables_that_were_changed_are_as_they_were_after_restore(client):
    emulator = client.emulator
    native = emulator.connect("rm-native")
    before = client.on(native, GRTL)
    assert b"Frequent" in before
    with emulator._store.write() as connection:
        connection.execute(update(schema.templates).values(title="Changed"))
    changed = client.on(native, GRTL)
    assert b"Changed" in changed
    assert b"Frequent" not in changed
    emulator.restore()
    assert client.on(emulator.connect("rm-native"), GRTL) == before


def test_the_time_of_day_begins_anew_with_restore_and_the_clock_does_not(client):
    emulator = client.emulator

    def dated() -> bytes:
        key = client.key()
        assert b"ERROR=0" in client.ask("rm", ADD, key)
        return client.ask("rm", LIST, key)

    before = dated()
    emulator.run(86_400.0)
    assert dated() != before
    emulator.restore()
    assert emulator.now == pytest.approx(86_400.0)
    assert dated() == before


def test_what_the_dispatcher_knows_is_as_it_was_after_restore(client):
    emulator = client.emulator

    def asked_of(rm: StandIn) -> bytes:
        post = client.body(Transaction.TRANSACTION, "RM", GRTL, client.key())
        client.post(emulator.connect("web"), post)
        return rm.accepted[-1].take()

    def serial(rm: StandIn) -> int:
        return client.wire.common.decode(asked_of(rm)).serial

    rm = StandIn(emulator, "rm")
    first = serial(rm)
    assert serial(rm) > first
    emulator.run(3 * emulator.profile.ping_seconds)  # nobody answers the pings: rm is left out
    count = len(rm.accepted)
    emulator.restore()
    assert serial(rm) == first
    assert len(rm.accepted) == count + 1


# What is not of every emulator.


def profile_of(**changes):
    return msgspec.structs.replace(shipped("default"), **changes)


def test_kept_connections_end_when_another_stands_there():
    with MemoryEmulator(profile=profile_of(multiplex=True)) as emulator:
        client = Client(emulator)
        key = client.key()
        web = emulator.connect("web")
        post = partial(client.post, web, client.body(Transaction.TRANSACTION, "RM", GRTL, key))
        assert b"ERROR=0" in post()
        rm = StandIn(emulator, "rm")
        assert post() == b""
        (asked,) = rm.accepted
        assert asked.take().endswith(GRTL)
        emulator.unlisten("rm")
        emulator.run()
        assert asked.reset or asked.ended
        assert web.take().startswith(b"HTTP/1.1 200 OK")
        assert b"ERROR=0" in post()


def test_its_links_can_be_sealed(tmp_path):
    keys = tmp_path / "keys.toml"
    keys.write_text(f'web = "{"1" * 64}"\nproxy = "{"2" * 64}"\n')
    configuration = Configuration(logon=Logon(cost=CHEAP), links=Links(key_file=str(keys)))
    with MemoryEmulator(configuration=configuration) as emulator:
        client = Client(emulator)
        web = emulator.connect("web")
        body = client.body(Transaction.TRANSACTION, "RM", GRTL, client.key())
        assert b"ERROR=0" in client.post(web, body)
        assert GRTL not in client.on(emulator.connect("rm"), client.frame(GRTL))


def test_what_is_audited_is_on_disk_and_closed_at_the_end():
    configuration = Configuration(logon=Logon(cost=CHEAP))
    assert configuration.audit.enabled
    before = set(os.listdir("/proc/self/fd"))
    with MemoryEmulator(configuration=configuration) as emulator:
        client = Client(emulator)
        client.ask("rm", GRTL, client.key())
        emulator.run(5.0)
        assert emulator.bugs == []
        assert list(emulator._files.state.rglob("audit/*"))
        emulator.restart()
        assert b"ERROR=0" in client.ask("rm", GRTL, client.key())
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_fault_strikes_and_takes_its_time_on_this_clock():
    fault = Fault(kind="delay", hop="rm", seconds=7.0)
    with MemoryEmulator(faults=[fault]) as emulator:
        client = Client(emulator)
        for _ in range(2):
            connection = emulator.connect("rm")
            began = emulator.now
            assert client.on(connection, client.frame(GRTL, client.key())) == b""
            assert emulator.run(20.0, lambda: bool(connection.take()))  # noqa: B023
            assert emulator.now - began == pytest.approx(7.0)
            emulator.restore()


def test_a_fault_counts_anew_after_restore():
    with MemoryEmulator(faults=[Fault(kind="close", hop="rm", first=1)]) as emulator:
        client = Client(emulator)
        for _ in range(2):
            key = client.key()
            assert client.ask("rm", GRTL, key) == b""
            assert b"ERROR=0" in client.ask("rm", GRTL, key)
            emulator.restore()


def test_a_port_refuses_while_a_fault_wants_it():
    with MemoryEmulator(faults=[Fault(kind="refuse", hop="rs")]) as emulator:
        emulator.connect("rm")
        with pytest.raises(ConnectionRefusedError):
            emulator.connect("rs")
        emulator.restore()
        with pytest.raises(ConnectionRefusedError):
            emulator.connect("rs")


def test_what_cannot_be_in_memory_is_refused():
    for options in (
        {"only": ("rm", "control")},
        {"faults": [Fault(kind="database-hang", seconds=1.0)]},
    ):
        with pytest.raises(ValueError, match=r"^not in memory: "):
            MemoryEmulator(**options)
    MemoryEmulator(faults=[Fault(kind="database-hang", message="GRTL", seconds=1.0)]).close()


def test_only_some_places_may_be_its_own():
    with MemoryEmulator(only=("jar", "rm")) as emulator:
        assert b"ERROR=0" in Client(emulator).ask("rm", GRTL, Client(emulator).key())
        with pytest.raises(ConnectionRefusedError, match="web"):
            emulator.connect("web")


# What goes wrong.


def test_what_the_caller_does_wrong_is_raised_where_it_called(emulator):
    def accept(connection: MemoryConnection) -> None:
        raise ZeroDivisionError

    emulator.listen("rm", accept)
    emulator.connect("rm")
    with pytest.raises(ZeroDivisionError):
        emulator.run()
    emulator.run()
    assert emulator.bugs == []


def test_a_bug_of_the_servers_ends_its_connection_and_is_kept(client):
    connection = client.emulator.connect("rm")
    with mock.patch.object(Answering, "_advance", side_effect=ZeroDivisionError):
        connection.write(b"x")
        client.emulator.run()
    assert connection.ended
    (bug,) = client.emulator.bugs
    assert "ZeroDivisionError" in bug
    assert client.status("rm", GRTL) == Status.NO_SESSION


def test_the_harness_has_a_door_to_it():
    with in_memory(only=("jar",)) as emulator:
        assert isinstance(emulator, MemoryEmulator)
        assert emulator.profile == profile_of(allow_plain_http=True)
