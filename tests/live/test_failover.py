"""Servers killed under load: what it costs, and who is told (DSP-05, DSP-06)."""

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from starwire.harness.client import Client, ClientError
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.profile import shipped

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
CUSTOMERS = 8


def profile(folder: Path, *, multiplex: bool, **registry: list[str]) -> str:
    lines = ['extends = "default"', 'name = "test"', f"multiplex = {str(multiplex).lower()}"]
    places = [f"{target} = {places}" for target, places in registry.items()]
    path = folder / "profile.toml"
    path.write_text("\n".join([*lines, "[registry]", *places, ""]))
    return str(path)


def ports_of(*emulators: EmulatorProcess) -> dict[str, int]:
    return {
        name: int(place.rpartition(":")[2])
        for emulator in emulators
        for name, place in emulator.places.items()
    }


class Crowd:
    """Customers who read until they are told to stop, and what each was told."""

    def __init__(self, web: str) -> None:
        self.web = web
        self.told: list[str] = []
        self.problems: list[BaseException] = []
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self.customer) for _ in range(CUSTOMERS)]

    def customer(self) -> None:
        try:
            with Client(self.web, seconds=20) as client:
                client.logon("jeanvnet2", "interact")
                while not self.enough.is_set():
                    self.told.append(self.ask(client))
        except BaseException as error:
            self.problems.append(error)

    def ask(self, client: Client) -> str:
        try:
            reply = client.send(GRTL)
        except ClientError as error:
            return str(error).partition(": ")[2]
        good = reply.status == 0 and reply.data.startswith(b"SRTL<ERROR=0,")
        return "answered" if good else f"status {reply.status}"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Under load; at least 200 transactions before and after what is done meanwhile."""
        for thread in self.threads:
            thread.start()
        self.more(200)
        yield
        self.more(200)
        self.enough.set()
        for thread in self.threads:
            thread.join()
        assert self.problems == []

    def more(self, count: int) -> None:
        wanted = len(self.told) + count
        until = time.monotonic() + 30
        while len(self.told) < wanted and time.monotonic() < until and not self.problems:
            time.sleep(0.01)


@pytest.mark.parametrize("multiplex", [False, True])
def test_a_killed_proxy_instance_costs_no_read(tmp_path: Path, multiplex: bool) -> None:
    state = tmp_path / "state"
    with (
        EmulatorProcess(state, "--only", "jar,staroe", "--quiet") as inner,
        EmulatorProcess(state, "--only", "rm", "--quiet", ports=ports_of(inner)) as first,
        EmulatorProcess(state, "--only", "rm", "--quiet", ports=ports_of(inner)) as second,
    ):
        places = [first.places["rm"], second.places["rm"]]
        options = ["--profile", profile(tmp_path, multiplex=multiplex, RM=places), "--quiet"]
        options += ["--only", "web,dispatcher"]
        with EmulatorProcess(state, *options, ports=ports_of(inner)) as outer:
            crowd = Crowd(outer.target("web"))
            with crowd.at_work():
                first.kill()
    assert set(crowd.told) == {"answered"}


@pytest.mark.parametrize("multiplex", [False, True])
def test_a_killed_dispatcher_costs_what_was_in_flight_there(
    tmp_path: Path, multiplex: bool
) -> None:
    state = tmp_path / "state"
    options = ["--profile", profile(tmp_path, multiplex=multiplex), "--quiet"]
    shared = [*options, "--only", "dispatcher", "--shared-port", "dispatcher"]
    with ExitStack() as running:

        def start(*options: str, **ports: int) -> EmulatorProcess:
            return running.enter_context(EmulatorProcess(state, *options, ports=ports))

        inner = start(*options, "--only", "jar,staroe,rm")
        first = start(*shared, **ports_of(inner))
        ports = ports_of(inner, first)
        second = start(*shared, **ports)
        assert second.places == first.places
        web = start(*options, "--only", "web", **ports)
        crowd = Crowd(web.target("web"))
        with crowd.at_work():
            first.kill()
    lost = [told for told in crowd.told if told != "answered"]
    assert set(lost) <= {"HTTP 503 no dispatcher can be reached"}
    assert len(lost) <= CUSTOMERS


class Swallowing:
    """In front of a proxy: passes frames on, and closes when the reply is there, without it."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.frames: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.own = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                frame = whole_frame(connection)
                self.frames.append(frame)
                host, _, port = self.place.rpartition(":")
                with socket.create_connection((host, int(port))) as onward:
                    onward.sendall(frame)
                    whole_frame(onward)

    def close(self) -> None:
        self._listening.close()


def whole_frame(connection: socket.socket) -> bytes:
    standard = shipped("default")
    reader = FrameReader(standard.wire.common, standard)
    while (frame := reader.next_frame()) is NEED_DATA:
        data = connection.recv(65_536)
        assert data, "closed in a frame"
        reader.feed(data)
    return frame.octets


@pytest.fixture
def swallowing() -> Iterator[Callable[[str], Swallowing]]:
    made: list[Swallowing] = []

    def make(place: str) -> Swallowing:
        made.append(Swallowing(place))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("multiplex", [False, True])
def test_an_asynchronous_request_that_is_sent_again_is_done_once(
    tmp_path: Path, swallowing: Callable[[str], Swallowing], multiplex: bool
) -> None:
    state = tmp_path / "state"
    with EmulatorProcess(state, "--only", "jar,staroe,rm", "--quiet") as inner:
        torn = swallowing(inner.places["rm"])
        places = [torn.own, inner.places["rm"]]
        options = ["--profile", profile(tmp_path, multiplex=multiplex, RM=places), "--quiet"]
        options += ["--only", "web,dispatcher"]
        with (
            EmulatorProcess(state, *options, ports=ports_of(inner)) as outer,
            Client(outer.target("web")) as client,
        ):
            client.logon("jeanvnet2", "interact")
            accepted = client.send(b"CRD<USERRPTID=245,NAME=Copied once>", type=1)
            assert accepted.status == 1
            assert len(torn.frames) == 1
            while (polled := client.send(accepted.data, type=2)).status == 2:
                time.sleep(0.02)
            assert polled.data.startswith(b"CRDA<ERROR=0,")
    with sqlite3.connect(state / "starwire.db") as database:
        [[accepted_once]] = database.execute("SELECT count(*) FROM deferred_requests").fetchall()
        copies = "SELECT count(*) FROM user_reports WHERE name = 'Copied once'"
        [[done_once]] = database.execute(copies).fetchall()
    database.close()
    assert (accepted_once, done_once) == (1, 1)
