"""One case, executed once: a script run to its end, and what that says."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from msgspec.structs import replace

from starwire.protocol.profile import Profile
from starwire.protocol.sealing import LinkKeys

from ..transcript import Received
from .asker import Asker, Departure
from .case import Case
from .connection import Connection
from .expecting import Ending
from .grounds import Grounds, Refused, Wanting
from .peer import NotApplicable, Peer, SetUpFailed
from .result import Divergence, Outcome, Result
from .transcribing import Transcript
from .wire import Unreachable, Unsupported, Wire


def execute(case: Case, wire: Wire, grounds: Grounds, *, patience: float) -> Result:
    """The result of a case. `patience` is how many seconds a reply may take."""
    transcript = Transcript(wire.now)
    peer = Peer(case.place, wire, grounds, transcript, patience)
    peer.case = case.id
    if not wire.is_virtual:
        peer.until = wire.now() + case.seconds + case.waits(grounds.profile)
    try:
        case.script(peer)
    except Departure as found:
        return _departed(case, transcript, found)
    except Unreachable as error:
        return _departed(case, transcript, Departure("a connection", str(error)))
    except (NotApplicable, Wanting, Unsupported) as error:
        return _result(case, transcript, Outcome.NOT_APPLICABLE, str(error))
    except (SetUpFailed, Refused) as error:
        return _result(case, transcript, Outcome.SET_UP_FAILED, str(error))
    except Exception as error:
        transcript.note(0, case.place, traceback.format_exc()[-4000:])
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        return _result(case, transcript, Outcome.HARNESS_ERROR, reason)
    finally:
        peer.end()
    if peer.notes:
        return _result(case, transcript, Outcome.NON_STRICT, "; ".join(peer.notes))
    if peer.told:
        return _result(case, transcript, Outcome.INFORMATIONAL, "; ".join(peer.told))
    return _result(case, transcript, Outcome.PASSED, "")


def asking(
    wire: Wire, profile: Profile, patience: float, keys: LinkKeys | None = None
) -> Callable[[str, bytes], Received]:
    """What grounds ask with: octets to a place, the reply back. Raises Refused."""

    def ask(place: str, octets: bytes) -> Received:
        try:
            line = Connection(Asker(wire, profile, patience, keys), place, 0)
        except Departure as found:
            raise Refused(f"{place}: {found}") from None
        try:
            line.send(octets)
            outcome = line.outcome()
        except Departure as found:
            raise Refused(f"{place}: {found}") from None
        finally:
            line.close()
        if isinstance(outcome, Ending):
            raise Refused(f"{place}: {outcome}")
        return outcome

    return ask


def _departed(case: Case, transcript: Transcript, found: Departure) -> Result:
    made = _result(case, transcript, Outcome.FAILED, str(found))
    divergence = Divergence(
        event=found.event,
        offset=found.offset,
        field=found.field,
        expected=found.expected,
        got=found.got,
    )
    return replace(
        made,
        expected=found.expected,
        got=found.got,
        divergence=divergence if found.event >= 0 else None,
    )


def _result(case: Case, transcript: Transcript, outcome: Outcome, reason: str) -> Result:
    return Result(
        case=case.id,
        sentence=case.sentence,
        rules=case.rules,
        level=case.level,
        place=case.place,
        seat=case.seat,
        outcome=outcome,
        reason=reason,
        events=tuple(transcript.events),
        seconds=transcript.seconds,
    )
