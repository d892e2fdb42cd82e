"""Bulk transfers over real sockets: whole, cancelled, resumed, through kills (TRN-03, WEB-08)."""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.bulk import TransferLost
from starwire.harness.client import Client
from starwire.protocol.bulk import Cancel, Cancelled, Declined, Ended, Open, Sending, request_data
from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import shipped
from starwire.protocol.sealing import load_link_keys
from starwire.protocol.status import Status

TEST = 'extends = "default"\nname = "test"\n'
SEATS = ("web", "dispatcher", "inbox")
ADD = (
    b"A<CATEGORY=R,TYPE=D,REQUESTID=1,USERID=jeanvnet2,RPTID=3415,PRIORITY=1,COMPRESS=0,"
    b"UNOTIFY=0,MMADDR=,MMTEXT=,PGT=,PGPIN=,PGTXT=,RPTCATEGORY=X,LOC=%b,ENTPID=00022924,"
    b"RQSTDT=1998-08-24 10:00,FSIZE=%d,RPTTITLE=t,MSIZE=0,ERRFLAG=0>"
)
BIG = 6_000_001
GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
Start = Callable[..., Any]


def put(chain: Any, name: str, octets: bytes | int) -> bytes:
    """Put a file, or so many octets of none, into the Inbox of jeanvnet2; gives its fetch."""
    folder = Path(chain.emulator.state) / "files" / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as file:
        size = file.truncate(octets) if isinstance(octets, int) else file.write(octets)
    with chain.client("inbox-native") as native:
        added = native.send(ADD % (f"/inbox/{name}".encode(), size)).message()
    assert added["ERROR"].value.scalar in ("0", "5005")
    return f"F<INBOXID={added['INBOXID'].value.scalar}>".encode()


@pytest.fixture(scope="module")
def big() -> bytes:
    """Octets that no two places of are alike, and not a whole number of frames."""
    return os.urandom(BIG)


@pytest.fixture(scope="module")
def fetch(chain: Any, big: bytes) -> bytes:
    return put(chain, "big.csv", big)


@pytest.fixture(params=SEATS)
def client(request: pytest.FixtureRequest, chain: Any) -> Iterator[Client]:
    """jeanvnet2 at each seat of the chain."""
    with chain.customer() as web:
        if request.param == "web":
            yield web
            return
        with chain.client(request.param) as inner:
            inner.session = web.session
            yield inner


def read(run: Any, most: int | None = None) -> bytes:
    """The octets of a run; once there are `most` of them no more frames are taken."""
    found = b""
    for octets in run:
        found += octets
        if most is not None and len(found) >= most:
            break
    return found


def drain(run: Any, found: bytearray) -> None:
    """Put behind `found` what comes, however it ends."""
    for octets in run:
        found += octets


def test_a_file_comes_whole(client: Client, fetch: bytes, big: bytes) -> None:
    with client.open(fetch) as run:
        assert read(run) == big
    assert run.end == Ended(hashlib.sha256(big).digest(), verified=True)
    assert (run.total, run.offset) == (BIG, BIG)
    assert run.transfer > 0


@pytest.mark.parametrize("offset", [0, 1, 65_535, 65_536, 3_000_000, BIG - 1, BIG])
def test_it_is_resumed_at_any_octet(client: Client, fetch: bytes, big: bytes, offset: int) -> None:
    with client.open(fetch) as run:
        read(run, 1)
    hashed = hashlib.sha256(big[:offset])
    with client.resume(run.transfer, offset, hashed=hashed) as again:
        assert read(again) == big[offset:]
    assert again.end == Ended(hashlib.sha256(big).digest(), verified=True)
    assert again.transfer == run.transfer


def test_an_empty_file_has_the_end_only(chain: Any, client: Client) -> None:
    with client.open(put(chain, "empty.csv", b"")) as run:
        assert read(run) == b""
    assert run.end == Ended(hashlib.sha256(b"").digest(), verified=True)


