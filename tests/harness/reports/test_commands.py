"""What is written where, and `starwire report`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from support_reports import failed, report, result

from starwire.harness.cli import main
from starwire.harness.commands import CannotBeDone
from starwire.harness.reports.commands import compare_files, read_report, show_changes, write
from starwire.harness.reports.files import encode

OLD = report(result("a@rm"), failed("b@rm"))
NEW = report(failed("a@rm"), failed("b@rm"), implementation="rewrite 2.1")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in ("report", *arguments)])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_bytes(encode(OLD))
    new.write_bytes(encode(NEW))
    return old, new


def test_a_report_is_written_in_every_form(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    paths = write(OLD, folder)
    assert [path.name for path in paths] == ["report.json", "junit.xml", "report.html"]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert read_report(folder / "report.json") == OLD
    assert len(list(ElementTree.parse(folder / "junit.xml").iter("testcase"))) == 3
    assert "<!DOCTYPE html>" in (folder / "report.html").read_text("utf-8")
    write(NEW, folder)
    assert read_report(folder / "report.json") == NEW


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotBeDone, match=r"/file/folder: Not a directory"):
        write(OLD, tmp_path / "file" / "folder")


def test_two_files_are_compared(files: tuple[Path, Path]) -> None:
    changes = compare_files(*files)
    assert changes.status == 1
    assert show_changes(changes).splitlines()[:2] == [
        "new failures: 1",
        "  a@rm as proxy: passed -> failed",
    ]
    assert show_changes(changes, as_json=True).startswith('{\n  "worse": true,')
    assert show_changes(compare_files(files[0], files[0])) == "NOTHING CHANGED"


def test_a_file_that_is_no_report_is_one_line(files: tuple[Path, Path]) -> None:
    files[1].write_bytes(b'{"format": 2}')
    with pytest.raises(CannotBeDone, match=r"report .*new\.json: format: is 2; this starwire"):
        compare_files(*files)


def test_several_reports_become_one_page(files: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "matrix.html"
    done = run(*files, "--html", page)
    assert (done.exit_code, done.output) == (0, f"{page} written\n")
    assert "<h2>starwire 0.1.0</h2>" in page.read_text("utf-8")
    assert "<h2>rewrite 2.1</h2>" in page.read_text("utf-8")


def test_a_report_becomes_junit(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    assert run(files[0], "--junit", path).exit_code == 0
    assert ElementTree.parse(path).getroot().get("failures") == "1"


def test_reports_are_told(files: tuple[Path, Path]) -> None:
    done = run(*files)
    assert done.exit_code == 0
    verdicts = [line for line in done.output.splitlines() if line.startswith("FAILED")]
    assert verdicts == [
        "FAILED: 1 failed of 2 cases, of STS-01",
        "FAILED: 2 failed of 2 cases, of STS-01",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument"),
        (("missing.json",), "report missing.json: No such file or directory"),
        (("OLD", "NEW", "--junit", "x.xml"), "--junit is of one report"),
        (("OLD", "--html", "/nowhere/x.html"), "/nowhere/x.html: No such file or directory"),
        (("OLD", "--junit", "/nowhere/x.xml"), "/nowhere/x.xml: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    files: tuple[Path, Path], arguments: tuple[str, ...], said: str
) -> None:
    named = {"OLD": str(files[0]), "NEW": str(files[1])}
    done = run(*(named.get(one, one) for one in arguments))
    assert done.exit_code == 2
    assert done.output.startswith(f"starwire: {said}")
    assert done.output.count("\n") == 1


def test_starting_loads_no_rendering() -> None:
    code = (
        "import sys, starwire.harness.cli; "
        "print([name for name in ('jinja2', 'rich', 'xml.etree', 'playwright') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
