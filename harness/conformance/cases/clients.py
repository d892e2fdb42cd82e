"""Clients: what they send, and how they take what they get. The harness is their web server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from starwire.grammar import MetadataError, parse
from starwire.protocol.status import MessageType, Transaction

from ...transcript import plus
from ..asker import Departure
from ..case import CLIENT, Definition, Script, case, family
from ..peer import Peer
from ..talking import REQUEST, RESPONSE, Posted, Talk

_client = partial(case, places=(CLIENT,), after="client.transaction", seconds=30.0)
"""A case of a client: its seconds are those in which a program starts, speaks and ends."""

_BEHIND_KEY = {
    (33, 76): b"\x01\0\0\0\x75RM      \0" + b" " * 28 + bytes(32) + b"\0\0",
    (17, 59): b"\x01\x64\0\0\0RM      \0" + b" " * 28 + bytes(16) + b"\0",
}
"""The dispatcher headers of the worked examples "the body of a web POST", by the octets of web and
dispatcher header."""


def _asked(peer: Peer) -> tuple[Talk, Posted]:
    """A client that has asked what it was told to, behind its logon."""
    talk = peer.run()
    return talk, talk.asked()


def _must_be(peer: Peer, posted: Posted, name: str, value: object) -> None:
    got = posted.fields[name]
    if got != value:
        raise Departure(f"{name} {value!r}", f"{name} {got!r}", event=posted.event, field=name)


def _key_in(peer: Peer, posted: Posted) -> str:
    """The session key of a request: the web header's, the cookie's where that is empty."""
    said: str = posted.fields["web_session_key"]
    return said or posted.cookie(peer.profile.cookie)


@_client("client.transaction", rules="WEB-01 STS-01", after="")
def transaction(peer: Peer) -> None:
    """A client logs on, asks what it is told to, and ends with status 0 when it has the answer."""
    talk, _ = _asked(peer)
    talk.reply(data=RESPONSE)
    end = talk.ended()
    peer.must(end.status == 0, "exit status 0", str(end))


# ---- what it sends -------------------------------------------------------------------------------


@_client("client.logon", rules="WEB-04 WEB-02", after="")
def logs_on(peer: Peer) -> None:
    """The first request is a logon: transaction type 0, to STAROE, VUM with name and password."""
    logon = peer.run().log_on()
    _must_be(peer, logon, "target", "STAROE")
    _must_be(peer, logon, "type", MessageType.SYNC)
    user = peer.grounds.user()
    wanted = ("VUM", user.userid, user.password)
    try:
        message = parse(logon.data)
        values = [message[name].value.text.strip() for name in ("USERID", "PASSWORD")]
        got = (message.acronym, *values)
    except (MetadataError, KeyError):
        got = ("", repr(logon.data), "")
    peer.must(got == wanted, f"{wanted}", f"{got}")


@_client("client.logon.key", rules="WEB-03", after="client.logon")
def logs_on_without_a_key(peer: Peer) -> None:
    """The logon has a key of NULs and no cookie, since no server has made one yet."""
    logon = peer.run().log_on()
    peer.must(not _key_in(peer, logon), "a key of NULs", repr(_key_in(peer, logon)))


@_client("client.logon.refused", rules="WEB-04", after="client.logon")
def a_refused_logon(peer: Peer) -> None:
    """Behind a refused logon the client asks nothing, and says that it has failed."""
    talk = peer.run()
    talk.receive()
    talk.reply(100, b"VUMA<ERROR=6115>", web_session_key="")
    talk.fails()
    asked = [posted.data for posted in talk.later]
    peer.must(not asked, "no further request", f"{asked}")


@_client("client.post", rules="WEB-01")
def posts(peer: Peer) -> None:
    """Requests are POSTs to the path of the profile."""
    _, posted = _asked(peer)
    wanted = f"POST {peer.profile.web_path} HTTP/1."
    peer.must(posted.line.startswith(wanted), wanted, posted.line)


@_client("client.media-type", rules="WEB-01", level="should")
def names_the_media_type(peer: Peer) -> None:
    """The media type of a request is application/octet-stream."""
    _, posted = _asked(peer)
    got = posted.header("content-type")
    if got.partition(";")[0].strip().lower() != "application/octet-stream":
        peer.not_strict(f"the media type is {got!r}, which nobody looks at")


@_client("client.octets", rules="WEB-01 DSP-01 OCT-02 OCT-03")
def octet_for_octet(peer: Peer) -> None:
    """Both headers, the key aside, and the message are the worked example's, octet for octet."""
    sizes = peer.profile.wire.web.size, peer.profile.wire.dispatcher.size
    if sizes not in _BEHIND_KEY:
        peer.not_applicable(f"the octets are of another layout than {peer.profile.name}'s")
    _, posted = _asked(peer)
    wanted = b"\x01" + _BEHIND_KEY[sizes] + REQUEST
    got = posted.octets[:1] + posted.octets[sizes[0] :]
    peer.must(got == wanted, repr(wanted), repr(got))