@pytest.mark.parametrize(
    ("message", "proxy", "said"),
    [
        (b"F<INBOXID=999999>", "INBOX", b"Z<REQ=F,ERROR=5100"),
        (b"F<INBOXID=x>", "INBOX", b"Z<REQ=F,ERROR=5121"),
        (b"<<<", "INBOX", b"Z<REQ=,ERROR=5101>"),
        (b"", "INBOX", b"Z<REQ=,ERROR=5101>"),
    ],
)
def test_a_message_in_error_is_one_frame(
    client: Client, message: bytes, proxy: str, said: bytes
) -> None:
    with client.open(message, proxy=proxy) as run:
        assert read(run) == b""
    assert isinstance(run.end, Declined)
    assert run.end.status == 100
    assert run.end.data.startswith(said)
    assert run.transfer == 0


@pytest.mark.parametrize("message", [GRTL, b"GPL<PL_TIMEZONE>", b"GPL<PL_LANG>"])
def test_a_message_by_bulk_is_that_of_the_synchronous_reply(chain: Any, message: bytes) -> None:
    with chain.customer() as client:
        with client.open(message, proxy="RM") as run:
            octets = read(run)
        assert isinstance(run.end, Ended)
        assert octets == client.send(message).data
        with client.resume(run.transfer, 5, proxy="RM") as again:
            assert read(again) == octets[5:]
        assert again.end == Ended(run.end.digest, verified=False)


def test_what_is_done_by_bulk_is_done_once(chain: Any) -> None:
    name = f"bulk {time.time()}".encode()
    ard = (
        b"ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=%b,PRODUCT=S,"
        b"CATEGORY=Analyze Traffic,SCHEDTYPE=R,TIMEZONE=45,"
        b"BILLING=INBOUND<<90000003,90000003><NA,NA><NA,NA>>,EMAIL=0,PAGE=0>" % name
    )
    with chain.customer() as client:
        with client.open(ard, proxy="RM") as run:
            added = read(run)
        for _ in range(2):
            with client.resume(run.transfer, 0, proxy="RM") as again:
                assert read(again) == added
        listed = client.send(
            b"GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>"
        )
    assert added.startswith(b"ARDA<ERROR=0,")
    assert listed.data.count(name) == 1


def test_star_oe_takes_no_bulk(chain: Any) -> None:
    with chain.customer() as client, client.open(b"GUA<>", proxy="STAROE") as run:
        assert read(run) == b""
    assert run.end == Declined(Status.UNKNOWN_TYPE, b"")


# -------------------------------------------------------------------------------------- whose it is


def test_nobody_else_finds_it_and_nowhere_else(chain: Any, client: Client, fetch: bytes) -> None:
    with client.open(fetch) as run:
        read(run, 1)
    with chain.customer("dorod") as other, chain.customer() as again:
        for where, proxy, status in ((other, "INBOX", 108), (again, "RM", 108)):
            with where.resume(run.transfer, 0, proxy=proxy) as stranger:
                assert read(stranger) == b""
            assert stranger.end == Declined(status, b"")
            assert where.cancel(run.transfer, proxy=proxy).status == status
        with again.resume(run.transfer, BIG - 10) as mine:
            assert len(read(mine)) == 10


@pytest.mark.parametrize(("transfer", "offset", "status"), [(0, 0, 108), (2**62, 0, 108)])
def test_an_id_that_nobody_has(client: Client, transfer: int, offset: int, status: int) -> None:
    with client.resume(transfer, offset) as run:
        assert read(run) == b""
    assert run.end == Declined(status, b"")
    assert client.cancel(transfer).status == 108


def test_an_offset_beyond_the_total(client: Client, fetch: bytes) -> None:
    with client.open(fetch) as run:
        read(run)
    with client.resume(run.transfer, BIG + 1) as again:
        assert read(again) == b""
    assert again.end == Declined(110, b"")


@pytest.mark.parametrize("data", [b"", b"\0" * 24, b"\1" + b"\0" * 24, b"\x77" + b"\0" * 30])
def test_a_frame_that_asks_nothing_is_110(client: Client, data: bytes) -> None:
    reply = client.send(data, proxy="INBOX", type=3)
    assert (reply.status, reply.data) == (110, b"")
    assert client.send(b"F<INBOXID=x>", proxy="INBOX").status == 100


