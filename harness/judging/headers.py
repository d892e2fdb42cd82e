"""Judges of headers and statuses: HDR-02 to HDR-06, STS-01, DSP-01."""

from __future__ import annotations

from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.status import MessageType, Status

from .known import Known
from .moments import Answered, Asked, Garbled, Unasked
from .verdicts import HELD, Objection, Verdict, judge

_MISMATCHES = (Status.VERSION, Status.LENGTH)
_BARE = range(Status.UNKNOWN_PROXY, Status.OVERLOADED + 1)
_LAYERS = {CommonHeader: "common", DispatcherHeader: "dispatcher"}


@judge("HDR-02", "The length counts the whole frame, and the server's octets are frames", Garbled)
def is_framed(moment: Garbled, known: Known) -> Verdict:
    if moment.status == Status.VERSION and moment.owed:
        return None  # HDR-06; behind the last reply the length of that one was too short
    return Objection("whole frames or messages", moment.problem, "common.length")


@judge("HDR-02", "The length counts the whole frame, and the server's octets are frames", Answered)
def was_framed(moment: Answered, known: Known) -> Verdict:
    return None if moment.frame is None else HELD


@judge("HDR-02", "A sender writes status 0 in a request", Asked, about="client")
def asks_without_status(moment: Asked, known: Known) -> Verdict:
    frame = moment.frame
    if frame is None or moment.is_echo or moment.where.hop == "web":
        return None
    if frame.status:
        return Objection("0", str(frame.status), f"{_LAYERS[type(frame)]}.status")
    return HELD


@judge("HDR-03", "101 answers a version that is not the profile's, and nothing else", Answered)
def mismatch_is_told(moment: Answered, known: Known) -> Verdict:
    return _mismatch(moment, Status.VERSION)


@judge("HDR-04", "102 answers a length that cannot be, and nothing else", Answered)
def bad_length_is_told(moment: Answered, known: Known) -> Verdict:
    return _mismatch(moment, Status.LENGTH)


def _mismatch(moment: Answered, status: Status) -> Verdict:
    frame, asked = moment.frame, moment.asked
    if frame is None or moment.where.hop == "web" or asked.is_echo:
        return None
    if asked.unit is None:
        if asked.status != status:
            return None
        return HELD if frame.status == status else wrong_status(moment, str(int(status)))
    if frame.status != status:
        return None
    return wrong_status(moment, "another status: the request's version and length are good")


def wrong_status(moment: Answered, expected: str) -> Objection:
    """The status of a reply is not what it has to be."""
    frame = moment.frame
    assert frame is not None
    return Objection(expected, str(frame.status), f"{_LAYERS[type(frame)]}.status")


@judge("HDR-05", "An echo comes back octet for octet", Answered)
def echo_is_identical(moment: Answered, known: Known) -> Verdict:
    asked = moment.asked
    if not asked.is_echo or moment.status == Status.OVERLOADED:
        return None
    if moment.octets == asked.octets:
        return HELD
    offset = _first_difference(asked.octets, moment.octets)
    got = moment.octets[offset : offset + 16].hex(" ") or "nothing"
    expected = asked.octets[offset : offset + 16].hex(" ") or "nothing"
    return Objection(f"{expected} at octet {offset}", got, offset=offset)


def _first_difference(one: bytes, two: bytes) -> int:
    shorter = min(len(one), len(two))
    return next((n for n in range(shorter) if one[n] != two[n]), shorter)


@judge("HDR-06", "A reply repeats version, session key, type and serial; its echo is 0", Answered)
def repeats_the_request(moment: Answered, known: Known) -> Verdict:
    header, asked = moment.common, moment.asked.common
    if header is None or moment.asked.is_echo:
        return None
    if header.status in _MISMATCHES:
        expected = CommonHeader(moment.profile.version, header.length, status=header.status)
    elif asked is None:
        return None
    else:
        expected = CommonHeader(
            *(asked.version, header.length, 0, asked.session_key),
            *(asked.type, asked.serial, header.status),
        )
    return _differing("common", expected, header)


@judge("HDR-06", "Statuses 101 to 111 are bare headers", Answered)
def is_bare(moment: Answered, known: Known) -> Verdict:
    frame = moment.frame
    if frame is None or moment.asked.is_echo:
        return None
    if frame.status not in _MISMATCHES and frame.status not in _BARE:
        return None
    behind = len(moment.reply.data) + (moment.profile.wire.bulk.size if moment.bulk else 0)
    if behind:
        return Objection("no data behind the header", f"{behind} octets", offset=_behind(moment))
    return HELD