@_client("client.version", rules="DSP-01 HDR-03")
def sends_the_version(peer: Peer) -> None:
    """The version of the dispatcher header is the profile's."""
    _, posted = _asked(peer)
    _must_be(peer, posted, "version", peer.profile.version)


@_client("client.length", rules="WEB-01")
def sends_the_length(peer: Peer) -> None:
    """The length in the dispatcher header is the number of octets behind the web header."""
    _, posted = _asked(peer)
    _must_be(peer, posted, "length", len(posted.octets) - peer.profile.wire.web.size)


@_client("client.identity", rules="DSP-01")
def sends_no_identity(peer: Peer) -> None:
    """User id, enterprise id and session key of the dispatcher header are empty."""
    _, posted = _asked(peer)
    for name in ("user_id", "enterprise_id", "session_key"):
        _must_be(peer, posted, name, "")


@_client("client.status", rules="HDR-02")
def sends_status_0(peer: Peer) -> None:
    """The status of a request is 0."""
    _, posted = _asked(peer)
    _must_be(peer, posted, "status", 0)


@_client("client.transaction-type", rules="WEB-02")
def is_a_transaction(peer: Peer) -> None:
    """What is asked behind the logon has transaction type 1."""
    _, posted = _asked(peer)
    _must_be(peer, posted, "transaction", Transaction.TRANSACTION)


@_client("client.type", rules="HDR-02 TRN-01")
def is_synchronous(peer: Peer) -> None:
    """A synchronous request has type 0."""
    _, posted = _asked(peer)
    _must_be(peer, posted, "type", MessageType.SYNC)


@_client("client.target", rules="DSP-02")
def names_the_target(peer: Peer) -> None:
    """The target is the one that the client was told to ask."""
    talk = peer.run(b"L<ENTPID=00022924,USERID=jeanvnet2,CATEGORY=D>", proxy="INBOX")
    _must_be(peer, talk.asked(), "target", "INBOX")


@_client("client.key", rules="WEB-03")
def returns_the_key(peer: Peer) -> None:
    """The session key that the logon gave comes back in the web header or in the cookie, and where
    it is in both it is the same."""
    talk, posted = _asked(peer)
    said, cookie = posted.fields["web_session_key"], posted.cookie(peer.profile.cookie)
    got = {said, cookie} - {""}
    peer.must(got == {talk.key}, talk.key, ", ".join(sorted(got)) or "a key of NULs")


@_client("client.key.later", rules="WEB-03", level="may")
def takes_a_later_key(peer: Peer) -> None:
    """What the client does with a key that differs from its logon's: none ever does."""
    talk = peer.run(kind="async")
    talk.asked()
    other = talk.key[::-1]
    talk.reply(1, b"0" * 18 + b"17", web_session_key=other)
    key = _key_in(peer, talk.receive())
    told = {talk.key: "keeps the key of its logon", other: "goes on under the later key"}
    peer.must(key in told, f"{talk.key} or {other}", key or "a key of NULs")
    peer.tell(told[key])


@_client("client.message", rules="SYN-07 DSP-04")
def leaves_the_message_alone(peer: Peer) -> None:
    """The message is sent as it was given: order, blanks, case of its keys and tail are kept."""
    given = b"GRTL< DATACAT =P,\tProduct= V ,DATATYPE=R,IO=O>\r\n| "
    got = peer.run(given).asked()
    peer.must(got.data == given, repr(given), repr(got.data))


@_client("client.message.high", rules="OCT-01")
def sends_every_octet(peer: Peer) -> None:
    """Octets above 0x7F are sent as they were given."""
    given = b"GURL<USERID=caf\xe9 \xff,ENTPID=00022924>"
    got = peer.run(given).asked()
    if got.data != given:
        peer.not_strict(f"{given!r} on the command line is sent as {got.data!r}")


# ---- how it takes what comes ---------------------------------------------------------------------


@_client("client.success", rules="STS-01 DSP-07")
def succeeds(peer: Peer) -> None:
    """Status 0 is success: exit status 0, and the response message is put out as it came."""
    talk, _ = _asked(peer)
    response = b"SRTL<ERROR=0,REPORTS = <Financial=<Longest Calls,11,R>,<Usage,15,R>>>"
    talk.reply(data=response)
    talk.succeeds(response)


@_client("client.error", rules="STS-01 ERR-02")
def an_error(peer: Peer) -> None:
    """Status 100 with an ERROR is a failure."""
    talk, _ = _asked(peer)
    talk.reply(100, b"SRTL<ERROR=6827>")
    talk.fails()


@_client("client.error.unknown", rules="ERR-02")
def an_unknown_error(peer: Peer) -> None:
    """An ERROR that the client does not know is a failure, whatever the status: only 0 is not."""
    talk, _ = _asked(peer)
    talk.reply(0, b"SRTL<ERROR=9999>")
    talk.fails()