# ----------------------------------------------------------------------------------------- its ends


def test_a_cancel_from_elsewhere_ends_both(chain: Any, client: Client) -> None:
    slow = put(chain, "slow.csv", 100_000_000)
    with client.open(slow) as run, chain.customer() as other:
        read(run, 1)
        reply = other.cancel(run.transfer)
        assert reply.status == 5
        told = chain.profile.wire.bulk.decode(reply.data)
        assert (told.operation, told.transfer, told.total) == (4, run.transfer, 100_000_000)
        read(run)
        assert run.end == Cancelled()
        assert told.offset <= run.offset < 100_000_000
        assert other.cancel(run.transfer).status == 5
        with other.resume(run.transfer, 100_000_000 - 5) as again:
            assert read(again) == bytes(5)


@pytest.mark.parametrize("seat", ["dispatcher", "inbox"])
def test_a_cancel_on_its_own_connection_overtakes(chain: Any, seat: str) -> None:
    """More is on its way than sockets hold, so the proxy waits when the cancel comes."""
    slow = put(chain, "slow.csv", 100_000_000)
    with chain.customer() as web, chain.client(seat) as client:
        client.session = web.session
        with client.open(slow) as run:
            read(run, 1)
            run.cancel()
            read(run)
        assert run.end == Cancelled()
        assert run.offset < 50_000_000


def test_a_response_that_is_closed_is_cancelled(chain: Any) -> None:
    slow = put(chain, "slow.csv", 100_000_000)
    with chain.customer() as client:
        with client.open(slow) as run:
            read(run, 1)
            run.cancel()
        ended = f"transfer={run.transfer} sent="
        for server in ("inbox", "dispatcher", "web"):
            assert chain.emulator.await_log(
                lambda lines, server=server: any(
                    line.startswith(f"hop={server} ")
                    and ("status=3" in line)
                    and (ended in line or server != "inbox")
                    for line in lines
                )
            ), server
        assert client.cancel(run.transfer).status == 5


def test_a_resume_ends_the_older_run(chain: Any, client: Client) -> None:
    slow = put(chain, "slow.csv", 100_000_000)
    with client.open(slow) as older, chain.customer() as other:
        read(older, 1)
        with other.resume(older.transfer, 100_000_000 - 10) as newer:
            assert read(newer) == bytes(10)
        read(older)
        assert older.end == Cancelled()


@pytest.mark.parametrize("seat", ["dispatcher", "inbox"])
def test_what_comes_behind_a_run_on_its_connection_waits_for_it(
    chain: Any, fetch: bytes, big: bytes, seat: str
) -> None:
    """An open, a cancel of nothing, a message and an open of an error: answers in this order."""
    bulk = chain.profile.wire.bulk
    with chain.customer() as client:
        session = client.session
    if seat == "inbox":
        codec: Any = chain.profile.wire.common
        header: Any = CommonHeader(1, session_key=session.key, serial=7)
        kinds = [CommonHeader(1, session_key=session.key, serial=7, type=3), header]
    else:
        codec = chain.profile.wire.dispatcher
        given = (session.user_id, session.enterprise_id, session.key)
        kinds = [DispatcherHeader(1, 0, "INBOX", type, *given) for type in (3, 0)]
    frames = [
        codec.frame(kinds[0], request_data(bulk, Open(fetch))),
        codec.frame(kinds[0], request_data(bulk, Cancel(2**40))),
        codec.frame(kinds[1], b"F<INBOXID=x>"),
        codec.frame(kinds[0], request_data(bulk, Open(b"F<INBOXID=x>"))),
    ]
    came: list[int] = []
    length = 0
    host, _, port = chain.emulator.places[seat].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"".join(frames))
        connection.shutdown(socket.SHUT_WR)
        reader: FrameReader[Any] = FrameReader(codec, chain.profile)
        while data := connection.recv(65_536):
            reader.feed(data)
            while (frame := reader.next_frame()) is not NEED_DATA:
                came.append(frame.header.status)
                length += len(frame.data) - bulk.size if frame.header.status == 3 else 0
    assert length == len(big)
    assert came == [3] * (len(came) - 4) + [4, 108, 100, 100]
    assert not reader.cut_off


