"""Judges of the asynchronous transport and of transfers: TRN-02, TRN-03, DSP-06."""

from __future__ import annotations

from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.status import MessageType, Operation, Status

from .headers import wrong_status
from .known import Known
from .moments import Answered
from .remembered import stamp
from .transports import Accepted, Transfer, place_of
from .verdicts import HELD, Objection, Verdict, judge

_DAY = 86_400_000_000
"""Microseconds for which results and transfers are kept (TRN-02, TRN-03)."""


@judge("TRN-02", "Each request gets an identifier of its own", Answered)
def identifier_is_new(moment: Answered, known: Known) -> Verdict:
    asked = moment.asked
    if moment.status != Status.ACCEPTED or asked.frame is None or asked.unit is None:
        return None
    before = known.transports.accepted.get((place_of(moment), moment.reply.data))
    if before is None:
        return HELD
    serial = asked.common.serial if asked.common else -1
    if (asked.key, serial, stamp(asked.unit.data)) == before.frame:
        return HELD
    return Objection("a new identifier", f"{moment.reply.data!r}, which another request has")


@judge("DSP-06", "A type 1 frame equal to one that was accepted gets the same identifier", Answered)
def repetition_is_known(moment: Answered, known: Known) -> Verdict:
    common, unit = moment.asked.common, moment.asked.unit
    if moment.status != Status.ACCEPTED or common is None or unit is None:
        return None
    frame = (place_of(moment), common.session_key, common.serial, stamp(unit.data))
    before = known.transports.by_frame.get(frame)
    if before is None or moment.where.at - known.transports.accepted_at(frame[0], before) > _DAY:
        return None
    if before == moment.reply.data:
        return HELD
    return Objection(repr(before), repr(moment.reply.data), "data")


def _polled(moment: Answered, known: Known) -> Accepted | None:
    asked, unit = moment.asked.frame, moment.asked.unit
    if asked is None or unit is None or asked.type != MessageType.POLL or moment.asked.is_echo:
        return None
    accepted = known.transports.accepted.get((place_of(moment), unit.data))
    if accepted is None or accepted.key != moment.asked.key:
        return None
    return accepted if moment.where.at - accepted.at < _DAY else None


@judge("TRN-02", "An identifier that was given is known to its session for a day", Answered)
def identifier_is_known(moment: Answered, known: Known) -> Verdict:
    if _polled(moment, known) is None:
        return None
    if moment.status == Status.UNKNOWN_ID:
        return wrong_status(moment, "another status: the identifier was given")
    return HELD


@judge("TRN-02", "What has an outcome keeps it: each further poll gets the same", Answered)
def outcome_stays(moment: Answered, known: Known) -> Verdict:
    accepted = _polled(moment, known)
    if accepted is None or accepted.outcome is None:
        return None
    if moment.status == Status.IN_PROGRESS:
        return wrong_status(moment, "the outcome: it was told before")
    if moment.status not in (Status.OK, Status.APPLICATION_ERROR):
        return None
    if stamp(moment.reply.data) == accepted.outcome:
        return HELD
    return Objection("the outcome as it was told before", f"{moment.reply.data[:60]!r}")


@judge("TRN-02", "Data that are no identifier are 108", Answered)
def no_identifier_is_108(moment: Answered, known: Known) -> Verdict:
    asked, unit = moment.asked.frame, moment.asked.unit
    if asked is None or unit is None or asked.type != MessageType.POLL or moment.asked.is_echo:
        return None
    if len(unit.data) == 20 and unit.data.isdigit():
        return None
    if moment.status in (Status.OK, Status.ACCEPTED, Status.IN_PROGRESS, 100, Status.BAD_BULK):
        return wrong_status(moment, "108")
    return HELD if moment.status == Status.UNKNOWN_ID else None


@judge(
    "TRN-03",
    "The frames of a run have one id and total, no gap, and one end with the digest",
    Answered,
)
def run_is_whole(moment: Answered, known: Known) -> Verdict:
    if moment.asked.bulk is None or moment.bulk is None:
        return None
    if not moment.run:
        return HELD if moment.asked.receiving is not None else None
    return Objection("the next frame of the run", moment.run, _field_of(moment.run))


