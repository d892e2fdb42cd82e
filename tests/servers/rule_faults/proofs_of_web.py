"""What shows each fault of `rule_faults.web` and `rule_faults.sessions`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete

from starwire.protocol.headers import BulkHeader, WebHeader
from starwire.servers import schema

from .chain import KEY, WIRE, Chain, Posted
from .proofs_of_frames import BAD, REFUSED, asked
from .proving import Proof

STRANGER = "f" * 32
DOROD = "d" * 32
GUA = b"GUA<USERID=jeanvnet2>"
LANGUAGES = b"GPL<PL_LANG>"
LOGOFF = 2


def posted(data: bytes = BAD, **options: Any) -> Callable[[Chain], Any]:
    """HTTP status, status and data of the response."""

    def probe(chain: Chain) -> Any:
        told = chain.post(data, **options)
        return told.http, told.status, told.data if told.http == 200 else b""

    return probe


def of_page(
    part: Callable[[Posted], Any], data: bytes = BAD, **options: Any
) -> Callable[[Chain], Any]:
    return lambda chain: part(chain.post(data, **options))


def cookie(name: str) -> Callable[[Chain], Any]:
    """Whether the cookie that is set has that attribute."""
    return of_page(lambda page: name in page.cookie)


def lost(place: str, data: bytes = BAD) -> Callable[[Chain], Any]:
    """What comes when whoever stands at that place hangs up."""

    def probe(chain: Chain) -> Any:
        chain.emulator.listen(place, lambda connection: connection.abort())
        told = chain.post(data)
        return told.http, told.status

    return probe


def kept_open(chain: Chain) -> Any:
    """Whether the connection is closed behind a 102."""
    line = chain.line("web")
    body = WIRE.web.encode(WebHeader(1, KEY)) + chain.envelope("RM", BAD, length=5)
    head = f"POST /nmci HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
    told = Posted(line.send(head.encode() + body))
    return told.status, line.closed


def said_to(head: str) -> Callable[[Chain], Any]:
    """The first line of what comes to a head, without a body."""
    return lambda chain: chain.say("web", head.encode()).split(b"\r\n")[0]


def logged_on(chain: Chain, user: str = "jeanvnet2", password: str = "interact") -> Posted:
    return chain.logon(user, password)


def key(part: Callable[[str], Any]) -> Callable[[Chain], Any]:
    """That of the key of a logon."""
    return lambda chain: part(logged_on(chain).web.session_key)


def two_keys(chain: Chain) -> Any:
    return logged_on(chain).web.session_key == logged_on(chain).web.session_key


def first_key_lives(chain: Chain) -> Any:
    first = logged_on(chain).web.session_key
    logged_on(chain)
    return chain.post(key=first).status


def tries(*words: str | float, user: str = "jeanvnet2") -> Callable[[Chain], Any]:
    """The answers to logons with these passwords; a number is seconds to wait."""

    def probe(chain: Chain) -> Any:
        told = []
        for word in words:
            if isinstance(word, str):
                told.append(logged_on(chain, user, word).data.partition(b"ERROR=")[2][:4])
            else:
                chain.emulator._world.began += word
        return [one.strip(b",US") for one in told]

    return probe


WRONG, RIGHT = "wrong", "interact"
OK, NO = b"0", b"6115"


def session_after(*seconds: float) -> Callable[[Chain], Any]:
    """The status of requests after these seconds, each since the one before."""

    def probe(chain: Chain) -> Any:
        told = []
        for one in seconds:
            chain.advance(one)
            told.append(chain.ask("rm", BAD)[0])
        return told

    return probe


def logged_off(target: str = "RM") -> Callable[[Chain], Any]:
    """The status and data of a logoff, and the status of a request behind it."""

    def probe(chain: Chain) -> Any:
        off = chain.post(b"", target=target, transaction=LOGOFF)
        return off.status, off.data, chain.post(BAD).status

    return probe


def without_targets(chain: Chain) -> Any:
    with chain.emulator._store.write() as connection:
        connection.execute(delete(schema.entitlements))
    return chain.ask("staroe", GUA)


def jar_says(message: bytes) -> Callable[[Chain], Any]:
    return lambda chain: chain.say("jar", message)


def restarted(chain: Chain) -> Any:
    chain.emulator.restart()
    return chain.ask("rm", BAD)[0]


def run_over_web(message: bytes = LANGUAGES) -> Callable[[Chain], Any]:
    """The body of a bulk response, without HTTP's chunks and the web header, by its statuses."""

    def probe(chain: Chain) -> Any:
        told = chain.post(WIRE.bulk.encode(BulkHeader(0)) + message, type=3)
        return statuses(unchunked(told)[WIRE.web.size :])

    return probe


