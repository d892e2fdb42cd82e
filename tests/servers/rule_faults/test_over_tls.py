"""The rule faults that only a web server behind TLS can show."""

from __future__ import annotations

import http.client
import ssl
import warnings
from pathlib import Path

import pytest

from starwire.harness.emulator import EmulatorProcess

from .chain import WIRE

PROVED_HERE = ("cookie-without-secure", "old-tls-taken", "plain-http-spoken")
CHEAP = "[logon.cost]\nn = 16\n"


def serve(folder: Path, *broken: str) -> EmulatorProcess:
    (folder / "config.toml").write_text(CHEAP)
    told = [word for name in broken for word in ("--break", name)]
    only = ("--only", "web,dispatcher,jar,staroe")
    return EmulatorProcess(folder / "state", "--config", str(folder / "config.toml"), *only, *told)


def client(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Speaks that version and no other; Python warns of the old ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def seen(emulator: EmulatorProcess) -> tuple[bool, bool, bool]:
    """Whether cookies are Secure, TLS 1.0 is taken, and HTTP without TLS is."""
    place = emulator.places["web"]
    if _speaks_plain_http(place):
        return True, False, True  # no handshake is answered
    message = b"VUM<USERID=jeanvnet2,PASSWORD=interact>"
    inner = WIRE.dispatcher.frame(WIRE.dispatcher.kind(version=1, target="STAROE"), message)
    is_secure = _cookie(place, bytes(WIRE.web.size) + inner).find("Secure") >= 0
    return is_secure, _takes_old_tls(place), False


def _cookie(place: str, body: bytes) -> str:
    secure = http.client.HTTPSConnection(place, timeout=30, context=client(ssl.TLSVersion.TLSv1_2))
    try:
        secure.request("POST", "/nmci", body)
        return secure.getresponse().headers["Set-Cookie"]
    finally:
        secure.close()


def _takes_old_tls(place: str) -> bool:
    old = http.client.HTTPSConnection(place, timeout=30, context=client(ssl.TLSVersion.TLSv1))
    try:
        old.request("POST", "/nmci", b"")
        return old.getresponse().status == 400
    except ssl.SSLError:
        return False
    finally:
        old.close()


def _speaks_plain_http(place: str) -> bool:
    plain = http.client.HTTPConnection(place, timeout=30)
    try:
        plain.request("POST", "/nmci", b"")
        return plain.getresponse().status == 400
    except (http.client.HTTPException, ConnectionError):
        return False
    finally:
        plain.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ((), (True, False, False)),
        (("cookie-without-secure",), (False, False, False)),
        (("old-tls-taken",), (True, True, False)),
        (("plain-http-spoken",), (True, False, True)),
    ],
)
def test_a_fault_shows_behind_tls(
    tmp_path: Path, broken: tuple[str, ...], expected: tuple[bool, bool, bool]
) -> None:
    with serve(tmp_path, *broken) as emulator:
        assert seen(emulator) == expected
