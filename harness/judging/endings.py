"""Judges of how and when connections end, and of replies in time."""

from __future__ import annotations

from functools import partial

from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.status import Status

from .connections import SLACK
from .known import Known
from .moments import Answered, Ending, Overdue
from .verdicts import HELD, Objection, Verdict, judge

_CLOSES = {
    "HDR-06": "Behind 101 and 102 the connection is closed",
    "TRN-02": "A proxy closes behind its reply to a frame of type 1 or 2",
    "TRN-05": "Behind the answer to a syntax error a native port closes",
    "HDR-04": "An unfinished frame, and a quiet connection, end with their time",
}


def _closes(rule: str, moment: Ending | Overdue, known: Known) -> Verdict:
    if isinstance(moment, Ending):
        return HELD if moment.reason == rule else None
    if moment.rule != rule:
        return None
    if moment.due == "close":
        return Objection("the connection closed", f"still open {SLACK:g} s later")
    what = {"mid-frame": "the unfinished frame began", "idle": "the last octet"}[moment.due]
    late = f"still open {moment.seconds + SLACK:g} s behind it"
    return Objection(f"closed {moment.seconds:g} s after {what}", late)


for _rule, _sentence in _CLOSES.items():
    judge(_rule, _sentence, Ending, Overdue)(partial(_closes, _rule))


@judge("ERR-07", "A server closes for one of the reasons given, and for no other", Ending)
def closes_for_a_reason(moment: Ending, known: Known) -> Verdict:
    if moment.reason:
        return HELD
    if moment.unanswered is not None:
        return Objection("an answer to what was asked", "closed without one")
    return Objection("an open connection: the client has not ended", "closed by the server")


@judge("ERR-07", "No answer shows a traceback", Answered)
def shows_no_traceback(moment: Answered, known: Known) -> Verdict:
    place = moment.octets.find(b"Traceback (most recent call last)")
    if place < 0:
        return HELD
    return Objection("nothing of the server's inside", "a traceback", offset=place)


@judge("DSP-06", "A reply comes within its time, or 109 does", Overdue)
def comes_in_time(moment: Overdue, known: Known) -> Verdict:
    if moment.due != "reply":
        return None
    return Objection(
        f"a reply within {moment.seconds:g} s", f"none in {moment.seconds + SLACK:g} s"
    )


@judge("DSP-06", "109 comes when the time is over, and not before", Answered)
def times_out_in_time(moment: Answered, known: Known) -> Verdict:
    if not isinstance(moment.frame, DispatcherHeader) or moment.replies > 1:
        return None
    if moment.status != Status.TIMED_OUT:
        return HELD
    waited = (moment.where.at - moment.asked.where.at) / 1e6
    if waited >= moment.profile.reply_seconds - 0.1:
        return HELD
    expected = f"another status before {moment.profile.reply_seconds:g} s"
    return Objection(expected, f"109 after {waited:.3f} s", "dispatcher.status")