@_client("client.response.unknown", rules="CAT-02")
def an_unknown_parameter(peer: Peer) -> None:
    """A response with an unknown parameter is read as far as it is known."""
    talk, _ = _asked(peer)
    response = b"SRTL<ERROR=0,REPORTS=<>,LATER=<A=<1,2>>,ALSO=3>"
    talk.reply(0, response)
    talk.succeeds(b"ERROR=0")


@_client("client.pieces", rules="HDR-09")
def in_single_octets(peer: Peer) -> None:
    """A reply that comes octet by octet is read as one that comes whole."""
    talk, _ = _asked(peer)
    talk.send_slowly(talk.answer(0, RESPONSE).octets)
    talk.succeeds()


@_client("client.chunked", rules="HDR-09 WEB-01")
def in_chunks(peer: Peer) -> None:
    """A reply in chunks, cut within both headers and the message, is read as one with a length."""
    talk, _ = _asked(peer)
    body = talk.answer(0, RESPONSE).octets
    talk.send(body, chunks=(1, 7, peer.profile.wire.web.size + 3, len(body) - 5))
    talk.succeeds()


@_client("client.reply.closed", rules="WEB-01")
def closed_without_a_reply(peer: Peer) -> None:
    """A connection that is closed without a reply is a failure."""
    talk, _ = _asked(peer)
    talk.close()
    talk.fails()


def _refusing(number: int) -> Script:
    def script(peer: Peer) -> None:
        talk, _ = _asked(peer)
        talk.reply(number)
        talk.fails()

    return script


def _http(number: int) -> Script:
    def script(peer: Peer) -> None:
        talk, _ = _asked(peer)
        talk.send(b"no, thank you\n", number=number)
        talk.fails()

    return script


def _malformed(change: Callable[[Peer, Talk], tuple[bytes, int | None]]) -> Script:
    def script(peer: Peer) -> None:
        talk, _ = _asked(peer)
        body, part = change(peer, talk)
        talk.send(body, part=part)
        if part is not None:
            talk.close()
        talk.fails()

    return script


def _short(peer: Peer, talk: Talk) -> tuple[bytes, int | None]:
    return talk.answer(0).octets[:-1], None


def _long(peer: Peer, talk: Talk) -> tuple[bytes, int | None]:
    return talk.answer(0, RESPONSE).with_(length=plus(1)).octets, None


def _headless(peer: Peer, talk: Talk) -> tuple[bytes, int | None]:
    length = peer.profile.wire.dispatcher.size - 1
    return talk.answer(0, RESPONSE).with_(length=length).octets, None


def _version(peer: Peer, talk: Talk) -> tuple[bytes, int | None]:
    return talk.answer(0, RESPONSE).with_(version=plus(1)).octets, None


def _truncated(peer: Peer, talk: Talk) -> tuple[bytes, int | None]:
    body = talk.answer(0, RESPONSE).octets
    return body, len(body) - 4


_MALFORMED = {
    "short": (_short, "WEB-06", "A body shorter than the two headers"),
    "length.long": (_long, "WEB-01", "A length beyond the end of the body"),
    "length.headless": (_headless, "HDR-04", "A length below the header's own"),
    "version": (_version, "HDR-03", "A reply of another version"),
    "truncated": (_truncated, "WEB-06", "A body that ends before its Content-Length"),
}
_STATUSES = (*range(101, 112), 77)


def _failure(name: str, rules: str, sentence: str, script: Script) -> Definition:
    return Definition(
        name=f"client.{name}",
        sentence=f"{sentence} is a failure, and the client does not hang.",
        rules=tuple(rules.split()),
        script=script,
        places=(CLIENT,),
        after=("client.transaction",),
        seconds=30.0,
    )


@family
def failures() -> Iterator[Definition]:
    """What must be taken for failed."""
    for number in _STATUSES:
        words = f"Status {number}" if number > 99 else f"A status that nobody knows, {number},"
        yield _failure(f"status.{number}", "STS-01", words, _refusing(number))
    for number in (400, 503):
        yield _failure(f"http.{number}", "WEB-06", f"HTTP {number}", _http(number))
    for name, (change, rules, words) in _MALFORMED.items():
        yield _failure(f"reply.{name}", rules, words, _malformed(change))


# ---- the end -------------------------------------------------------------------------------------


@_client("client.logoff", rules="WEB-05", level="may")
def logs_off(peer: Peer) -> None:
    """Whether the client ends its session; one that it leaves open ends by itself."""
    talk, _ = _asked(peer)
    talk.reply(data=RESPONSE)
    talk.ended()
    off = [one for one in talk.later if one.fields["transaction"] == Transaction.LOGOFF]
    for one in off:
        peer.must(_key_in(peer, one) == talk.key, f"a logoff of {talk.key}", _key_in(peer, one))
    peer.tell("logs off at its end" if off else "leaves its session open")
