"""The key of the audit trail: made once, private, published (ENC-02)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from starwire.servers.audit_key import audit_key
from starwire.servers.configuration import ConfigurationError


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def test_it_is_made_once_and_is_nobody_else_s(tmp_path: Path) -> None:
    made = public(audit_key(tmp_path))
    assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
    assert public(audit_key(tmp_path)) == made
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.key", "audit.pub"]


def test_the_public_key_is_published_in_pem(tmp_path: Path) -> None:
    made = public(audit_key(tmp_path))
    read = serialization.load_pem_public_key((tmp_path / "audit.pub").read_bytes())
    assert isinstance(read, Ed25519PublicKey)
    assert read.public_bytes_raw() == made


def pem(key: Any, password: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else None
    form = serialization.PrivateFormat.PKCS8
    lock = lock or serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


MAKE = "import sys, pathlib; from starwire.servers.audit_key import audit_key\n"
MAKE += "print(audit_key(pathlib.Path(sys.argv[1])).public_key().public_bytes_raw().hex())"


def test_processes_that_start_together_agree_on_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = {process.communicate(timeout=60)[0].strip() for process in started}
    assert told == {public(audit_key(tmp_path)).hex()}


def test_a_key_may_be_given_and_every_key_stays_published(tmp_path: Path) -> None:
    given = tmp_path / "given.pem"
    given.write_bytes(pem(Ed25519PrivateKey.generate()))
    state = tmp_path / "state"
    state.mkdir()
    audit_key(state)
    first = (state / "audit.pub").read_bytes()
    assert public(audit_key(state, str(given))) != public(audit_key(state))
    both = (state / "audit.pub").read_bytes()
    assert both.startswith(first)
    assert both.count(b"BEGIN PUBLIC KEY") == 2


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"no key",
        pem(Ed448PrivateKey.generate()),
        pem(Ed25519PrivateKey.generate(), password=b"secret"),
    ],
    ids=["empty", "text", "another kind", "locked"],
)
def test_what_is_no_such_key_is_told(tmp_path: Path, octets: bytes) -> None:
    given = tmp_path / "given.pem"
    given.write_bytes(octets)
    with pytest.raises(ConfigurationError) as raised:
        audit_key(tmp_path, str(given))
    assert str(raised.value) == (
        f"audit.key_file {given}: is no Ed25519 key in PEM without a password; "
        "make one with `openssl genpkey -algorithm ed25519`"
    )
    assert not (tmp_path / "audit.key").exists()


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    given = tmp_path / "none.pem"
    with pytest.raises(ConfigurationError) as raised:
        audit_key(tmp_path, str(given))
    assert str(raised.value) == f"audit.key_file {given}: No such file or directory"
