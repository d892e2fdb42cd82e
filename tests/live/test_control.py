"""The control API of real processes: a chain is watched, stubbed, and put back while it runs."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from starwire.harness.client import LogonRefused
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.headers import BulkHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import shipped

from .conftest import CHEAP, Chain, start

GRTL = b"GRTL<PRODUCT=T,DATATYPE=R,DATACAT=U,IO=I>"


class Control:
    """Asks the control API of a process."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        self.place = emulator.places["control"]

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(self.place, timeout=20)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        octets = response.read()
        connection.close()
        assert response.status < 300, octets
        if response.getheader("Content-Type") == "application/json":
            return json.loads(octets) if octets else None
        return octets.decode()


@pytest.fixture
def control(chain: Chain) -> Iterator[Control]:
    control = Control(chain.emulator)
    control("POST", "/reset", {})
    yield control
    control("POST", "/reset", {})


def test_health_names_what_listens(chain: Chain, control: Control) -> None:
    health = control("GET", "/health")
    assert (health["ready"], health["profile"]) == (True, "test")
    places = {one["name"]: f"{one['host']}:{one['port']}" for one in health["endpoints"]}
    assert places == chain.emulator.places


def test_one_transaction_is_seen_at_every_hop(chain: Chain, control: Control) -> None:
    with chain.customer() as client:
        client.send(GRTL)
    [web] = control("GET", "/transactions?hop=web&acronym=GRTL")["transactions"]
    seen = control("GET", f"/transactions?transaction={web['transaction']}&acronym=GRTL")
    found = [
        (one["hop"], one["user"], one["target"], one["status"]) for one in seen["transactions"]
    ]
    assert found == [
        ("rm", "jeanvnet2", "RM", 0),
        ("dispatcher", "jeanvnet2", "RM", 0),
        ("web", "jeanvnet2", "RM", 0),
    ]
    whole = control("GET", f"/transactions/{web['id']}")
    assert whole["request"]["octets"].encode("latin-1").endswith(GRTL)
    assert whole["reply"]["message"]["acronym"] == "SRTL"


def test_passwords_stay_secret(chain: Chain, control: Control) -> None:
    with chain.customer():
        pass
    everything = json.dumps(control("GET", "/transactions?detail=full"))
    assert "PASSWORD=********" in everything
    assert "interact" not in everything


def test_a_bulk_transfer_is_its_last_frame(chain: Chain, control: Control) -> None:
    wire, target = chain.profile.wire, chain.client("web").target
    with chain.customer() as client:
        header = DispatcherHeader(chain.profile.version, target="RM", type=3)
        frame = wire.dispatcher.frame(header, wire.bulk.encode(BulkHeader(0)) + GRTL)
        body = wire.web.encode(WebHeader(1, client.session.key)) + frame
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(target.host, target.port, context=context)
        connection.request("POST", target.path, body)
        answer = connection.getresponse().read()
        connection.close()
    payload = b"SRTL<ERROR=0"
    assert payload in answer
    seen = control("GET", "/transactions?acronym=GRTL&detail=full")["transactions"]
    assert [one["hop"] for one in seen] == ["rm", "dispatcher", "web"]
    for one in seen:
        assert (one["type"], one["status"], one["outcome"]) == (3, 4, "answered")
        assert one["reply_frames"] == 2
        assert one["user"] == "jeanvnet2"
        assert one["reply_octets"] > len(payload)
        assert payload.decode() not in one["reply"]["octets"]
        digest = hashlib.sha256(answer.partition(b"SRTL")[1] + _message(answer)).digest()
        assert one["reply"]["octets"].encode("latin-1").endswith(digest)


def _message(answer: bytes) -> bytes:
    """What stands behind SRTL, to the end of the message: its last bracket."""
    return answer.partition(b"SRTL")[2].rpartition(b">>>")[0] + b">>>"


def test_metrics_count_what_crossed(chain: Chain, control: Control) -> None:
    def count(name: str, **labels: str) -> float:
        families = text_string_to_metric_families(control("GET", "/metrics"))
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    before = count("starwire_transactions_total", hop="rm", status="0", code="0", type="sync")
    with chain.customer() as client:
        client.send(GRTL)
        client.send(GRTL)
        assert count("starwire_connections", hop="web") == 1
    after = count("starwire_transactions_total", hop="rm", status="0", code="0", type="sync")
    assert after - before == 2
    assert count("starwire_octets_in_total", hop="web") > 2 * len(GRTL)
    deadline = time.monotonic() + 5
    while count("starwire_connections", hop="web") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert count("starwire_connections", hop="web") == 0


def test_a_stub_answers_for_one_user_twice(chain: Chain, control: Control) -> None:
    reply = {"acronym": "SRTL", "fields": {"ERROR": "6109"}}
    stub = {"hop": "rm", "acronym": "GRTL", "user": "dorod", "first": 2, "reply": reply}
    number = control("POST", "/stubs", stub)["id"]
    with chain.customer("dorod") as dorod, chain.customer() as other:
        assert [dorod.send(GRTL).status for _ in range(3)] == [100, 100, 0]
        assert other.send(GRTL).status == 0
    assert control("GET", f"/stubs/{number}")["used"] == 2
    [seen] = control("GET", "/transactions?hop=rm&code=6109&limit=1")["transactions"]
    assert seen["user"] == "dorod"


