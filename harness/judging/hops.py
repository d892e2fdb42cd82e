"""Judges across hops: DSP-01, DSP-03 to DSP-05, DSP-07, HDR-07."""

from __future__ import annotations

from starwire.protocol.endpoints import PROXY_OF_TARGET
from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.status import MessageType, Operation, Status, Transaction

from .journeys import Journey, behind, data_of, is_forwarded, is_own_hop, is_question
from .known import Known
from .moments import Answered, Asked
from .remembered import stamp
from .verdicts import HELD, Objection, Verdict, judge

_OWN = {
    *(Status.UNAVAILABLE, Status.TIMED_OUT, Status.BAD_BULK, Status.OVERLOADED),
    *(Status.UNKNOWN_PROXY, Status.NOT_ENTITLED),
}
"""What a hop may say in place of a reply that came, or came too late."""


@judge(
    "DSP-01",
    "The web server adds the identity of the session, and nothing that the client said",
    Asked,
)
def adds_the_identity(moment: Asked, known: Known) -> Verdict:
    journey, header = _at_dispatcher(moment, known)
    if journey is None or header is None or journey.web is None:
        return None
    web = journey.web.web
    if web is None:
        return None
    if web.transaction == Transaction.LOGON:
        key, customer = "", None
    else:
        key = journey.web.key
        customer = known.customers.of.get(key)
    if header.session_key != key:
        return _field("session_key", key, header.session_key)
    if customer is None:
        return HELD
    for name, value in zip(("user_id", "enterprise_id"), customer, strict=True):
        if getattr(header, name) != value:
            return _field(name, value, getattr(header, name))
    return HELD


def _field(name: str, expected: str, got: str, layer: str = "dispatcher") -> Objection:
    return Objection(f"{name} {expected!r}", repr(got), f"{layer}.{name}")


def _at_dispatcher(moment: Asked, known: Known) -> tuple[Journey | None, DispatcherHeader | None]:
    header = moment.frame
    if moment.where.hop != "dispatcher" or not isinstance(header, DispatcherHeader):
        return None, None
    return known.journeys.of(moment, at_proxy=False), header


@judge(
    "DSP-04",
    "The data pass through unchanged, to the target and with the type that were asked",
    Asked,
)
def passes_unchanged(moment: Asked, known: Known) -> Verdict:
    journey, header = _at_dispatcher(moment, known)
    if journey is not None and header is not None and journey.web is not None:
        return _same_request(journey.web, moment, header)
    journey = _forwarded(moment, known)
    if journey is None or journey.dispatcher is None or moment.common is None:
        return None
    asked = journey.dispatcher.frame
    assert isinstance(asked, DispatcherHeader)
    if is_question(moment, asked):
        return None
    if moment.where.hop != PROXY_OF_TARGET.get(asked.target):
        return Objection(f"a frame to {asked.target}", f"a frame at {moment.where.hop}")
    if moment.bulk is not None and moment.bulk.operation == Operation.CANCEL:
        return None  # it goes on the connection of its run
    if moment.common.type != asked.type:
        return Objection(str(asked.type), str(moment.common.type), "common.type")
    if moment.common.session_key != asked.session_key:
        return _field("session_key", asked.session_key, moment.common.session_key, "common")
    return _same_data(journey.dispatcher, moment)


def _same_request(web: Asked, moment: Asked, header: DispatcherHeader) -> Verdict:
    asked = web.frame
    if not isinstance(asked, DispatcherHeader):
        return None
    for name in ("target", "type"):
        if getattr(asked, name) != getattr(header, name):
            return _field(name, getattr(asked, name), getattr(header, name))
    return _same_data(web, moment)


def _same_data(before: Asked, moment: Asked) -> Verdict:
    one, two = data_of(before), data_of(moment)
    if one == two:
        return HELD
    shorter = min(len(one), len(two))
    place = next((n for n in range(shorter) if one[n] != two[n]), shorter)
    offset = len(moment.octets) - len(two) + place
    told = f"{one[place : place + 16]!r} at octet {place} of the data"
    return Objection(told, repr(two[place : place + 16]), offset=offset)


def _forwarded(moment: Asked, known: Known) -> Journey | None:
    if moment.unit is None or not known.is_proxy(moment.where.hop):
        return None
    journey = known.journeys.of(moment, at_proxy=True)
    return journey if is_forwarded(moment, journey) else None


@judge("DSP-05", "No serial comes twice, but with the same frame to the next instance", Asked)
def serial_is_unique(moment: Asked, known: Known) -> Verdict:
    journey = _forwarded(moment, known)
    if journey is None or moment.common is None:
        return None
    if moment.bulk is not None and moment.bulk.operation == Operation.CANCEL:
        return None  # the serial of its run
    before = known.journeys.serials.get(moment.common.serial)
    if before is None:
        return HELD
    if (before.transaction, before.data) == (moment.where.transaction, stamp(data_of(moment))):
        return HELD
    return Objection(
        "a serial that was not used", f"{moment.common.serial}, as {before.place}", "common.serial"
    )


@judge("DSP-03", "A request that a dispatcher refuses never reaches a proxy", Answered)
def refused_goes_no_further(moment: Answered, known: Known) -> Verdict:
    if moment.where.hop != "dispatcher":
        return None
    journey = known.journeys.of(moment.asked, at_proxy=False)
    if journey is None or journey.dispatcher is not moment.asked:
        return None
    if moment.status not in (Status.UNKNOWN_PROXY, Status.NOT_ENTITLED):
        return None
    told = [hop for hop in journey.told if hop not in ("web", "dispatcher")]
    if not told:
        return HELD
    said = journey.told[told[0]]
    return Objection("nothing at a proxy", f"an answer of {told[0]} ({said.place})")


@judge(
    "DSP-07",
    "The status comes back unchanged over the hops, and so do the data behind it",
    Answered,
)
def comes_back_unchanged(moment: Answered, known: Known) -> Verdict:
    hop, frame = moment.where.hop, moment.frame
    if not isinstance(frame, DispatcherHeader) or not moment.last:
        return None
    journey = known.journeys.of(moment.asked, at_proxy=False)
    header = moment.asked.frame
    if journey is None or not isinstance(header, DispatcherHeader):
        return None
    inner = "dispatcher" if hop == "web" else PROXY_OF_TARGET.get(header.target, "")
    said = journey.told.get(inner)
    if said is None or (hop == "dispatcher" and journey.dispatcher is not moment.asked):
        return None
    if frame.status != said.status:
        if frame.status in _OWN:
            return None  # too late, too large, or another's reply: DSP-06; DSP-03
        expected = f"{said.status}, as {inner} said ({said.place})"
        return Objection(expected, str(frame.status), "dispatcher.status")
    data = moment.octets[len(moment.octets) - behind(moment) :]
    if header.type == MessageType.BULK or stamp(data) == said.data:
        return HELD
    expected = f"the {said.length} octets behind the header of {said.place}"
    return Objection(expected, f"{len(data)} octets: {data[:40]!r}")


@judge(
    "HDR-07",
    "An instance that has not answered its echo gets no requests until it answers one",
    Asked,
)
def silent_gets_nothing(moment: Asked, known: Known) -> Verdict:
    journey = _forwarded(moment, known)
    if journey is None or not is_own_hop(moment, journey):
        return None
    pinged = known.pings.get(moment.where.hop)
    if pinged is None:
        return None
    if not pinged.silent:
        return HELD
    return Objection("no request before an echo is answered", f"a request at {moment.where.hop}")
