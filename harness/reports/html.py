"""Reports as one HTML file that needs nothing else: no network, no server, no other file.

Everything in a report may have come from a hostile peer. None of it is ever markup: it is embedded
as JSON in which no `<` stands, and the page makes text nodes of it. Should that fail, the page's
policy runs no script and applies no style but those whose digests it names, and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from starwire.harness.conformance.result import Event, Outcome, Report, Result
from starwire.harness.display import shown
from starwire.protocol.explaining import WORDS, word_for

from .anatomy import Anatomist, Anatomy
from .files import json_of
from .summary import counts, verdict

_SCRIPTS = ("base.js", "octets.js", "rules.js", "matrix.js", "case.js", "main.js")
"""In the order in which they are put together."""
_MOST_OCTETS = 8192
"""Of an event that the page holds, and as many behind what diverges: a few transfers of files would
be most of it, and nobody reads them there. The JSON has them whole."""
_WHATS = ("connected", "sent", "received", "closed", "reset", "silent", "note")
_OUTCOMES = tuple(Outcome)
_UNSAFE = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def html_page(reports: Sequence[Report]) -> str:
    """The page of one or several reports, a column of the matrix for each."""
    names = _names(reports)
    details = _Details()
    cases = _cases(reports, details)
    matrix = {
        "outcomes": _OUTCOMES,
        "whats": _WHATS,
        "words": {name: _words(kind) for name, kind in WORDS.items()},
        "columns": [_column(*pair) for pair in zip(names, reports, strict=True)],
        "clauses": _clauses(reports),
        "cases": cases,
    }
    style, script = _part("style.css"), "".join(map(_part, _SCRIPTS))
    page = _template().render(
        reports=[
            {"name": name, "report": report, "verdict": verdict(report), "bar": _bar(report)}
            for name, report in zip(names, reports, strict=True)
        ],
        title=", ".join(names),
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        matrix=_embedded(matrix),
        details=_embedded(details.plain()),
    )
    # A name from a command line that is no UTF-8 came in with surrogates.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def _policy(style: str, script: str) -> str:
    """The page's Content-Security-Policy: these two texts may act, and nothing may be loaded."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}';"
        f" script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def _part(name: str) -> str:
    return (files(__package__) / "page" / name).read_text("utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    return environment.from_string(_part("page.html"))


def _embedded(value: Any) -> Markup:
    """JSON that ends no script element, whatever is in it."""
    return Markup(json_of(value).decode("utf-8").translate(_UNSAFE))


def _names(reports: Iterable[Report]) -> list[str]:
    """What each column is called; no two alike."""
    names: list[str] = []
    for report in reports:
        name = wanted = report.implementation or report.target or "unnamed"
        number = 1
        while name in names:
            number += 1
            name = f"{wanted} ({number})"
        names.append(name)
    return names


def _bar(report: Report) -> list[tuple[Outcome, int]]:
    return list(counts(report.results).items())


def _words(kind: Any) -> dict[str, str]:
    """The names of the numbers of a header field."""
    name = next(name for name, one in WORDS.items() if one is kind)
    return {str(int(member)): word_for(name, int(member)) for member in kind}


def _column(name: str, report: Report) -> dict[str, Any]:
    return {
        "name": name,
        "target": report.target,
        "widths": {
            layer: [(field.name, field.width, field.kind) for field in fields]
            for layer, fields in report.widths.items()
        },
    }


def _clauses(reports: Iterable[Report]) -> dict[str, dict[str, Any]]:
    """Every rule; of one whose text differs between the reports, the first text, and that it
    does."""
    told: dict[str, dict[str, Any]] = {}
    hashes: dict[str, str] = {}
    for report in reports:
        for rule, clause in report.clauses.items():
            known = told.setdefault(
                rule, {"title": clause.title, "text": clause.text, "differs": False}
            )
            known["differs"] |= hashes.setdefault(rule, clause.hash) != clause.hash
    return told


def _cases(reports: Sequence[Report], details: _Details) -> list[dict[str, Any]]:
    """The rows, in the order in which they are first met."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for column, report in enumerate(reports):
        anatomist = Anatomist(report.widths)
        for result in report.results:
            row = rows.setdefault((result.case, result.seat), _row(result, len(reports)))
            row["results"][column] = [
                _OUTCOMES.index(result.outcome),
                result.reason,
                details.add(result, anatomist),
            ]
    return list(rows.values())


def _row(result: Result, columns: int) -> dict[str, Any]:
    return {
        "id": result.case,
        "sentence": result.sentence,
        "rules": result.rules,
        "level": result.level,
        "place": result.place,
        "seat": result.seat,
        "results": [None] * columns,
    }


class _Details:
    """What only the page of a case needs. Octets and trees stand once, whoever says them."""

    def __init__(self) -> None:
        self._details: list[dict[str, Any]] = []
        self._octets: dict[bytes, int] = {}
        self._trees: dict[str, int] = {}

    def add(self, result: Result, anatomist: Anatomist) -> int:
        """The number of the result's details."""
        anatomies = anatomist.anatomies(result.events)
        divergence = result.divergence
        self._details.append(
            {
                "expected": result.expected,
                "got": result.got,
                "divergence": result.divergence,
                "seconds": result.seconds,
                "rerun": result.rerun,
                "attempts": result.attempts,
                "flags": result.flags,
                "events": [
                    self._event(
                        event,
                        anatomy,
                        divergence.offset if divergence and divergence.event == number else 0,
                    )
                    for number, (event, anatomy) in enumerate(
                        zip(result.events, anatomies, strict=True)
                    )
                ],
            }
        )
        return len(self._details) - 1

    def _event(self, event: Event, anatomy: Anatomy, offset: int) -> tuple[Any, ...]:
        """The event as the page reads it; `offset` is that of the octet that diverges."""
        return (
            event.at,
            event.line,
            event.place,
            _WHATS.index(event.what),
            self._octets_of(event.octets[: max(offset, 0) + _MOST_OCTETS]),
            len(event.octets),
            event.text,
            anatomy.marks,
            [(tree.at, self._tree(tree.text), tree.problem) for tree in anatomy.trees],
        )

    def _octets_of(self, octets: bytes) -> int:
        return self._octets.setdefault(octets, len(self._octets)) if octets else -1

    def _tree(self, text: str) -> int:
        return self._trees.setdefault(text, len(self._trees)) if text else -1

    def plain(self) -> dict[str, Any]:
        """All of it, to be embedded."""
        return {
            "results": self._details,
            "octets": list(self._octets),
            "trees": list(self._trees),
        }
