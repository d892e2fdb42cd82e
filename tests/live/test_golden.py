"""The original messages, over real sockets: each reaches the back end octet for octet."""

import hashlib
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "fixtures" / "golden"


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.msg").read_bytes()


def reached(chain: Any, hop: str, message: bytes, since: int = 0) -> bool:
    """Whether that hop's log has the message, by its digest."""
    digest = hashlib.sha256(message).hexdigest()[:16]
    for _ in range(50):
        for line in chain.emulator.log[since:]:
            if line.startswith(f"hop={hop} ") and f"digest={digest}" in line:
                return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("name", "acronym", "error"),
    [
        ("grtl.emended", "SRTL", "0"),
        ("grtl.printed", "SRTL", "0"),
        ("gurl.emended", "SURL", "0"),
        ("gurl.printed", "SURL", "0"),
        ("ard-client.printed", "ARDA", "0"),
    ],
)
def test_a_customer_s_message_through_all_hops(
    chain: Any, name: str, acronym: str, error: str
) -> None:
    message = golden(name)
    with chain.customer() as client:
        reply = client.send(message, proxy="RM")
    assert reply.message().acronym == acronym
    assert reply.message()["ERROR"].value.scalar == error
    assert reply.status == (0 if error == "0" else 100)
    assert reached(chain, "rm", message)


@pytest.mark.parametrize(
    ("port", "name", "answer"),
    [
        ("rm-native", "nrl.emended", b"NRLA<ERROR=0,USERID=dorod,USERRPTID=3415,REQUESTID=20341>"),
        (
            "rm-native",
            "nrl.printed",
            b"NRLA<ERROR=6050,USERID=dorod,USERRPTID=3415,REQUESTID=20341>",
        ),
        ("inbox-native", "inbox-add.emended", b"Z<REQ=A,ERROR=0,INBOXID=1>"),
        ("inbox-native", "inbox-add.printed", b"Z<REQ=A,ERROR=5163>"),
        ("rm-native", "nrl-totals.printed", b"<ERROR=6104>"),
    ],
)
def test_a_server_s_message_on_a_native_port(
    chain: Any, port: str, name: str, answer: bytes
) -> None:
    message = golden(name)
    with chain.client(port) as client:
        if answer.startswith(b"NRLA<ERROR=6050"):
            client.send(golden("nrl.emended"))  # which this one says again
        assert client.send(message).data == answer
    assert reached(chain, port, message)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("srtd-template.printed", b"<ERROR=6612>"),
        # The brackets close these two before their end: a message, then what is none.
        ("metadata-commas.printed", b"METADATA<ERROR=6610><ERROR=6612>"),
        ("ard-fulfilling.printed", b"ARDA<ERROR=6610><ERROR=6611>"),
    ],
)
def test_the_unbalanced_originals_on_a_native_port(chain: Any, name: str, answer: bytes) -> None:
    assert ended(chain, "rm-native", golden(name)) == answer


def ended(chain: Any, port: str, message: bytes) -> bytes:
    """What a native port answers to a message and the end of the stream."""
    host, _, number = chain.emulator.places[port].rpartition(":")
    with socket.create_connection((host, int(number)), timeout=10) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(4096):
            answer += data
    return answer


def test_curl_alone_is_client_enough(chain: Any, tmp_path: Path) -> None:
    if chain.profile.byte_order != "big":
        return  # the script speaks the default profile, as its first lines say
    files = [str(GOLDEN / f"{name}.msg") for name in ("grtl.emended", "gurl.emended")]
    files.append(str(GOLDEN / "ard-client.printed.msg"))
    url = f"https://{chain.emulator.places['web']}/nmci"
    script = [str(ROOT / "examples" / "post-with-curl.sh"), url, "jeanvnet2", "interact"]
    since = len(chain.emulator.log)
    done = subprocess.run([*script, *files], capture_output=True, timeout=60)
    assert done.stderr == b""
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(b"SRTL<ERROR=0,REPORTS=<Financial=<Longest Calls,")
    assert lines[1].startswith(b"SURL<ERROR=0,REPORTS=<")
    assert lines[2].startswith(b"ARDA<ERROR=0,USERRPTID=")
    for path in files:
        assert reached(chain, "rm", Path(path).read_bytes(), since)
    refused = subprocess.run([*script[:3], "wrong", files[0]], capture_output=True, timeout=60)
    assert (refused.returncode, refused.stderr) == (1, b"refused: VUMA<ERROR=6115>\n")