def test_a_stub_at_the_dispatcher_and_a_delay(chain: Chain, control: Control) -> None:
    control("POST", "/stubs", {"hop": "dispatcher", "acronym": "GRTL", "reply": {"status": 106}})
    control("POST", "/stubs", {"hop": "rm", "acronym": "GPL", "reply": {"delay": 0.4}})
    with chain.customer() as client:
        assert client.send(GRTL).status == 106
        began = time.monotonic()
        assert client.send(b"GPL<PL_TIMEZONE>").status == 0
        assert time.monotonic() - began >= 0.4


def test_a_reset_begins_anew(chain: Chain, control: Control) -> None:
    with chain.customer() as client:
        client.send(b"DRD<USERID=jeanvnet2,USERRPTID=245>")
        gone = client.send(b"GURD<REPORTID=245>")
        assert gone.data == b"SURD<ERROR=6109>"
        control("POST", "/reset", {"sessions": False})
        back = client.send(b"GURD<REPORTID=245>")
        assert back.status == 0, back.data
        control("POST", "/reset", {})
        assert client.send(GRTL).status == 105


def test_a_user_is_added_and_may_do_what_he_is_entitled_to(chain: Chain, control: Control) -> None:
    user = {"entpid": "00000007", "applications": ["INBOX"], "password": "s,ecret"}
    with chain.client("web") as client, pytest.raises(LogonRefused):
        client.logon("tester", "s,ecret")
    control("PUT", "/state/users/tester", user)
    with chain.client("web") as client:
        client.logon("tester", "s,ecret")
        assert client.send(GRTL).status == 104
        control("PUT", "/state/users/tester", {**user, "applications": ["INBOX", "RM"]})
        assert client.send(GRTL).status == 0


def test_serials_go_on_behind_a_reset(chain: Chain, control: Control) -> None:
    def serial() -> int:
        with chain.customer() as client:
            client.send(GRTL)
        [seen] = control("GET", "/transactions?hop=rm&acronym=GRTL&limit=1")["transactions"]
        return int(seen["serial"])

    before = serial()
    control("POST", "/reset", {})
    assert serial() > before


def test_a_process_without_control_has_none(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CHEAP)
    options = ["--config", f"{tmp_path / 'config.toml'}", "--only", "jar,rm"]
    with EmulatorProcess(tmp_path / "state", *options) as emulator:
        assert set(emulator.places) == {"jar", "rm"}


def test_control_stays_on_loopback(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "state", "--host", "::1", "--only", "jar,control") as emulator:
        assert emulator.places["jar"].startswith("[::1]:")
        assert emulator.places["control"].startswith("127.0.0.1:")
        assert Control(emulator)("GET", "/health")["endpoints"][1]["host"] == "127.0.0.1"


STORES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.mark.parametrize("dialect", STORES)
def test_a_jar_of_another_process_notices_a_reset(
    dialect: str,
    tmp_path: Path,
    fresh_schema: Callable[[], AbstractContextManager[str]],
) -> None:
    text = 'extends = "default"\nname = "test"\n'
    with ExitStack() as held:
        shared = f"sqlite:///{tmp_path / 'shared.db'}"
        if dialect == "postgresql":
            shared = held.enter_context(fresh_schema())
        whole = start(
            tmp_path, text, "--database", shared, "--only", "jar,staroe,rm,dispatcher,web"
        )
        held.enter_context(whole.emulator)
        other = ["--database", shared, "--only", "control"]
        control = Control(held.enter_context(start(tmp_path, text, *other).emulator))
        client = held.enter_context(whole.customer())
        assert client.send(GRTL).status == 0
        control("POST", "/reset", {})
        deadline = time.monotonic() + 5
        while (status := client.send(GRTL).status) != 105 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert status == 105


def test_health_is_told_although_the_store_hangs(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "state", "--only", "jar,rm,control") as emulator:
        control = Control(emulator)
        control("POST", "/faults", {"kind": "database-hang", "seconds": 5.0})
        connection = http.client.HTTPConnection(control.place, timeout=10)
        connection.request("GET", "/health")
        response = connection.getresponse()
        told = json.loads(response.read())
        connection.close()
        assert (response.status, told["ready"]) == (503, False)
        assert told["store"]["reason"] == "no answer for 2 seconds"
        control("DELETE", "/faults")


def test_a_rebound_name_and_a_long_body_are_refused(chain: Chain) -> None:
    host, port = chain.emulator.places["control"].rsplit(":", 1)
    for head, status in (
        (b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"POST /stubs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", b"413"),
    ):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head)
            assert connection.recv(4096).split()[1] == status


def test_the_shipped_profile_is_told(tmp_path: Path) -> None:
    with EmulatorProcess(
        tmp_path / "state", "--only", "control", "--profile", "little"
    ) as emulator:
        told = Control(emulator)("GET", "/profile")
    assert told["common"]["serial"]["width"] == shipped("little").common.serial.width
