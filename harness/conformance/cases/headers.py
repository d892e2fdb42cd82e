"""The headers of frames: what each field must hold, and what becomes of those that do not (HDR).

Literal octets are those of `docs/protocol.md`; they hold in the profile whose layout they are of.
"""

from __future__ import annotations

from typing import Any

from ...transcript import Draft, plus
from ..case import FRAMED, PROXIES, case
from ..expecting import Expectation, bare, field, octets, repeats, status
from ..peer import Peer

_ECHO = bytes.fromhex("01 00000031 01") + bytes(32) + bytes.fromhex("00 0000000000001268 0000")
"""The worked example "an echo and its reply", 49 octets."""
_VERSION_MISMATCH = bytes.fromhex("01 00000031 00") + bytes(32) + bytes(1 + 8) + b"\0\x65"
"""The worked example "version mismatch"."""
_BAD_LENGTH = _VERSION_MISMATCH[:-1] + b"\x66"
_GREATEST_ECHO = 255


def _in_default_layout(peer: Peer) -> None:
    """Literal octets say nothing about another layout."""
    common = peer.profile.wire.common
    widths = [(slot.name, slot.width) for slot in common.slots]
    standard = [("version", 1), ("length", 4), ("echo", 1), ("session_key", 32)]
    standard += [("type", 1), ("serial", 8), ("status", 2)]
    if widths != standard or common.integer("length").order != "big":
        peer.not_applicable(f"the octets are of another layout than {peer.profile.name}'s")


def _empty(peer: Peer) -> list[Expectation]:
    """The bare header that answers what cannot be trusted (HDR-06)."""
    nought = [field("version", peer.profile.version), field("type", 0), field("session_key", "")]
    if peer.spoken == "common":
        nought += [field("serial", 0), field("echo", 0)]
    else:
        nought.append(field("target", ""))
    return [bare(), *nought]


# ---- the reply's fields --------------------------------------------------------------------------


@case("header.reply.version", rules="HDR-06 HDR-02", places=FRAMED)
def version_comes_back(peer: Peer) -> None:
    """A reply has the version of its request."""
    peer.ask(peer.probe(), field("version", peer.profile.version))


@case("header.reply.serial", rules="HDR-06 HDR-02", places=PROXIES)
def serial_comes_back(peer: Peer) -> None:
    """A proxy gives the serial back as it came, all octets of it."""
    width = peer.profile.wire.common.integer("serial").width
    for serial in (1, (1 << 8 * width) - 1, int.from_bytes(range(1, width + 1), "big")):
        draft = peer.probe(serial=serial)
        peer.ask(draft, repeats(draft, "serial"))


@case("header.reply.key", rules="HDR-06", places=PROXIES)
def key_comes_back(peer: Peer) -> None:
    """A proxy's reply repeats the session key."""
    draft = peer.probe()
    peer.ask(draft, repeats(draft, "session_key"))


@case("header.reply.type", rules="HDR-06", places=("dispatcher", "rm", "rs", "inbox"))
def type_comes_back(peer: Peer) -> None:
    """A reply repeats the type, here that of a poll."""
    draft = peer.request(b"0" * 20, type=2, **_toward(peer))
    peer.ask(draft, status(108), field("type", 2))


@case("header.reply.echo", rules="HDR-06", places=PROXIES)
def reply_is_no_echo(peer: Peer) -> None:
    """The echo flag of a reply is 0."""
    peer.ask(peer.probe(), field("echo", 0))


def _toward(peer: Peer) -> dict[str, Any]:
    """A target that takes all types, where one must be named."""
    return {"target": "RM"} if peer.place == "dispatcher" else {}


# ---- the request's status ------------------------------------------------------------------------


@case("header.request.status", rules="HDR-02", places=FRAMED)
def status_of_a_request(peer: Peer) -> None:
    """The status of a request is not looked at."""
    for number in (1, 105, 255):
        peer.ask(peer.probe(status=number), peer.answered())


# ---- version -------------------------------------------------------------------------------------


@case("header.version.other", rules="HDR-03", places=FRAMED)
def another_version(peer: Peer) -> None:
    """Any version but the profile's is 101."""
    for version in (plus(-1), plus(1), plus(127)):
        peer.ask(peer.probe().with_(version=version), status(101))


@case("header.version.reply", rules="HDR-06 STS-01", places=FRAMED, after="header.version.other")
def reply_to_another_version(peer: Peer) -> None:
    """A 101 is a bare header of the receiver's own version, all else of it empty."""
    peer.ask(peer.probe().with_(version=plus(1)), *_empty(peer))


@case("header.version.closes", rules="HDR-06", places=FRAMED, after="header.version.other")
def closes_behind_101(peer: Peer) -> None:
    """Behind a 101 the connection is closed."""
    line = peer.connect()
    line.send(peer.probe().with_(version=plus(1)))
    line.expect(status(101))
    line.expect_end()


