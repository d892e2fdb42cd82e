"""A run on a terminal: progress while it lasts, then only what matters, and the verdict last.

Elsewhere plain lines, never wrapped, so that a log can be searched. No colour where it is no
terminal, or where NO_COLOR is set.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import IO

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from starwire.harness.conformance.result import Outcome, Report, Result

from .summary import Alike, by_rule, counted, counts, name_of, reasons, verdict
from .words import attempts_words, fact_lines, one_line

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.NON_STRICT: "yellow",
    Outcome.INFORMATIONAL: "cyan",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.BLOCKED: "dim",
    Outcome.SET_UP_FAILED: "red",
    Outcome.HARNESS_ERROR: "bold magenta",
    Outcome.FLAKY: "bold yellow",
    Outcome.KNOWN_FAILURE: "yellow",
    Outcome.STALE: "bold yellow",
}
"""How the word of each outcome looks, where there is colour."""
_VERDICTS = {0: "bold green", 1: "bold red", 3: "bold magenta", 4: "bold yellow"}

_FAILURES = (Outcome.FAILED, Outcome.FLAKY)
_GROUPED = (
    *(Outcome.SET_UP_FAILED, Outcome.BLOCKED, Outcome.HARNESS_ERROR, Outcome.NOT_APPLICABLE),
    *(Outcome.STALE, Outcome.KNOWN_FAILURE, Outcome.NON_STRICT),
)
"""Told as counts, with their reasons."""
_MOST_OF_A_RULE = 10
"""Ways to fail that are shown under one rule; a rule that all fails is one thing to mend."""
_MOST_REASONS = 8
_LABEL = 10
"""Characters of the column in which `expected`, `got` and so on stand."""
_REFRESH = 0.1
_PLAIN_EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""


class Screen:
    """Where a run is told. `begin`, `add` for each result as it comes, `end`."""

    def __init__(
        self,
        file: IO[str] | None = None,
        *,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """To `file`, else standard output. `verbose`: a line for each case as it ends."""
        self._console = console_for(file)
        self._verbose = verbose
        self._clock = clock
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._total = self._done = self._failed = 0
        self._told_at = 0.0

    def begin(self, target: str, total: int) -> None:
        """Before the first case."""
        self._total = total
        self._told_at = self._clock()
        self._say(f"{one_line(target)}: {counted(total, 'case')}")
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._progress = Progress(
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[failed]} failed", markup=False),
                console=self._console,
                auto_refresh=False,
                transient=True,
                expand=True,
            )
            self._task = self._progress.add_task("", total=total, failed=0)
            self._progress.start()

    def add(self, result: Result) -> None:
        """A case has ended."""
        self._done += 1
        self._failed += result.outcome in _FAILURES
        if self._verbose:
            self._say_result(result)
        now = self._clock()
        if self._progress is not None:
            if now - self._told_at >= _REFRESH:
                self._told_at = now
                self._progress.update(self._task, completed=self._done, failed=self._failed)
                self._progress.refresh()
        elif not self._verbose and now - self._told_at >= _PLAIN_EVERY:
            self._told_at = now
            self._say(f"  {self._done:,} of {self._total:,}, {self._failed:,} failed")

    def stop(self) -> None:
        """Take the progress away; also when the run was broken off. May be called twice."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def end(self, report: Report) -> None:
        """What the run found; the last line is the verdict."""
        self.stop()
        self._say_failures(report)
        for outcome in _GROUPED:
            self._say_reasons(outcome, report.results)
        self._say_flags(report.results)
        self._say("")
        self._say_totals(report)
        found = verdict(report)
        self._say(one_line(found.line), style=_VERDICTS[found.status])

    def _say_result(self, result: Result) -> None:
        line = Text(f"{result.outcome:<14} ", style=STYLES[result.outcome])
        line.append(f"{one_line(result.case)}  {result.seconds:.3f} s", style="default not bold")
        more = [text for text in (attempts_words(result), one_line(result.reason)) if text]
        if more and result.outcome is not Outcome.PASSED:
            line.append(f"  {': '.join(more)}", style="default not bold")
        self._put(line)

    def _say_failures(self, report: Report) -> None:
        failures = [result for result in report.results if result.outcome in _FAILURES]
        for rule, ways in by_rule(failures).items():
            clause = report.clauses.get(rule)
            self._say("")
            number = sum(len(alike.results) for alike in ways)
            heading = Text(one_line(rule), style="bold")
            if clause:
                heading.append(f"  {one_line(clause.title)}")
            heading.append(f"  ({number:,} failed)", style="not bold")
            self._put(heading)
            for alike in ways[:_MOST_OF_A_RULE]:
                self._say_failure(alike)
            if len(ways) > _MOST_OF_A_RULE:
                left = sum(len(alike.results) for alike in ways[_MOST_OF_A_RULE:])
                self._say(f"... and {counted(left, 'case')} more of this rule", 2)

    def _say_failure(self, alike: Alike) -> None:
        first = alike.first
        line = Text(one_line(name_of(first)))
        line.append(f" @ {one_line(' '.join(alike.places))}", style="dim")
        line.append(f"  {first.level}, ", style="dim")
        line.append(first.outcome, style=STYLES[first.outcome])
        if also := first.rules[1:]:
            line.append(f"  also {one_line(' '.join(also))}", style="dim")
        self._put(line, 2)
        self._say(one_line(first.sentence), 4)
        for name, text in fact_lines(first):
            self._fact(name, text)

    def _say_reasons(self, outcome: Outcome, results: Iterable[Result]) -> None:
        chosen = [result for result in results if result.outcome is outcome]
        if not chosen:
            return
        self._say("")
        self._put(Text(f"{outcome}: {len(chosen):,}", style=STYLES[outcome]))
        if outcome is Outcome.STALE:
            self._say_grouped([(result.case, 1) for result in chosen])
            return
        exemplary = outcome not in (Outcome.NOT_APPLICABLE, Outcome.BLOCKED)
        self._say_grouped(
            [
                (f"{reason.text} ({reason.example})" if exemplary else reason.text, reason.count)
                for reason in reasons(chosen)
            ]
        )

    def _say_flags(self, results: Iterable[Result]) -> None:
        flagged = [flag for result in results for flag in result.flags]
        if flagged:
            self._say("")
            self._say("to be looked at:")
            grouped = {flag: flagged.count(flag) for flag in dict.fromkeys(flagged)}
            self._say_grouped(list(grouped.items()))

    def _say_grouped(self, listed: list[tuple[str, int]]) -> None:
        for reason, number in listed[:_MOST_REASONS]:
            self._say(f"{number:>6,}  {one_line(reason)}", 2)
        if left := listed[_MOST_REASONS:]:
            number = sum(count for _, count in left)
            self._say(f"{number:>6,}  for {counted(len(left), 'other reason')}", 2)

    def _say_totals(self, report: Report) -> None:
        line = Text(f"{counted(len(report.results), 'case')} in {report.seconds:.1f} s")
        for number, (outcome, count) in enumerate(counts(report.results).items()):
            line.append(", " if number else ": ")
            line.append(f"{count:,} {outcome}", style=STYLES[outcome])
        self._put(line)

    def _fact(self, name: str, text: str) -> None:
        line = Text(f"{name:<{_LABEL}}", style="dim")
        line.append(text, style="not dim")
        self._put(line, 4, hanging=_LABEL)

    def _say(self, text: str, indent: int = 0, style: str = "") -> None:
        self._put(Text(text, style=style), indent)

    def _put(self, line: Text, indent: int = 0, hanging: int = 0) -> None:
        """A line; on a terminal it is folded at the width, and what is folded is indented."""
        if not self._console.is_terminal:
            line.pad_left(indent)
            self._console.print(line, soft_wrap=True)
            return
        width = self._console.width
        room = width - indent - hanging
        if line.cell_len <= width - indent or room < _LABEL:
            self._console.print(Padding(line, (0, 0, 0, min(indent, width // 2)), expand=False))
            return
        head, rest = line.divide([hanging]) if hanging else (Text(), line)
        rows = rest.wrap(self._console, room)
        for number, row in enumerate(rows):
            whole = Text(" " * (indent if number == 0 else indent + hanging))
            if number == 0:
                whole.append_text(head)
            whole.append_text(row)
            whole.rstrip()
            self._console.print(whole)


def console_for(file: IO[str] | None = None) -> Console:
    """A console, without colour where that is due. It is given `Text` only, in which nothing is
    taken for markup.
    """
    stream = file or sys.stdout
    colour = stream.isatty() and not os.environ.get("NO_COLOR")
    return Console(
        file=stream,
        color_system="auto" if colour else None,
    )
