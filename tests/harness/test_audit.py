"""`starwire audit verify`: what it says of a state folder and of a file, and how it ends."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from starwire.harness import audit
from starwire.harness.cli import main
from starwire.protocol.audit import LONGEST_LINE, Chain
from starwire.servers.audit_heads import add_head, keep_head
from starwire.servers.audit_key import audit_key
from starwire.servers.store import open_store, url_of

FIRST, SECOND = "19980825t084920z-0123abcd", "19980825t091500z-89abcdef"


class Folder:
    """A state folder with two files of the trail: one that ended, one that was killed."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.store = open_store(url_of(state, ""))
        self.key = audit_key(state)
        (state / "audit").mkdir()
        self.write(FIRST, records=5, signed=5, final=True)
        self.write(SECOND, records=4, signed=2)
        self.store.close()

    def path(self, chain: str = FIRST) -> Path:
        return self.state / "audit" / f"{chain}.log"

    def write(
        self,
        name: str,
        *,
        records: int,
        signed: int,
        final: bool = False,
        key: Ed25519PrivateKey | None = None,
    ) -> None:
        key = key or self.key
        public = key.public_key().public_bytes_raw()
        chain = Chain(name, public)
        first = chain.head().signed(key)
        with self.path(name).open("wb") as file, self.store.write() as connection:
            file.write(chain.header)
            add_head(connection, first, public)
            for number in range(1, records + 1):
                file.write(chain.record(number * 1000, "rm", "t", number, "dorod", b"?", b"!"))
                if number == signed:
                    keep_head(connection, chain.head(final=final).signed(key))

    def change(self, change: Callable[[bytes], bytes], chain: str = FIRST) -> None:
        self.path(chain).write_bytes(change(self.path(chain).read_bytes()))

    def verify(self, *arguments: object) -> Result:
        words = ["audit", "verify", "--state", str(self.state), *map(str, arguments)]
        result = CliRunner().invoke(main, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def findings(self, *arguments: object) -> list[str]:
        """What is wrong, but the name of the folder."""
        result = self.verify(*arguments)
        lines = result.stdout.replace(f"{self.state}/audit/", "").splitlines()
        wrong = [line for line in lines if ": good, " not in line]
        assert (result.exit_code, result.stderr) == (1 if wrong else 0, "")
        return wrong

    def cannot(self, *arguments: object) -> str:
        result = self.verify(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.count("\n") == 1
        return result.stderr.removeprefix("starwire: ").rstrip("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_every_file_of_a_state_folder(folder: Folder) -> None:
    told = folder.verify()
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout == (
        f"{folder.path(FIRST)}: good, 5 records, all signed, ended\n"
        f"{folder.path(SECOND)}: good, 4 records, 2 signed, "
        "2 behind the newest head, within 0.001 s, not ended\n"
    )


def test_what_a_kill_leaves_is_no_finding(folder: Folder) -> None:
    folder.change(lambda octets: octets[:-20], SECOND)
    told = folder.verify(folder.path(SECOND))
    assert told.exit_code == 0
    assert told.stdout == (
        f"{folder.path(SECOND)}: good, 3 records, 2 signed, 1 behind the newest head, "
        "within 0.000 s, the last line unfinished, not ended\n"
    )


def test_each_finding_is_one_line(folder: Folder) -> None:
    folder.change(lambda octets: octets.replace(b" t 2 ", b" t 7 "))
    folder.change(lambda octets: b"".join(octets.splitlines(keepends=True)[:2]), SECOND)
    first, second = folder.findings()
    assert first.startswith(f"{FIRST}.log:3: record 2 was changed: chain value ")
    assert second == f"{SECOND}.log:3: cut off, expected record 2"


def test_a_file_that_is_gone_is_missed(folder: Folder) -> None:
    folder.path(FIRST).unlink()
    assert folder.findings() == [f"{FIRST}.log:1: there is no such file, expected 5 records"]
    shutil.rmtree(folder.state / "audit")
    assert len(folder.findings()) == 2


def test_a_file_of_which_the_store_knows_nothing_is_found(folder: Folder) -> None:
    other = folder.path("19980825t100000z-00000000")
    chain = Chain(other.stem, folder.key.public_key().public_bytes_raw())
    other.write_bytes(chain.header)
    assert folder.findings() == []
    with other.open("ab") as file:
        file.write(chain.record(1, "rm", "t", 1, "", b"", b""))
    told = "expected the end of the file: no head of it is known"
    assert folder.findings() == [f"{other.name}:2: {told}"]


def test_a_file_under_another_name_is_known_by_its_header(folder: Folder, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copy(folder.path(), copy)
    assert folder.findings(copy) == []
    copy.write_bytes(copy.read_bytes()[:-1])
    assert folder.findings(copy) == [f"{copy}:6: cut off, expected record 5"]


def test_a_file_in_the_place_of_another_is_found(folder: Folder) -> None:
    shutil.copy(folder.path(SECOND), folder.path(FIRST))
    [finding, *_] = folder.findings()
    public = folder.key.public_key().public_bytes_raw().hex()
    expected = f"starwire-audit 1 {FIRST} {public}"
    assert finding == f"{FIRST}.log:1: not the header of this file, expected `{expected}`"


def test_a_key_that_is_not_trusted_signs_nothing(folder: Folder) -> None:
    """Whoever forges file and head has a key, but not this one."""
    forger = Ed25519PrivateKey.generate()
    name = "19980825t100000z-00000000"
    folder.store = open_store(url_of(folder.state, ""))
    folder.write(name, records=1, signed=1, key=forger)
    folder.store.close()
    first, second = folder.findings()
    assert first.startswith(f"{name}.log:1: not the header of this file, expected ")
    assert second == f"{name}.log:2: the head of record 1 is not signed by this key"


def test_keys_of_earlier_days_are_still_known(folder: Folder) -> None:
    (folder.state / "audit.key").unlink()
    folder.key = audit_key(folder.state)
    folder.store = open_store(url_of(folder.state, ""))
    folder.write("19980826t000000z-00000000", records=1, signed=1)
    folder.store.close()
    assert folder.findings() == []
    assert folder.verify().stdout.count("good") == 3


def test_the_keys_to_trust_may_be_given(folder: Folder, tmp_path: Path) -> None:
    kept = tmp_path / "kept.pub"
    shutil.move(folder.state / "audit.pub", kept)
    assert folder.findings("--public-key", kept) == []
    (tmp_path / "other").mkdir()
    audit_key(tmp_path / "other")
    other = tmp_path / "other" / "audit.pub"
    assert len(folder.findings("--public-key", other)) == 4


def test_as_json(folder: Folder) -> None:
    folder.change(lambda octets: octets.replace(b" t 2 ", b" t 7 "))
    result = folder.verify("--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["good"]) == (1, False)
    first, second = told["files"]
    assert [one["line"] for one in first["findings"]] == [3]
    assert second == {
        "file": str(folder.path(SECOND)),
        "good": True,
        "records": 4,
        "signed": 2,
        "tail_microseconds": 1000,
        "unfinished": False,
        "final": False,
        "findings": [],
        "untold": 0,
    }


def test_too_many_findings_are_counted(folder: Folder) -> None:
    folder.change(lambda octets: octets + b"?\n" * 150)
    assert folder.findings()[-1] == f"{FIRST}.log: and 50 findings more"


def test_a_line_without_an_end_is_not_read_whole(folder: Folder) -> None:
    folder.change(lambda octets: octets.partition(b"\n")[0] + b"\n" + b"x" * 100_000)
    assert folder.findings()[0] == f"{FIRST}.log:2: a line of more than {LONGEST_LINE} octets"


# What cannot be done.


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["audit", "verify", "--state", str(tmp_path / "none")])
    assert told.exit_code == 2
    assert told.stderr == (
        f"starwire: {tmp_path / 'none' / 'audit.pub'}: No such file or directory; give --state, "
        "or the keys to trust with --public-key\n"
    )


def test_a_folder_without_a_store_is_told_and_none_is_made(folder: Folder) -> None:
    for path in folder.state.glob("starwire.db*"):
        path.unlink()
    assert folder.cannot().endswith("starwire.db: there is no store")
    assert not list(folder.state.glob("starwire.db*"))


def test_a_store_without_tables_is_told(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    told = folder.cannot("--database", f"sqlite:///{tmp_path / 'empty.db'}")
    assert told == f"sqlite:///{tmp_path / 'empty.db'}: there is no store"
    assert folder.cannot("--database", "foo").startswith("'foo' is no URL of a store: ")


def test_a_folder_without_a_trail_is_told(tmp_path: Path) -> None:
    open_store(url_of(tmp_path, "")).close()
    audit_key(tmp_path)
    told = CliRunner().invoke(main, ["audit", "verify", "--state", str(tmp_path)])
    assert (told.exit_code, told.stdout) == (2, "")
    assert "holds no audit trail" in told.stderr


def test_a_file_that_cannot_be_read_is_named(folder: Folder) -> None:
    assert folder.cannot(folder.state / "none") == f"{folder.state}/none: No such file or directory"


@pytest.mark.parametrize(
    "octets", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"]
)
def test_a_public_key_that_is_none(folder: Folder, octets: bytes) -> None:
    (folder.state / "audit.pub").write_bytes(octets)
    told = f"{folder.state / 'audit.pub'}: holds no Ed25519 public key in PEM"
    assert folder.cannot() == told


def test_a_long_file_shows_how_far_it_is(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(audit, "_STEP", 64)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert audit.run(folder.state, "", str(folder.path()), None, as_json=False) == 0
    assert f"{folder.path().name}  [#" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
    assert capsys.readouterr().out == f"{folder.path()}: good, 5 records, all signed, ended\n"
