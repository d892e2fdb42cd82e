"""The second implementation against the octets that docs/protocol.md prints."""

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome
from starwire.harness.conformance.wiring import Asked
from starwire.protocol.profile import shipped

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "perl-proxy" / "rm_proxy.pl"
PERL = shutil.which("perl")
KEY = b"0123456789abcdef0123456789abcdef"

pytestmark = pytest.mark.skipif(PERL is None, reason="perl is not installed (apt-get install perl)")


def dump(title: str, profile: str = "default") -> bytes:
    """Return the octets of the hex dump of that title."""
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    block = rf"```hex\n# {re.escape(title)}, {profile}: (\d+) octets\n(.*?)```"
    found = re.search(block, text, re.DOTALL)
    assert found, f"no dump {title!r}"
    rows = re.findall(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ?){1,16})", found[2], re.MULTILINE)
    octets = bytes.fromhex("".join(rows))
    assert len(octets) == int(found[1])
    return octets


def answer_as_jar(listener: socket.socket) -> None:
    """Play the cookie jar, which knows one key, until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            asked = connection.recv(4096)
            known = asked in (b"CKG<KEY=" + KEY + b">", b"CKG<KEY=" + KEY[:16] + b">")
            connection.sendall(
                b"CKGA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>" if known else b"CKGA<ERROR=6109>"
            )


@pytest.fixture
def jar() -> Iterator[str]:
    """Run a cookie jar; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_as_jar, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.fixture(params=["default"])
def proxy(jar: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """Run the proxy under a profile; its address."""
    assert PERL is not None
    command = [PERL, str(SCRIPT), "--port", "0", "--jar", jar, "--work-seconds", "2"]
    command += ["--little"] if request.param == "little" else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, what, host, port = process.stdout.readline().split()
        assert (name, what) == ("listening", "rm")
        assert process.stdout.readline() == "ready\n"
        yield host, int(port)
        process.terminate()
        assert process.wait(10) == 0


def exchange(address: tuple[str, int], request: bytes) -> bytes:
    """Send octets, end the sending side, and return everything that comes."""
    with closing(socket.create_connection(address, 10)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def with_serial(frame: bytes, serial: int) -> bytes:
    """Return the frame under another serial."""
    return frame[:39] + serial.to_bytes(8, "big") + frame[47:]


def test_an_echo_and_a_version_mismatch(proxy: tuple[str, int]) -> None:
    echo = dump("an echo and its reply")
    assert exchange(proxy, echo + b"\x02" + echo) == echo + dump("version mismatch")


def test_a_list_an_error_and_an_unknown_session(proxy: tuple[str, int]) -> None:
    listing = dump("GRTL to a proxy")
    rows = b"Financial=<Longest Calls,11,R>,<Usage Summary,15,R>>,<Marketing=<State Summary,22,R>"
    data = b"SRTL<ERROR=0,REPORTS=<" + rows + b">>"
    expected = b"\x01" + (49 + len(data)).to_bytes(4, "big") + listing[5:47] + b"\0\0" + data
    assert exchange(proxy, listing) == expected

    lacking = b"GRTL<DATATYPE=R,DATACAT=P,IO=O>"
    request = b"\x01" + (49 + len(lacking)).to_bytes(4, "big") + listing[5:49] + lacking
    assert exchange(proxy, request) == dump("an application error")

    stranger = with_serial(listing, 4713).replace(KEY, KEY[::-1])
    refused = dump("session unknown, from a proxy").replace(KEY, KEY[::-1])
    assert exchange(proxy, stranger) == refused


def test_an_asynchronous_request_and_its_poll(proxy: tuple[str, int]) -> None:
    listing = dump("GRTL to a proxy")
    request = with_serial(listing[:38] + b"\x01" + listing[39:], 0x126A)
    accepted = exchange(proxy, request + listing)  # what stands behind the frame is discarded
    identifier = accepted[49:]
    assert re.fullmatch(rb"[0-9]{20}", identifier)
    assert accepted == dump("accepted")[:49] + identifier

    poll = dump("a poll")[:49] + identifier
    assert exchange(proxy, poll) == dump("in progress")
    unknown = exchange(proxy, dump("a poll"))
    assert unknown == dump("in progress")[:47] + b"\x00\x6c"  # 108
    reply = exchange(proxy, poll)
    while reply[47:49] == b"\x00\x02":
        reply = exchange(proxy, poll)
    assert reply[47:49] == b"\x00\x00"
    assert reply[49:].startswith(b"SRTL<ERROR=0,REPORTS=<Financial=<Longest Calls,11,R>")


@pytest.mark.parametrize("proxy", ["little"], indirect=True)
def test_the_other_profile(proxy: tuple[str, int]) -> None:
    listing = dump("GRTL to a proxy", "little")
    reply = exchange(proxy, listing)
    assert reply[:1] + reply[5:28] == listing[:1] + listing[5:28]
    assert int.from_bytes(reply[1:5], "little") == len(reply)
    assert reply[28:].startswith(b"SRTL<ERROR=0,REPORTS=<Financial=<Longest Calls,11,R>")


def test_what_the_cases_find_are_its_gaps() -> None:
    """The gaps that its README states, and nothing else."""
    folder = SCRIPT.parent
    asked = Asked(
        target="proxy://127.0.0.1:{port}",
        start=f"{PERL} {SCRIPT} --port {{port}} --jar 127.0.0.1:{{jar}}",
        facts=folder / "target.toml",
        names=("sanity", "header", "framing", "async", "bulk", "session", "status", "syntax.value"),
        profile=shipped("default"),
        workers=4,
    )
    with closing(begin(asked)) as run:
        results = run.results()
    failed = {one.case.partition("@")[0] for one in results if one.outcome is Outcome.FAILED}
    assert failed == {
        "async.repeated",
        "async.once",
        "async.restarted",
        "async.worked-off",
        "bulk.whole",
        "bulk.error",
        "bulk.operation",
        "bulk.resume.unknown",
        "bulk.session",
        "bulk.short",
        "syntax.value-twice",
        "syntax.value-twice-apart",
    }
    assert sum(one.outcome is Outcome.PASSED for one in results) > 60