# -------------------------------------------------------------------------- kills, and slow readers


def test_a_transfer_outlives_its_client_and_its_proxy(start_chain: Start) -> None:
    chain = start_chain()
    octets = os.urandom(20_000_000)
    fetch = put(chain, "big.csv", octets)
    with chain.customer() as client:
        session = client.session
        with client.open(fetch) as run:
            came = bytearray(read(run, 200_000))  # and then the client is gone
        with client.resume(run.transfer, len(came), hashed=hashlib.sha256(came)) as again:
            came += read(again, 200_000)
            chain.emulator.kill()
            with pytest.raises(TransferLost) as raised:
                drain(again, came)
    assert (raised.value.transfer, raised.value.offset) == (run.transfer, len(came))
    assert len(came) < len(octets)
    chain = start_chain()
    with chain.client("web") as client:
        client.session = session
        hashed = hashlib.sha256(came)
        with client.resume(run.transfer, len(came), hashed=hashed) as last:
            came += read(last)
        assert last.end == Ended(hashlib.sha256(octets).digest(), verified=True)
    assert came == octets


def test_a_proxy_that_is_lost_leaves_106_and_its_transfer(start_chain: Start) -> None:
    from starwire.harness.emulator import EmulatorProcess

    from .test_processes import free_port

    ports = {name: free_port() for name in ("inbox", "dispatcher", "jar")}
    outer = "web,dispatcher,jar,staroe,inbox-native"
    inbox = ["--port", f"inbox={ports['inbox']}", "--port", f"jar={ports['jar']}"]
    chain = start_chain('extends = "default"\nname = "test"\n', "--only", outer, *inbox)
    fetch = put(chain, "big.csv", 50_000_000)
    state, only = Path(chain.emulator.state), ("--only", "inbox")
    with chain.customer() as client:
        with EmulatorProcess(state, *only, ports=ports) as proxy:
            with client.open(fetch) as run:
                read(run, 1)
                proxy.kill()
                read(run)
            assert run.end == Declined(106, b"")
            assert 0 < run.offset < 50_000_000
        with (
            EmulatorProcess(state, *only, ports=ports),
            client.resume(run.transfer, 49_999_990) as more,
        ):
            assert read(more) == bytes(10)
        assert isinstance(more.end, Ended)


@contextmanager
def proxy_that(says: Callable[[CommonHeader], bytes]) -> Iterator[str]:
    """An address where a proxy answers one type 3 frame, and from then on nothing."""
    codec, profile = shipped("default").wire.common, shipped("default")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, suppress(ConnectionResetError):
                reader: FrameReader[CommonHeader] = FrameReader(codec, profile)
                while (frame := reader.next_frame()) is NEED_DATA:
                    reader.feed(connection.recv(65_536))
                connection.sendall(says(frame.header))
                while connection.recv(65_536):
                    pass

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(
    ("behind", "serial", "status"), [(b"", 0, 109), (b"\x07", 0, 106), (b"", 1, 106)]
)
def test_a_proxy_that_stops_in_the_middle(
    start_chain: Start, behind: bytes, serial: int, status: int
) -> None:
    """It says nothing more, or no frame, or another request's."""
    wire = shipped("default").wire

    def says(asked: CommonHeader) -> bytes:
        sending = Sending(wire.common, wire.bulk, asked, chunk=4, transfer=9, total=8)
        sending.feed(b"12345678")
        first, second = sending.next_frame(), sending.next_frame()
        assert isinstance(first, bytes)
        assert isinstance(second, bytes)
        place = wire.common.integer("serial").end - 1
        other = second[:place] + bytes([(second[place] + serial) % 256]) + second[place + 1 :]
        return first + (other if serial else b"") + behind

    with proxy_that(says) as address:
        text = f'{TEST}reply_seconds = 0.7\n[registry]\nINBOX = ["{address}"]\n'
        chain = start_chain(text)
        with chain.customer() as web, chain.client("dispatcher") as client:
            client.session = web.session
            with client.open(b"F<INBOXID=1>") as run:
                assert read(run) == b"1234"
            assert run.end == Declined(status, b"")


