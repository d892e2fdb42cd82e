"""`starwire check`: the conformance cases against an implementation."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..commands import cannot, profile_option, read_profile


@click.command(short_help="Test an implementation, rule by rule.")
@click.argument("target")
@click.option("--as", "seats", multiple=True, metavar="SEAT", help="proxy, dispatcher, web, ...")
@click.option("--at", "places", multiple=True, metavar="PLACE=HOST:PORT", help="Another place.")
@click.option("--case", "names", multiple=True, metavar="GLOB", help="Only these cases.")
@click.option("--rule", "rules", multiple=True, metavar="GLOB", help="Only cases of these rules.")
@click.option("--facts", type=click.Path(path_type=Path), help="The target file (TOML).")
@click.option("--files", type=click.Path(path_type=Path), help="Where the Inbox finds files.")
@click.option("--wait", default=2.0, show_default=True, help="Seconds a case may wait on purpose.")
@click.option("--workers", default=16, show_default=True, help="Cases at a time.")
@profile_option
def check(
    target: str,
    seats: tuple[str, ...],
    places: tuple[str, ...],
    names: tuple[str, ...],
    rules: tuple[str, ...],
    facts: Path | None,
    files: Path | None,
    wait: float,
    workers: int,
    profile_name: str,
) -> None:
    """Test the implementation at TARGET against the rules of the wire."""
    from collections import Counter

    from .checking import Asked, CannotCheck, begin
    from .result import Outcome, Result

    asked = Asked(
        target=target,
        seats=seats,
        places=places,
        names=names,
        rules=rules,
        facts=facts,
        files=files,
        profile=read_profile(profile_name),
        longest_wait=wait,
        workers=workers,
    )

    def tell(result: Result) -> None:
        if result.outcome in (Outcome.FAILED, Outcome.HARNESS_ERROR, Outcome.FLAKY):
            click.echo(f"{result.outcome.value}  {result.case}  {result.reason}")

    try:
        run = begin(asked)
    except CannotCheck as error:
        cannot(str(error))
    results = run.results(tell)
    totals = Counter(result.outcome for result in results)
    click.echo(", ".join(f"{count} {outcome.value}" for outcome, count in totals.items()))
    bad = (Outcome.FAILED, Outcome.FLAKY)
    sys.exit(1 if any(outcome in totals for outcome in bad) else 0)
