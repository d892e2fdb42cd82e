"""Random octets on every port: the server stays up and other clients are served.

Octets are random, or the beginnings of good frames gone wrong, from a fixed seed. After each burst
a customer logs on and gets GRTL; at the end no traceback has been logged.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

from starwire.harness.client import Client
from starwire.harness.emulator import EmulatorProcess

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"


def noise(chance: random.Random) -> bytes:
    """Octets that nobody should take for a request, or nearly."""
    kind = chance.randrange(5)
    octets = chance.randbytes(chance.choice((1, 7, 49, 76, 200, 5000)))
    if kind == 0:
        return octets
    if kind == 1:
        return b"\x01" + chance.randbytes(4) + octets
    if kind == 2:
        return b"\x01" + len(octets).to_bytes(4, "big") + octets
    if kind == 3:
        return bytes(chance.choice(b"<>,=~|\x01\x00 AZ") for _ in range(chance.randrange(300)))
    return b"POST /nmci HTTP/1.1\r\nHost: x\r\nContent-Length: 109\r\n\r\n" + octets


def shout(place: str, octets: bytes, *, tls: bool) -> None:
    """Send, read what comes for a moment, hang up."""
    host, _, port = place.rpartition(":")
    with contextlib.suppress(OSError):
        plain = socket.create_connection((host, int(port)), timeout=5)
        with plain:
            if tls:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                plain = context.wrap_socket(plain)
            plain.settimeout(0.05)
            plain.sendall(octets)
            while plain.recv(65_536):
                pass


def prove(*, quick: bool) -> Iterator[str]:
    """The proof, line by line."""
    bursts, shouts = (3, 10) if quick else (20, 50)
    chance = random.Random(19980602)
    with (
        tempfile.TemporaryDirectory(prefix="starwire-noise-") as folder,
        EmulatorProcess(Path(folder) / "state") as emulator,
    ):
        for _ in range(bursts):
            for name, place in emulator.places.items():
                for _ in range(shouts):
                    shout(place, noise(chance), tls=name == "web" and chance.random() < 0.8)
            with Client(emulator.target("web")) as client:
                client.logon("jeanvnet2", "interact")
                reply = client.send(GRTL)
                assert reply.status == 0, f"GRTL gets status {reply.status} behind the noise"
        total = bursts * shouts * len(emulator.places)
        yield f"{total} connections of noise over {len(emulator.places)} ports, {bursts} logons"
        assert emulator.stop() == 0, f"the emulator failed: {emulator.log[-1:]}"
        traces = [line for line in emulator.log if "Traceback" in line]
        assert not traces, f"{len(traces)} tracebacks in the log"
    yield "the server stayed up, every customer was served, no traceback"
