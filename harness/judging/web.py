"""Judges of the web server's HTTP: WEB-01, WEB-02, WEB-06 to WEB-08."""

from __future__ import annotations

from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.status import MessageType, Status, Transaction

from .known import Known
from .moments import Answered, Responded
from .verdicts import HELD, Objection, Verdict, judge

_MEDIA_TYPE = "application/octet-stream"


@judge("WEB-01", "The body of a response is octets of no other media type", Responded)
def has_the_media_type(moment: Responded, known: Known) -> Verdict:
    response = moment.response
    if response.status != 200 or not response.headers:
        return None
    told = header_of(moment, "content-type")
    if told.partition(";")[0].strip().lower() == _MEDIA_TYPE:
        return HELD
    return Objection(_MEDIA_TYPE, told or "none", "content-type")


@judge("WEB-01", "A response repeats the transaction type", Responded)
def repeats_the_transaction(moment: Responded, known: Known) -> Verdict:
    web, asked = moment.web, moment.asked.web
    if web is None or asked is None or moment.response.status != 200:
        return None
    if web.transaction == asked.transaction:
        return HELD
    expected = str(asked.transaction)
    return Objection(expected, str(web.transaction), "web.transaction")


@judge("WEB-01", "A length that is not that of the octets behind the web header is 102", Responded)
def judges_the_length(moment: Responded, known: Known) -> Verdict:
    asked, frame = moment.asked, moment.asked.frame
    if asked.unit is None or frame is None or moment.response.status != 200 or moment.status < 0:
        return None
    if frame.version != moment.profile.version:
        expected = Status.VERSION
    elif _is_bad_length(moment, frame.length):
        expected = Status.LENGTH
    else:
        if moment.status not in (Status.VERSION, Status.LENGTH) or moment.frames > 1:
            return HELD
        return Objection("another status: version and length are good", str(moment.status))
    if moment.status in (expected, Status.OVERLOADED):
        return HELD
    return Objection(str(int(expected)), str(moment.status), "dispatcher.status")


def _is_bad_length(moment: Responded, length: int) -> bool:
    profile, asked = moment.profile, moment.asked
    frame = asked.frame
    behind = len(asked.octets) - profile.wire.web.size
    is_bulk = frame is not None and frame.type == MessageType.BULK
    most = profile.bulk_frame_octets if is_bulk else profile.frame_octets
    return length != behind or length > most


@judge("WEB-02", "A response begins with a web header, and dispatcher frames follow it", Responded)
def holds_both_headers(moment: Responded, known: Known) -> Verdict:
    if moment.response.status != 200:
        return None
    if moment.problem:
        return Objection("dispatcher frames", moment.problem)
    if not moment.frames or moment.rest:
        got = f"{moment.frames} frames and {moment.rest} octets behind them"
        return Objection("whole frames behind the web header", got, "dispatcher.length")
    return HELD


@judge("WEB-06", "HTTP tells what is no request of the wire, in the order of the rule", Responded)
def has_the_http_status(moment: Responded, known: Known) -> Verdict:
    asked, request, got = moment.asked, moment.asked.request, moment.response.status
    if request is None or got == 503:
        return None
    expected = _http_status(moment)
    if got == expected or (got == 500 and expected == 200):
        return HELD if got == expected else None
    if asked.cut and expected != 413:
        return None
    return Objection(f"HTTP {expected}", f"HTTP {got}", "status")


def _http_status(moment: Responded) -> int:
    asked, request, profile = moment.asked, moment.asked.request, moment.profile
    assert request is not None
    if asked.cut or len(asked.octets) > profile.wire.web.size + profile.frame_octets:
        return 413
    path = request.path.partition("?")[0]
    if path.startswith(("http://", "https://")):
        path = "/" + path.split("/", 3)[-1] if path.count("/") > 2 else "/"
    if path != profile.web_path:
        return 404
    if request.method != "POST":
        return 405
    web = asked.web
    if web is None or web.transaction not in tuple(Transaction):
        return 400
    return 200


@judge(
    "WEB-07",
    "The client's connection is encrypted, unless the profile allows plain HTTP",
    Responded,
)
def is_encrypted(moment: Responded, known: Known) -> Verdict:
    if moment.tls != moment.profile.allow_plain_http:
        return HELD
    expected = "plain HTTP" if moment.profile.allow_plain_http else "HTTPS"
    return Objection(expected, "HTTPS" if moment.tls else "plain HTTP")


@judge(
    "WEB-08", "The response to a type 3 frame ends with status 4, 5, or 100 and above", Responded
)
def bulk_has_its_last_frame(moment: Responded, known: Known) -> Verdict:
    asked = moment.asked.frame
    if asked is None or asked.type != MessageType.BULK or not moment.frames:
        return None
    if moment.response.status != 200 or moment.problem:
        return None
    if moment.status != Status.BULK:
        return HELD
    return Objection("a last frame", "the end behind a data frame", "dispatcher.status")


@judge("WEB-08", "A transfer's response has no length of its own", Responded)
def bulk_has_no_length(moment: Responded, known: Known) -> Verdict:
    if moment.frames < 2 or not moment.response.headers:
        return None
    told = header_of(moment, "content-length")
    return HELD if not told else Objection("no Content-Length", told, "content-length")


@judge(
    "WEB-08",
    "Only a transfer is answered by more than one frame, and no frame comes behind the last",
    Answered,
)
def has_one_frame(moment: Answered, known: Known) -> Verdict:
    asked = moment.asked.frame
    if moment.where.hop != "web" or not isinstance(asked, DispatcherHeader):
        return None
    if moment.replies > 1 and (asked.type != MessageType.BULK or moment.behind_last):
        return Objection("no further frame", f"frame {moment.replies}", "dispatcher.status")
    return HELD


def header_of(moment: Responded, name: str) -> str:
    """An HTTP header of the response; "" for none."""
    return next((value for one, value in moment.response.headers if one.lower() == name), "")