def _field_of(reason: str) -> str:
    for name in ("operation", "offset", "total", "transfer"):
        if reason.startswith((name, f"a {name}")):
            return f"bulk.{name}"
    return ""


def _transfer(moment: Answered, known: Known) -> Transfer | None:
    bulk = moment.bulk
    if bulk is None or not bulk.transfer:
        return None
    return known.transports.transfers.get((place_of(moment), bulk.transfer))


@judge("TRN-03", "An open gets a transfer id that no other has", Answered)
def transfer_is_new(moment: Answered, known: Known) -> Verdict:
    asked = moment.asked.bulk
    if asked is None or asked.operation != Operation.OPEN or not moment.first:
        return None
    if moment.bulk is None or not moment.bulk.transfer:
        return None
    if _transfer(moment, known) is None:
        return HELD
    return Objection("a new id", f"{moment.bulk.transfer}, of another transfer", "bulk.transfer")


@judge(
    "TRN-03",
    "A resume goes on with the same octets: total and digest are those of before",
    Answered,
)
def resume_is_the_same(moment: Answered, known: Known) -> Verdict:
    asked, bulk, before = moment.asked.bulk, moment.bulk, _transfer(moment, known)
    if asked is None or asked.operation != Operation.RESUME or bulk is None or before is None:
        return None
    if bulk.total != before.total:
        return Objection(f"a total of {before.total}", str(bulk.total), "bulk.total")
    if moment.status != Status.BULK_END or before.digest is None:
        return HELD
    if moment.reply.data == before.digest:
        return HELD
    offset = len(moment.octets) - len(moment.reply.data)
    return Objection("the digest of before", moment.reply.data.hex(), offset=offset)


@judge(
    "TRN-03", "A cancel is answered by a cancelled frame of its transfer, or is refused", Answered
)
def cancel_is_answered(moment: Answered, known: Known) -> Verdict:
    asked, bulk = moment.asked.bulk, moment.bulk
    if asked is None or asked.operation != Operation.CANCEL or moment.frame is None:
        return None
    if moment.status > Status.APPLICATION_ERROR:
        return HELD
    if moment.status != Status.CANCELLED or bulk is None:
        return wrong_status(moment, "5")
    if bulk.transfer != asked.transfer:
        return Objection(str(asked.transfer), str(bulk.transfer), "bulk.transfer")
    return HELD


@judge(
    "TRN-03",
    "A transfer is known to its session for a day; 110 is an offset beyond its total",
    Answered,
)
def resume_finds_its_transfer(moment: Answered, known: Known) -> Verdict:
    asked, frame = moment.asked.bulk, moment.asked.frame
    if (
        asked is None
        or frame is None
        or asked.operation not in (Operation.RESUME, Operation.CANCEL)
    ):
        return None
    before = known.transports.transfers.get((place_of(moment), asked.transfer))
    if before is None or before.key != moment.asked.key or moment.where.at - before.at > _DAY:
        return None
    if moment.status == Status.UNKNOWN_ID:
        return wrong_status(moment, "another status: the transfer is of this session")
    if asked.operation == Operation.CANCEL:
        return None
    beyond = asked.offset > before.total
    if beyond and moment.status < Status.VERSION:
        return wrong_status(moment, "110: the offset is beyond the total")
    if not beyond and moment.status == Status.BAD_BULK:
        return wrong_status(moment, "another status: the offset is within the total")
    return HELD


@judge("TRN-03", "A client's operation that there is not, or too little data, is 110", Answered)
def bad_operation_is_110(moment: Answered, known: Known) -> Verdict:
    asked, frame = moment.asked.frame, moment.frame
    if asked is None or frame is None or asked.type != MessageType.BULK or moment.asked.is_echo:
        return None
    bulk = moment.asked.bulk
    client_s = (Operation.OPEN, Operation.CANCEL, Operation.RESUME)
    if bulk is not None and bulk.operation in client_s:
        return None
    if isinstance(frame, DispatcherHeader) and frame.status in range(101, 108):
        return None
    if frame.status in (Status.NO_SESSION, Status.UNKNOWN_TYPE, Status.OVERLOADED, 106, 101, 102):
        return None
    return HELD if frame.status == Status.BAD_BULK else wrong_status(moment, "110")