def test_instances_share_their_transfers(start_chain: Start) -> None:
    """What comes in at one instance ends the run at the other within a second or so."""
    from starwire.harness.emulator import EmulatorProcess

    from .test_processes import free_port

    inboxes = [free_port(), free_port()]
    registry = ", ".join(f'"127.0.0.1:{port}"' for port in inboxes)
    text = f'extends = "default"\nname = "test"\n[registry]\nINBOX = [{registry}]\n'
    outer = "web,dispatcher,jar,staroe,inbox,inbox-native"
    chain = start_chain(text, "--only", outer, "--port", f"inbox={inboxes[0]}")
    fetch = put(chain, "big.csv", 50_000_000)
    jar = int(chain.emulator.places["jar"].rpartition(":")[2])
    ports = {"inbox": inboxes[1], "jar": jar}
    options = ("--only", "inbox", "--profile", f"{Path(chain.emulator.state).parent}/profile.toml")
    with EmulatorProcess(Path(chain.emulator.state), *options, ports=ports) as other:
        with chain.customer() as client, chain.customer() as second:
            with client.open(fetch) as run:
                read(run, 1)
                assert second.cancel(run.transfer).status == 5
                time.sleep(1.5)
                read(run)
            assert run.end == Cancelled()
            with client.resume(run.transfer, 49_999_999) as last:
                assert read(last) == b"\0"
        for log in (chain.emulator.log, other.log):
            assert any("hop=inbox" in line and "type=3" in line for line in log)


def memory_of(chain: Any) -> int:
    """KiB that the emulator has ever held."""
    status = Path(f"/proc/{chain.emulator.process_id}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("seat", SEATS)
def test_a_slow_reader_holds_nothing(start_chain: Start, seat: str) -> None:
    chain = start_chain()
    with chain.customer() as web, chain.client(seat) as client:
        client.session = web.session
        with client.open(put(chain, "small.csv", 1_000_000)) as run:
            read(run)
        huge = put(chain, "huge.csv", 256 * 2**20)
        before = memory_of(chain)
        with client.open(huge) as run:
            read(run, 1)
            time.sleep(1.0)
            assert memory_of(chain) - before < 8 * 1024
            assert web.send(b"GRTL<>").status == 100  # and the others are served meanwhile
            with web.resume(run.transfer, 256 * 2**20) as again:
                read(again)
            assert isinstance(again.end, Ended)
        assert memory_of(chain) - before < 8 * 1024


def test_a_file_that_shrinks_meanwhile_ends_in_5104(chain: Any, client: Client) -> None:
    fetch = put(chain, "shrinks.csv", 60_000_000)
    with client.open(fetch) as run:
        read(run, 1)
        os.truncate(Path(chain.emulator.state) / "files" / "inbox" / "shrinks.csv", 100)
        read(run)
    assert isinstance(run.end, Declined)
    assert (run.end.status, run.end.data[:18]) == (100, b"Z<REQ=F,ERROR=5104")


# ------------------------------------------------------------------------------------- sealed links


def test_sealed_links_make_no_difference(tmp_path: Path, start_chain: Start) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f'web = "{"01" * 32}"\nproxy = "{"ab" * 32}"\n')
    config = tmp_path / "sealed.toml"
    config.write_text(f'[links]\nkey_file = "{keys}"\n[logon.cost]\nn = 16\n')
    chain = start_chain('extends = "default"\nname = "test"\n', "--config", str(config))
    octets = os.urandom(3_000_000)
    fetch, slow = put(chain, "big.csv", octets), put(chain, "slow.csv", 100_000_000)
    with chain.customer() as web:
        for seat in SEATS:
            links = load_link_keys(keys.read_text())
            with Client(chain.emulator.target(seat), link_keys=links, seconds=30) as client:
                client.session = web.session
                with client.open(fetch) as run:
                    assert read(run) == octets
                assert isinstance(run.end, Ended)
                with client.open(slow) as run:
                    read(run, 1)
                    run.cancel()
                    read(run)
                assert run.end == Cancelled()
                assert run.offset < 100_000_000