def statuses(octets: bytes) -> list[int]:
    """The statuses of dispatcher frames, -1 for what is none."""
    found = []
    while len(octets) >= WIRE.dispatcher.size:
        header = WIRE.dispatcher.decode(octets)
        if not WIRE.dispatcher.size <= header.length <= len(octets):
            return [*found, -1]
        found.append(header.status)
        octets = octets[header.length :]
    return found if not octets else [*found, -1]


def unchunked(page: Posted) -> bytes:
    if "transfer-encoding" not in page.fields:
        return page.body
    octets, rest = b"", page.body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        octets, rest = octets + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return octets


def lost_run(chain: Chain) -> Any:
    """A run whose dispatcher is lost behind the first frame."""
    connections: list[Any] = []
    chain.emulator.listen("dispatcher", connections.append)
    line = chain.line("web")
    inner = chain.envelope("RM", WIRE.bulk.encode(BulkHeader(0)) + LANGUAGES, type=3)
    body = WIRE.web.encode(WebHeader(1, KEY)) + inner
    head = f"POST /nmci HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
    line.send(head.encode() + body)
    asked_for = WIRE.dispatcher.decode(connections[0].take())
    data = WIRE.bulk.encode(BulkHeader(1, 1, 0, 9)) + b"abc"
    connections[0].write(WIRE.dispatcher.frame(asked_for.reply(3), data))
    first = line.heard()
    connections[0].abort()
    return statuses(unchunked(Posted(first + line.heard()))[WIRE.web.size :])


PAGE = (200, 100, REFUSED)
NONE = (200, 105, b"")
SHORT = bytes(50)

PROOFS_OF_PAGES = {
    "get-taken": Proof(posted(method="GET"), (405, -1, b""), PAGE),
    "any-path-taken": Proof(posted(path="/other"), (404, -1, b""), PAGE),
    "405-before-404": Proof(posted(method="GET", path="/other"), (404, -1, b""), (405, -1, b"")),
    "media-type-wrong": Proof(
        of_page(lambda page: page.fields["content-type"]),
        "application/octet-stream",
        "text/plain",
    ),
    "media-type-judged": Proof(posted(head="Content-Type: text/html"), PAGE, (400, -1, b"")),
    "transaction-type-not-repeated": Proof(of_page(lambda page: page.web.transaction), 1, 0),
    "length-of-client-unchecked": Proof(posted(length=5), (200, 102, b""), PAGE),
    "101-closes-http": Proof(kept_open, (102, False), (102, True)),
    "web-transaction-wider": Proof(posted(), PAGE, (400, -1, b"")),
    "any-transaction-type-taken": Proof(posted(transaction=9), (400, -1, b""), PAGE),
    "short-body-is-102": Proof(posted(body=SHORT), (400, -1, b""), (200, 102, b"")),
    "short-body-is-500": Proof(posted(body=SHORT), (400, -1, b""), (500, -1, b"")),
    "dispatcher-lost-is-106": Proof(lost("dispatcher"), (503, -1), (200, 106)),
    "refusal-is-403": Proof(posted(key=STRANGER), NONE, (403, -1, b"")),
    "error-is-http-500": Proof(posted(), PAGE, (500, -1, b"")),
    "longer-body-kept": Proof(
        said_to("POST /nmci HTTP/1.1\r\nHost: h\r\nContent-Length: 16777250\r\n\r\n"),
        b"HTTP/1.1 413 Request Entity Too Large",
        b"",
    ),
    "session-before-length": Proof(posted(key=STRANGER, length=5), (200, 102, b""), NONE),
    "jar-lost-is-105": Proof(lost("jar"), (200, 106), (200, 105)),
    "key-missing-in-web-header": Proof(of_page(lambda page: page.web.session_key), KEY, ""),
    "cookie-missing-in-replies": Proof(of_page(lambda page: page.cookie[:5]), "nmci=", ""),
    "cookie-without-httponly": Proof(cookie("HttpOnly"), True, False),
    "cookie-without-path": Proof(cookie("Path=/nmci"), True, False),
    "cookie-by-another-name": Proof(of_page(lambda page: page.cookie[:5]), "nmci=", "NMCI="),
    "cookie-ignored": Proof(posted(key="", cookie=KEY), PAGE, NONE),
    "key-and-cookie-may-differ": Proof(posted(cookie=DOROD), NONE, PAGE),
    "first-cookie-counts": Proof(posted(key="", cookie=(STRANGER, KEY)), PAGE, NONE),
    "key-given-back-with-refusal": Proof(
        of_page(lambda page: page.web.session_key, key=STRANGER), "", STRANGER
    ),
    "cookie-kept-after-105": Proof(
        of_page(lambda page: "Max-Age=0" in page.cookie, key=STRANGER), True, False
    ),
    "cookie-taken-away-by-any-failure": Proof(
        of_page(lambda page: "Max-Age=0" in page.cookie, target="XX"), False, True
    ),
    "client-identity-believed": Proof(posted(user_id="dorod"), PAGE, NONE),
    "identity-passed-back": Proof(of_page(lambda page: page.header.user_id), "", "jeanvnet2"),
    "key-passed-back": Proof(of_page(lambda page: page.header.session_key), "", KEY),
    "web-header-in-every-frame": Proof(run_over_web(), [3, 4], [3, -1]),
    "last-bulk-frame-missing": Proof(run_over_web(), [3, 4], [3]),
    "lost-run-not-told": Proof(lost_run, [3, 106], [3]),
}

