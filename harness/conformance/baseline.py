"""The baseline: failures that are known, each with its reason, and what becomes of a result by it.

    [[known]]
    case = "bulk.whole@rm"        # a name or a glob; without a place it means every place
    reason = "bug 17: no bulk before release 3"
    shows = "status 107"          # optional: how it fails; failing otherwise is a failure
    until = 1999-01-01            # optional: from then on it is no excuse

A known failure that passes is stale and fails the run: the list must stay true.
"""

from __future__ import annotations

import datetime
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
from msgspec.structs import replace

from .result import Outcome, Result

_FAILURES = (Outcome.FAILED, Outcome.FLAKY)
_PASSES = (Outcome.PASSED, Outcome.NON_STRICT, Outcome.INFORMATIONAL)


class BaselineError(ValueError):
    """A baseline that cannot be used; the text says where and why."""


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A failure that is known."""

    case: str
    reason: str
    shows: str = ""
    until: datetime.date | None = None

    def names(self, case: str) -> bool:
        """Whether it is about that case."""
        return fnmatchcase(case, self.case) or case.rpartition("@")[0] == self.case


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The known failures of one implementation."""

    known: tuple[Known, ...] = ()

    def judged(self, result: Result, today: datetime.date) -> Result:
        """The result as the baseline has it: a known failure, stale, or as it was."""
        entry = next((one for one in self.known if one.names(result.case)), None)
        if entry is None:
            return result
        if result.outcome in _PASSES:
            reason = f"passes, though the baseline says: {entry.reason}"
            return replace(result, outcome=Outcome.STALE, reason=reason)
        if result.outcome not in _FAILURES:
            return result
        if entry.until is not None and today >= entry.until:
            reason = f"{result.reason} (known until {entry.until}: {entry.reason})"
            return replace(result, reason=reason)
        if entry.shows not in result.reason:
            reason = f"{result.reason} (known to fail with {entry.shows!r}: {entry.reason})"
            return replace(result, reason=reason)
        return replace(result, outcome=Outcome.KNOWN_FAILURE, reason=entry.reason)


def read_baseline(path: Path) -> Baseline:
    """The baseline in a TOML file. Raises BaselineError."""
    try:
        return msgspec.toml.decode(path.read_text("utf-8"), type=Baseline)
    except OSError as error:
        raise BaselineError(f"baseline {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BaselineError(f"baseline {path}: is not UTF-8 text") from None
    except msgspec.DecodeError as error:
        raise BaselineError(f"baseline {path}: {error}") from None


def baseline_of(results: tuple[Result, ...]) -> str:
    """A baseline that holds the failures of a run, for who wants to begin with one."""
    lines = []
    for result in results:
        if result.outcome in _FAILURES:
            shown = result.got or result.reason
            reason = "not looked at yet"
            entry = {"case": result.case, "reason": reason, "shows": shown}
            lines += ["[[known]]", *(f"{key} = {_quoted(text)}" for key, text in entry.items()), ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode("utf-8")
