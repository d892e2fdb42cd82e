"""A client of the wire in its default profile, of the standard library alone, and the ways in which
it can be broken: what the cases of the client seat are tried on.

    python a_client.py BREAK URL USER PASSWORD MESSAGE-FILE PROXY TYPE OUT
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import signal
import ssl
import struct
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

BROKEN, URL, USER, PASSWORD, FILE, PROXY, TYPE, OUT = sys.argv[1:]
_HEADER = struct.Struct(">BI8sB20s8s32sH")
_BULK = struct.Struct(">BQQQ")
_WEB = 33


class Failed(Exception):
    """The transaction has failed."""


class Reply:
    def __init__(self, body: bytes) -> None:
        if len(body) < _WEB + _HEADER.size:
            raise Failed("too short")
        self.key = body[1:_WEB].rstrip(b"\0")
        version, length, *_, self.status = _HEADER.unpack_from(body, _WEB)
        if version != 1:
            raise Failed(f"version {version}")
        if not _HEADER.size <= length <= len(body) - _WEB:
            raise Failed(f"length {length}")
        self.data = body[_WEB + _HEADER.size : _WEB + length]
        self.rest = body[_WEB + length :]


class Client:
    def __init__(self) -> None:
        self.place = urllib.parse.urlsplit(URL)
        self.key = b""
        self.http = self.connection()

    def connection(self) -> http.client.HTTPConnection:
        host = self.place.netloc
        if self.place.scheme == "http":
            return http.client.HTTPConnection(host)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, context=context)

    def body(self, transaction: int, target: str, type: int, data: bytes) -> bytes:
        version, status, user, fill, web = 1, 0, b"", b" ", _WEB
        length = _HEADER.size + len(data)
        match BROKEN:
            case "version":
                version = 2
            case "length":
                length += web
            case "identity":
                user = USER.encode()
            case "fill":
                fill = b"\0"
            case "status":
                status = 1
            case "floods":
                data = bytes(20_000_000)
            case "starts-another":
                subprocess.Popen(
                    [sys.executable, "-c", "import time; time.sleep(600)", os.environ["MARK"]]
                )
        packed = _HEADER.pack(
            *(version, length, target.encode().ljust(8), type),
            *(user.ljust(20, fill), b"".ljust(8, fill), bytes(32), status),
        )
        return bytes([transaction]) + self.key.ljust(32, b"\0") + packed + data

    def post(self, body: bytes) -> bytes:
        kind = "text/plain" if BROKEN == "media-type" else "application/octet-stream"
        path = "/" if BROKEN == "path" else self.place.path
        if BROKEN in ("no-chunks", "one-read", "old"):
            self.http = self.connection()
        if BROKEN == "old":
            self.http._http_vsn, self.http._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
        try:
            self.http.request("POST", path, body, {"Content-Type": kind})
            response = self.http.getresponse()
            if response.status != 200 and BROKEN != "any-http":
                raise Failed(f"HTTP {response.status}")
            if BROKEN == "old":
                response.length = None  # HTTP/1.0: all up to the end of the connection
            if BROKEN == "no-chunks":
                response.chunked, response.length = False, None
                return response.read1(65_536)
            return response.read1(65_536) if BROKEN == "one-read" else response.read()
        except http.client.IncompleteRead as error:
            if BROKEN != "any-form" and TYPE != "bulk":
                raise
            return error.partial

    def send(self, transaction: int, target: str, type: int, data: bytes) -> Reply:
        return Reply(self.post(self.body(transaction, target, type, data)))

    def log_on(self) -> None:
        if BROKEN == "no-logon":
            return
        if BROKEN == "logon-key":
            self.key = b"f" * 32
        vum = f"VUM<USERID={USER},PASSWORD={'' if BROKEN == 'no-password' else PASSWORD}>"
        reply = self.send(0, "RM" if BROKEN == "logon-target" else "STAROE", 0, vum.encode())
        if BROKEN != "logon-unread" and (reply.status or not reply.key):
            raise Failed("logon refused")
        self.key = b"" if BROKEN == "no-key" else reply.key

    def ask(self, message: bytes, type: int) -> Reply:
        target = "RM" if BROKEN == "target" else PROXY
        transaction = 0 if BROKEN == "transaction-type" else 1
        reply = self.send(transaction, target, type, message)
        if BROKEN == "later-key":
            self.key = reply.key
        return reply

    def poll(self, message: bytes) -> Reply:
        reply = self.ask(message, 0 if BROKEN == "async-as-sync" else 1)
        if reply.status != 1 and BROKEN != "polls-anyway":
            return reply
        digits = message if BROKEN == "polls-message" else reply.data
        if BROKEN == "polls-keyless":
            self.key = b""
        while True:
            reply = self.ask(digits, 2)
            if BROKEN == "polls-unknown" and reply.status == 108:
                reply = self.ask(digits, 2)
            if reply.status != 2 or BROKEN == "polls-once":
                return reply
            time.sleep(0.01)

    def fetch(self, message: bytes) -> bytes:
        opening = b"" if BROKEN == "no-open" else bytes(_BULK.size)
        reply = self.ask(opening + message, 3)
        got = self.taken(reply, b"")
        if isinstance(got, bytes):
            return got
        transfer, octets = got
        if not BROKEN.startswith("resumes"):
            raise Failed("cut off")
        octets = b"" if BROKEN == "resumes-at-0" else octets
        self.http = self.connection()
        resumed = self.taken(self.ask(_BULK.pack(5, transfer, len(octets), 0), 3), octets)
        assert isinstance(resumed, bytes)
        return resumed

    def taken(self, reply: Reply, octets: bytes) -> bytes | tuple[int, bytes]:
        """All of it; or the transfer and what came, where there is no last frame."""
        transfer = 0
        while True:
            if BROKEN.removeprefix("bulk-") == str(reply.status):
                return octets
            if reply.status not in (3, 4):
                raise Failed(f"status {reply.status}")
            _, transfer, offset, total = _BULK.unpack_from(reply.data)
            payload = reply.data[_BULK.size :]
            if reply.status == 4:
                return self.whole(octets, payload, total)
            if offset != len(octets) and BROKEN != "gap":
                raise Failed("a gap")
            octets += payload
            if not reply.rest:
                return octets if BROKEN == "no-end" else (transfer, octets)
            reply = Reply(bytes(_WEB) + reply.rest)

    def whole(self, octets: bytes, digest: bytes, total: int) -> bytes:
        if len(octets) != total and BROKEN != "gap":
            raise Failed("not whole")
        if hashlib.sha256(octets).digest() != digest and BROKEN != "digest":
            raise Failed("digest")
        if not octets and BROKEN == "no-empty":
            raise Failed("nothing")
        return octets

    def judge(self, reply: Reply) -> bytes:
        code = reply.data.partition(b"ERROR=")[2].rstrip(b">").partition(b",")[0]
        known = (0, 100) if BROKEN != "any-status" else range(112)
        if BROKEN == "unknown-status" and reply.status > 111:
            return reply.data
        if reply.status not in known:
            raise Failed(f"status {reply.status}")
        is_known = BROKEN != "few-errors" or code.startswith(b"6")
        if BROKEN == "unknown-parameter" and b"LATER" in reply.data:
            raise Failed("LATER")
        if code not in (b"", b"0") and is_known and BROKEN != "any-error":
            raise Failed(f"ERROR {code!r}")
        return reply.data

    def run(self) -> bytes:
        message = Path(FILE).read_bytes()
        if BROKEN == "strips":
            message = message.strip()
        if BROKEN == "utf-8":
            message = message.decode("latin-1").encode()
        self.log_on()
        if TYPE == "bulk":
            return self.fetch(message)
        kind = 2 if BROKEN == "type" else 0
        found = self.judge(self.poll(message) if TYPE == "async" else self.ask(message, kind))
        if BROKEN.startswith("logs-off"):
            self.key = b"0" * 32 if BROKEN == "logs-off-another" else self.key
            self.send(2, "STAROE", 0, b"")
        return found


def main() -> int:
    try:
        found = Client().run()
    except (Failed, OSError, http.client.HTTPException) as error:
        print(error, file=sys.stderr)
        if BROKEN == "hangs":
            time.sleep(600)
        if BROKEN == "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        while BROKEN == "insists":
            time.sleep(0.02)
            with contextlib.suppress(Failed, OSError, http.client.HTTPException):
                Client().run()
        return 0 if BROKEN == "any-form" else 1
    if BROKEN != "mute":
        Path(OUT).write_bytes(found)
    return 1 if BROKEN == "never-good" else 0


sys.exit(main())