@judge("HDR-06", "A reply has the version of the profile", Garbled)
def has_our_version(moment: Garbled, known: Known) -> Verdict:
    if moment.status != Status.VERSION or not moment.owed:
        return None
    return Objection(f"version {moment.profile.version}", moment.problem, "common.version")


@judge("HDR-06", "A type that there is not is 107", Answered)
def unknown_type_is_told(moment: Answered, known: Known) -> Verdict:
    asked, frame = moment.asked.frame, moment.frame
    if asked is None or frame is None or moment.asked.is_echo or moment.where.hop == "web":
        return None
    offered = (0,) if moment.where.hop == "staroe" else tuple(MessageType)
    if asked.type in offered:
        return None
    if frame.status in (Status.UNKNOWN_TYPE, Status.OVERLOADED):
        return HELD
    return wrong_status(moment, "107")


@judge("DSP-01", "A reply repeats version, target and type, and names nobody", Answered)
def names_nobody(moment: Answered, known: Known) -> Verdict:
    header, asked = moment.frame, moment.asked.frame
    if not isinstance(header, DispatcherHeader):
        return None
    if header.status in _MISMATCHES:
        expected = DispatcherHeader(moment.profile.version, header.length, status=header.status)
    elif not isinstance(asked, DispatcherHeader):
        return None
    else:
        expected = DispatcherHeader(
            *(asked.version, header.length, asked.target, asked.type, "", "", "", header.status)
        )
    return _differing("dispatcher", expected, header)


def _differing(
    layer: str, expected: CommonHeader | DispatcherHeader, header: CommonHeader | DispatcherHeader
) -> Verdict:
    if expected == header:
        return HELD
    for name in header.__struct_fields__:
        one, two = getattr(expected, name), getattr(header, name)
        if one != two:
            return Objection(f"{name} {one!r}", f"{two!r}", f"{layer}.{name}")
    return HELD


def _behind(moment: Answered) -> int:
    """The offset of the first octet behind the header of the frame."""
    return (
        len(moment.octets)
        - len(moment.reply.data)
        - (moment.profile.wire.bulk.size if moment.bulk else 0)
    )


@judge(
    "STS-01", "The status is one that the server may send, with the type of the request", Answered
)
def status_is_possible(moment: Answered, known: Known) -> Verdict:
    frame, asked = moment.frame, moment.asked.frame
    if frame is None or moment.asked.is_echo or frame.status in _MISMATCHES:
        return None
    kind = frame.type if asked is None else asked.type
    web = moment.asked.web
    possible = {
        MessageType.SYNC: {0, 100},
        MessageType.REQUEST: {1},
        MessageType.POLL: {0, 2, 100},
        MessageType.BULK: {3, 4, 5, 100},
    }.get(MessageType(kind) if kind in tuple(MessageType) else MessageType.SYNC, set())
    if web is not None and web.transaction == 2:
        possible = {0}
    told_by_dispatchers = {103, 104, 109}
    refusals = set(range(105, 112)) | (
        told_by_dispatchers if isinstance(frame, DispatcherHeader) else set()
    )
    if frame.status in possible | (refusals - {102}):
        return HELD
    known_ones = ", ".join(str(one) for one in sorted(possible | refusals))
    return wrong_status(moment, f"one of {known_ones}")


@judge("STS-01", "What stands behind the header is what the status says", Answered)
def data_go_with_the_status(moment: Answered, known: Known) -> Verdict:
    frame = moment.frame
    if frame is None or moment.asked.is_echo or moment.bulk is not None:
        return None
    data = moment.reply.data
    if frame.status == Status.ACCEPTED:
        if len(data) == 20 and data.isdigit():
            return HELD
        return Objection("an identifier of 20 decimal digits", _told(data), offset=_behind(moment))
    if frame.status == Status.IN_PROGRESS:
        if not data:
            return HELD
        return Objection("no data", _told(data), offset=_behind(moment))
    return None


@judge("TRN-01", "Nothing is sent that was not asked for", Unasked)
def is_asked(moment: Unasked, known: Known) -> Verdict:
    return Objection("nothing: no request is open", f"{len(moment.octets)} octets")


@judge("TRN-01", "Requests on one connection are answered in order", Answered)
def is_in_turn(moment: Answered, known: Known) -> Verdict:
    if moment.where.hop == "web" or moment.multiplexed:
        return None
    if moment.in_turn:
        return HELD
    common = moment.common
    serial = "" if common is None else f" (serial {common.serial})"
    return Objection("the reply to the oldest request", f"the reply to a later one{serial}")


def _told(data: bytes) -> str:
    if not data:
        return "no data"
    more = "..." if len(data) > 40 else ""
    return f"{len(data)} octets, {data[:40]!r}{more}"