@case("header.version.early", rules="HDR-03 HDR-09", places=FRAMED, after="header.version.other")
def version_is_judged_at_once(peer: Peer) -> None:
    """The version is judged as soon as it is in: nothing behind it is waited for."""
    width = getattr(peer.profile.wire, peer.spoken).integer("version").width
    line = peer.connect()
    line.send(peer.probe().with_(version=plus(1)).octets[:width])
    line.expect(status(101))


@case("header.version.octets", rules="HDR-02 HDR-03 HDR-06 OCT-02 OCT-03", places=PROXIES)
def version_mismatch_literally(peer: Peer) -> None:
    """The answer to a frame of version 2 is, octet for octet, the example of the specification."""
    _in_default_layout(peer)
    peer.ask(b"\2" + _ECHO[1:], octets(_VERSION_MISMATCH))


# ---- length --------------------------------------------------------------------------------------


def _with_length(peer: Peer, number: int, **fields: int) -> Draft:
    return peer.probe(**fields).with_(length=number)


@case("header.length.short", rules="HDR-04", places=FRAMED)
def too_short(peer: Peer) -> None:
    """A length below the header's own is answered with 102."""
    for number in (0, 1, peer.header_size - 1):
        peer.ask(_with_length(peer, number), status(102))


@case("header.length.long", rules="HDR-04", places=FRAMED)
def too_long(peer: Peer) -> None:
    """A length above the profile's maximum is answered with 102, though nothing follows."""
    head = _with_length(peer, peer.profile.frame_octets + 1).octets[: peer.header_size]
    peer.ask(head, status(102))


@case("header.length.greatest", rules="HDR-04", places=FRAMED)
def greatest_length(peer: Peer) -> None:
    """The profile's maximum itself is in order: the rest of the frame is waited for."""
    line = peer.connect()
    line.send(_with_length(peer, peer.profile.frame_octets).octets[: peer.header_size])
    line.expect_silence(0.2)


@case("header.length.reply", rules="HDR-06 STS-01", places=FRAMED, after="header.length.short")
def reply_to_a_bad_length(peer: Peer) -> None:
    """A 102 is a bare header of the receiver's own version, all else of it empty."""
    peer.ask(_with_length(peer, peer.header_size - 1), *_empty(peer))


@case("header.length.closes", rules="HDR-06", places=FRAMED, after="header.length.short")
def closes_behind_102(peer: Peer) -> None:
    """Behind a 102 the connection is closed, and what stands behind the frame is no frame."""
    line = peer.connect()
    line.send(_with_length(peer, peer.header_size - 1).octets + peer.probe().octets)
    line.expect(status(102))
    line.expect_end()


@case("header.length.early", rules="HDR-03 HDR-09", places=FRAMED, after="header.length.short")
def length_is_judged_at_once(peer: Peer) -> None:
    """The length is judged as soon as its last octet is in: the rest is not waited for."""
    codec = getattr(peer.profile.wire, peer.spoken)
    line = peer.connect()
    line.send(_with_length(peer, 1).octets[: codec.integer("length").end])
    line.expect(status(102))


_TYPED = ("dispatcher", "rm", "rs", "inbox")
"""Where frames of type 3 are taken."""


@case("header.length.bulk", rules="HDR-04 HDR-03", places=_TYPED)
def bulk_too_long(peer: Peer) -> None:
    """A frame of type 3 above its own smaller maximum is 102 as soon as the header is complete."""
    draft = peer.request(b"", type=3, **_toward(peer))
    head = draft.with_(length=peer.profile.bulk_frame_octets + 1).octets[: peer.header_size]
    peer.ask(head, status(102))


@case("header.length.greatest-bulk", rules="HDR-04", places=_TYPED)
def greatest_bulk_length(peer: Peer) -> None:
    """The maximum of a frame of type 3 itself is in order."""
    draft = peer.request(b"", type=3, **_toward(peer))
    line = peer.connect()
    line.send(draft.with_(length=peer.profile.bulk_frame_octets).octets[: peer.header_size])
    line.expect_silence(0.2)


@case("header.length.equal", rules="HDR-04", places=FRAMED)
def header_alone(peer: Peer) -> None:
    """A length equal to the header's is in order: the message is empty, and the frame answered."""
    draft = peer.probe().but(data=b"")
    line = peer.connect()
    line.send(draft)
    reply = line.expect()
    peer.must(reply.status != 102, "a reply other than 102", "status 102")
    peer.still_served(line)


@case("header.length.octets", rules="HDR-02 HDR-04 HDR-06 OCT-02 OCT-03", places=PROXIES)
def bad_length_literally(peer: Peer) -> None:
    """The answer to a length of 48 is a bare header of 49 octets whose status is 102."""
    _in_default_layout(peer)
    peer.ask(_ECHO[:4] + b"\x30" + _ECHO[5:], octets(_BAD_LENGTH))


# ---- echo ----------------------------------------------------------------------------------------


