"""Reports for tests, made up of what docs/protocol.md shows and fixtures/golden/ holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starwire.harness.conformance.result import (
    FORMAT,
    Clause,
    Divergence,
    Event,
    Outcome,
    Report,
    Result,
    widths_of,
)
from starwire.protocol.profile import shipped

ROOT = Path(__file__).parents[1]
_PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
_DUMP = re.compile(r"```hex\n# (?P<title>[^\n]*): \d+ octets\n(?P<lines>.*?)```", re.DOTALL)
_LINE = re.compile(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)", re.MULTILINE)
_RULE = re.compile(r"^### (?P<id>[A-Z]{3}-\d\d)\n+(?P<text>.*?)(?=^##)", re.DOTALL | re.MULTILINE)

EXAMPLES = {
    found["title"]: bytes.fromhex("".join(_LINE.findall(found["lines"])))
    for found in _DUMP.finditer(_PAGE)
}
"""The worked examples of docs/protocol.md by what their first line calls them."""

ASKED = EXAMPLES["GRTL to a proxy, default"]
UNKNOWN_SESSION = EXAMPLES["session unknown, from a proxy, default"]
POSTED = EXAMPLES["GRTL to the web server, default"]
NO_SESSION = EXAMPLES["session unknown, from the web server, default"]
REFUSED = EXAMPLES["an application error, default"]

CLAUSES = {
    found["id"]: Clause(
        id=found["id"],
        title=found["text"].partition(".**")[0].strip("*"),
        text=found["text"].partition(".**")[2].strip(),
        hash=f"{len(found['text']):08x}",
    )
    for found in _RULE.finditer(_PAGE)
}
"""The rules themselves, under made-up hashes."""


def event(what: Any, octets: bytes = b"", text: str = "", **more: Any) -> Event:
    return Event(
        **{"at": 0.0, "line": 1, "place": "rm"} | more, what=what, octets=octets, text=text
    )


def exchange(asked: bytes, answer: bytes, place: str = "rm") -> tuple[Event, ...]:
    """A connection on which one thing is asked and answered."""
    return (
        event("connected", at=0.0004, place=place, text="127.0.0.1:8412"),
        event("sent", asked, at=0.0006, place=place),
        event("received", answer, at=0.0031, place=place),
        event("closed", at=0.0033, place=place, text="by us"),
    )


def result(case: str = "header.length.short@rm", **more: Any) -> Result:
    """A case that passed, unless said otherwise."""
    place = case.rpartition("@")[2]
    usual: dict[str, Any] = {
        "sentence": "A length below that of the header is answered with status 102.",
        "rules": ("HDR-04",),
        "level": "must",
        "place": place,
        "seat": "proxy",
        "outcome": Outcome.PASSED,
        "events": exchange(ASKED, REFUSED, place),
        "seconds": 0.0035,
        "rerun": f"starwire check proxy://127.0.0.1:8412 --case {case}",
    }
    return Result(case=case, **usual | more)


def failed(case: str = "session.unknown@rm", **more: Any) -> Result:
    """A case that failed: status 0 where 105 is due."""
    place = case.rpartition("@")[2]
    wrong = UNKNOWN_SESSION[:47] + b"\0\0"
    usual: dict[str, Any] = {
        "sentence": "A session key that nobody gave out is answered with status 105.",
        "rules": ("STS-01", "HDR-06"),
        "outcome": Outcome.FAILED,
        "reason": "status 0 came, and 105 is due",
        "expected": "a bare header with status 105 (no session)",
        "got": "a bare header with status 0 (ok)",
        "divergence": Divergence(event=2, offset=48, field="status", expected="105", got="0"),
        "events": exchange(ASKED, wrong, place),
    }
    return result(case, **usual | more)


def report(*results: Result, **more: Any) -> Report:
    """Of these results."""
    named = {rule for one in results for rule in one.rules}
    usual: dict[str, Any] = {
        "format": FORMAT,
        "target": "proxy://127.0.0.1:8412",
        "implementation": "starwire 0.1.0",
        "seats": ("proxy",),
        "profile": "default",
        "widths": widths_of(shipped("default")),
        "version": "0.1.0",
        "started": "2026-11-21T01:02:03Z",
        "seconds": 1.5,
        "complete": True,
        "clauses": {rule: clause for rule, clause in CLAUSES.items() if rule in named},
        "results": results,
    }
    return Report(**usual | more)


def outcomes(*pairs: tuple[Outcome, str]) -> Iterable[Result]:
    """A result for each outcome and reason."""
    for number, (outcome, reason) in enumerate(pairs):
        yield result(f"case.n{number}@rm", outcome=outcome, reason=reason)


BREAKOUT = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\u2028'\"&amp;"
"""What would be markup, wherever it is taken for markup."""


def hostile_result(text: str) -> Result:
    """A failure of which every text is that."""
    return failed(
        f"{text}@{text}",
        sentence=text,
        rules=(text,),
        seat=text,
        reason=text,
        expected=text,
        got=text,
        rerun=text,
        flags=(text,),
    )


def hostile_report(text: str, *results: Result) -> Report:
    """One of which every text is that: such a failure, and these results."""
    return report(
        hostile_result(text),
        *results,
        target=text,
        implementation=text,
        seats=(text,),
        profile=text,
        version=text,
        started=text,
        complete=False,
        stopped=text,
        clauses={text: Clause(id=text, title=text, text=text, hash=text)},
    )