PROOFS_OF_SESSIONS = {
    "key-in-capitals": Proof(key(lambda text: bool(re.search("[A-F]", text))), False, True),
    "key-half-as-long": Proof(key(len), 32, 16),
    "key-counts-up": Proof(key(lambda text: text == f"{1:032x}"), False, True),
    "key-of-the-user": Proof(two_keys, False, True),
    "staroe-takes-every-type": Proof(lambda chain: chain.ask("staroe", GUA, type=1)[0], 107, 1),
    "logon-under-the-key-sent": Proof(
        posted(b"VUM<USERID=x,PASSWORD=y>", target="STAROE", transaction=0),
        (200, 100, b"VUMA<ERROR=6115>"),
        NONE,
    ),
    "vum-makes-a-session": Proof(
        of_page(
            lambda page: page.web.session_key == KEY,
            b"VUM<USERID=dorod,PASSWORD=interact>",
            target="STAROE",
        ),
        True,
        False,
    ),
    "gua-for-anybody": Proof(
        asked(b"GUA<USERID=dorod>", "staroe"),
        (100, b"GUAA<ERROR=6115>"),
        (0, b"GUAA<ERROR=0,APPS=<RM~RS~INBOX>>"),
    ),
    "no-targets-is-success": Proof(
        without_targets, (100, b"GUAA<ERROR=6109>"), (0, b"GUAA<ERROR=0,APPS=>")
    ),
    "wrong-user-told": Proof(tries(WRONG, user="nobody"), [NO], [b"6109"]),
    "waiting-account-told": Proof(tries(*[WRONG] * 6), [NO] * 6, [NO] * 5 + [b"6101"]),
    "account-never-waits": Proof(tries(*[WRONG] * 9, RIGHT), [NO] * 10, [NO] * 9 + [OK]),
    "account-waits-one-late": Proof(tries(*[WRONG] * 5, RIGHT), [NO] * 6, [NO] * 5 + [OK]),
    "account-waits-one-early": Proof(tries(*[WRONG] * 4, RIGHT), [NO] * 4 + [OK], [NO] * 5),
    "account-waits-half-as-long": Proof(
        tries(*[WRONG] * 5, 40.0, RIGHT), [NO] * 6, [NO] * 5 + [OK]
    ),
    "tries-during-wait-counted": Proof(
        tries(*[WRONG] * 5, 50.0, WRONG, 20.0, RIGHT), [NO] * 6 + [OK], [NO] * 7
    ),
    "count-goes-on-after-wait": Proof(
        tries(*[WRONG] * 5, 61.0, WRONG, RIGHT), [NO] * 6 + [OK], [NO] * 7
    ),
    "success-keeps-the-count": Proof(
        tries(*[WRONG] * 4, RIGHT, WRONG, RIGHT), [NO] * 4 + [OK, NO, OK], [NO] * 4 + [OK, NO, NO]
    ),
    "user-in-any-case": Proof(tries(RIGHT, user="JEANVNET2"), [NO], [OK]),
    "one-session-for-each-user": Proof(first_key_lives, 0, 105),
    "session-ends-early": Proof(session_after(1000), [100], [105]),
    "session-ends-late": Proof(session_after(1801), [105], [100]),
    "idle-time-not-begun-anew": Proof(session_after(1000, 1000), [100, 100], [100, 105]),
    "logoff-leaves-session": Proof(logged_off(), (0, b"", 105), (0, b"", 100)),
    "logoff-forwarded": Proof(logged_off(), (0, b"", 105), (100, b"<ERROR=6611>", 105)),
    "logoff-needs-target": Proof(logged_off("XX"), (0, b"", 105), (103, b"", 105)),
    "unknown-key-is-6115": Proof(
        jar_says(b"CKG<KEY=nobody>"), b"CKGA<ERROR=6109>", b"CKGA<ERROR=6115>"
    ),
    "ckd-of-nothing-succeeds": Proof(
        jar_says(b"CKD<KEY=nobody>"), b"CKDA<ERROR=6109>", b"CKDA<ERROR=0>"
    ),
    "jar-asks-for-customer": Proof(
        lambda chain: chain.say("jar", b"CKM<USERID=nobody,ENTPID=00000000>")[:12],
        b"CKMA<ERROR=0",
        b"CKMA<ERROR=6",
    ),
    "sessions-lost-by-restart": Proof(restarted, 100, 105),
}
PROOFS = {**PROOFS_OF_PAGES, **PROOFS_OF_SESSIONS}
