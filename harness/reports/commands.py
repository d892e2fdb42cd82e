"""What `starwire check` asks of the reports, and `starwire report`. Loads the renderings when they
are needed: starting the program costs nothing of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..commands import CannotBeDone

if TYPE_CHECKING:
    from starwire.harness.conformance.result import Report

    from .diff import Changes

NAMES = ("report.json", "junit.xml", "report.html")
"""What `write` writes."""


def write(report: Report, folder: Path) -> list[Path]:
    """Write the report in every form into a folder, which is made if it is not there; the paths.
    Raises CannotBeDone.
    """
    from .files import encode
    from .html import html_page
    from .junit import junit_xml

    texts = (encode(report), junit_xml(report), html_page([report]).encode("utf-8"))
    paths = [folder / name for name in NAMES]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text)
    except OSError as error:
        raise CannotBeDone(f"{error.filename}: {error.strerror}") from None
    return paths


def read_report(path: Path) -> Report:
    """The report in a JSON file. Raises CannotBeDone, which names the key at fault."""
    from .files import ReportError, read

    try:
        return read(path)
    except ReportError as error:
        raise CannotBeDone(f"report {error}") from None


def compare_files(old: Path, new: Path) -> Changes:
    """What changed between two reports in JSON files; its `status` is the exit status. Raises
    CannotBeDone.
    """
    from .diff import compare

    return compare(read_report(old), read_report(new))


def show_changes(changes: Changes, *, as_json: bool = False) -> str:
    """The changes as `check --diff` prints them, without the last line end."""
    from .diff import change_lines, encode_changes

    if as_json:
        return encode_changes(changes).decode("ascii", "backslashreplace").rstrip("\n")
    return "\n".join(change_lines(changes))


@click.command("report", short_help="One page of one or several reports.")
@click.argument(
    "reports",
    nargs=-1,
    required=True,
    metavar="JSON..",
    type=click.Path(dir_okay=False, path_type=Path),
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one self-contained HTML page, a column for each report.",
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write JUnit XML; of one report.",
)
def report_command(reports: tuple[Path, ...], html: Path | None, junit: Path | None) -> None:
    """Show reports that `starwire check --report` wrote, or lay them side by side in one page.

    \b
    $ starwire report old/report.json new/report.json --html matrix.html
    $ starwire report report.json

    Without --html and --junit each report is told as `check` tells it. Exit status 0, whatever the
    reports say; 2 if one cannot be read.
    """
    from .html import html_page
    from .junit import junit_xml
    from .terminal import Screen

    if junit and len(reports) > 1:
        raise CannotBeDone("--junit is of one report; give one, or --html for several")
    read = [read_report(path) for path in reports]
    if html:
        _write(html, html_page(read).encode("utf-8"))
    if junit:
        _write(junit, junit_xml(read[0]))
    if not html and not junit:
        for one in read:
            Screen().end(one)


def _write(path: Path, octets: bytes) -> None:
    try:
        path.write_bytes(octets)
    except OSError as error:
        raise CannotBeDone(f"{path}: {error.strerror}") from None
    click.echo(f"{path} written")