@case("header.echo.octets", rules="HDR-05", places=PROXIES)
def echo_literally(peer: Peer) -> None:
    """An echo comes back octet for octet; this one is the example of the specification."""
    _in_default_layout(peer)
    peer.ask(_ECHO, octets(_ECHO))


@case("header.echo.whole", rules="HDR-05", places=PROXIES)
def echo_with_all_fields(peer: Peer) -> None:
    """An echo comes back as it was: key, type, serial, status and the data behind the header."""
    draft = peer.request(b"any octets \0\xff<", key="nobody", type=2, status=77).with_(echo=1)
    peer.ask(draft, octets(draft.octets))


@case("header.echo.type", rules="HDR-05 HDR-03", places=PROXIES, after="header.echo.octets")
def echo_before_type(peer: Peer) -> None:
    """The echo is judged before the type: one of an unknown type comes back too."""
    draft = peer.request(b"", key="", type=9).with_(echo=1)
    peer.ask(draft, octets(draft.octets))


@case("header.echo.session", rules="HDR-05", places=PROXIES)
def echo_without_session(peer: Peer) -> None:
    """An echo needs no session."""
    draft = peer.request(b"", key="").with_(echo=1)
    peer.ask(draft, octets(draft.octets))


@case("header.echo.values", rules="HDR-05", places=PROXIES, after="header.echo.octets")
def any_value_is_an_echo(peer: Peer) -> None:
    """Any value of the flag but 0 is an echo."""
    for value in (2, 128, _GREATEST_ECHO):
        draft = peer.request(b"", key="").with_(echo=value)
        peer.ask(draft, octets(draft.octets))


@case("header.echo.open", rules="HDR-05", places=PROXIES)
def echo_leaves_open(peer: Peer) -> None:
    """Behind an echo the connection stays, whatever the type in it."""
    line = peer.connect()
    draft = peer.request(b"", key="", type=1).with_(echo=1)
    line.send(draft)
    line.expect(octets(draft.octets))
    peer.still_served(line)


# ---- type ----------------------------------------------------------------------------------------


@case("header.type.unknown", rules="HDR-06", places=FRAMED)
def unknown_type(peer: Peer) -> None:
    """A type that is none of the four is 107."""
    for number in (4, 255):
        peer.ask(peer.probe(type=number), status(107))


@case("header.type.bare", rules="HDR-06 STS-01", places=FRAMED, after="header.type.unknown")
def bare_refusal(peer: Peer) -> None:
    """A refusal by status is a header without data."""
    peer.ask(peer.probe(type=4), bare())


@case("header.type.repeats", rules="HDR-06", places=PROXIES, after="header.type.unknown")
def refusal_repeats(peer: Peer) -> None:
    """A bare refusal repeats version, key, type and serial of its request."""
    draft = peer.probe(type=4)
    peer.ask(draft, repeats(draft, "version", "session_key", "type", "serial"), field("echo", 0))


@case("header.type.open", rules="HDR-06", places=FRAMED, after="header.type.unknown")
def stays_open_behind_107(peer: Peer) -> None:
    """Behind a 107 the connection stays, and the next frame is served."""
    line = peer.connect()
    line.send(peer.probe(type=4))
    line.expect(status(107))
    peer.still_served(line)


@case("header.type.before-session", rules="HDR-03", places=PROXIES, after="header.type.unknown")
def type_before_session(peer: Peer) -> None:
    """The type is judged before the session key."""
    peer.ask(peer.probe(type=4, key="nobody"), status(107))


@case("header.type.not-offered", rules="WEB-04", places=("staroe",))
def staroe_is_synchronous(peer: Peer) -> None:
    """StarOE takes synchronous transactions alone: types 1, 2 and 3 are 107."""
    for number in (1, 2, 3):
        peer.ask(peer.probe(type=number), status(107))


# ---- session key ---------------------------------------------------------------------------------


@case("header.session.unknown", rules="HDR-11", places=PROXIES)
def unknown_session(peer: Peer) -> None:
    """A session key that nobody has is 105."""
    peer.ask(peer.probe(key="f" * 16), status(105))


@case("header.session.none", rules="HDR-11", places=("rm", "rs", "inbox"))
def no_session(peer: Peer) -> None:
    """A key of NULs is 105."""
    peer.ask(peer.probe(key=""), status(105))


@case("header.session.open", rules="HDR-06", places=PROXIES, after="header.session.unknown")
def stays_open_behind_105(peer: Peer) -> None:
    """Behind a 105 the connection stays, and the next frame is served."""
    line = peer.connect()
    line.send(peer.probe(key="f" * 16))
    line.expect(status(105))
    peer.still_served(line)


@case("header.session.before-data", rules="HDR-03", places=PROXIES, after="header.session.unknown")
def session_before_message(peer: Peer) -> None:
    """The session is judged before the data: a broken message under no session is 105."""
    for message in (b"VUX<", b"", b"GRTL<PRODUCT=Q>"):
        peer.ask(peer.request(message, key="f" * 16), status(105))
