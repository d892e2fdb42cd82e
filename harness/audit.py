"""`starwire audit verify`: the files of the audit trail, held to their signed heads (ENC-02)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from starwire.protocol.audit import LONGEST_LINE, Finding, SignedHead, Verdict, named_in, verify

from .commands import cannot
from .emulator import EmulatorError, audit_heads

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
_STEP = 1 << 20
"""Octets between two movements of the progress bar."""

Heads = Mapping[str, tuple[SignedHead, bytes]]
"""What the store knows of each chain: its newest head, and the key that is said to be its."""


def run(
    state: Path, database: str, file: str | None, public_key: str | None, *, as_json: bool
) -> int:
    """Print what is found; the exit status."""
    keys = _public_keys(Path(public_key) if public_key else state / "audit.pub")
    try:
        found = audit_heads(state, database)
    except EmulatorError as error:
        cannot(str(error))
    heads = {signed.head.chain: (signed, key) for signed, key in found}
    verdicts: dict[str, Verdict] = {}
    for path in [Path(file)] if file else sorted((state / "audit").glob("*.log")):
        verdicts[str(path)] = _verdict(path, heads, keys)
    if file is None:
        verdicts |= _missing(state / "audit", heads, keys)
    if not verdicts:
        cannot(f"{state}: holds no audit trail; give the state folder of an emulator")
    for line in _as_json(verdicts) if as_json else _as_text(verdicts):
        click.echo(line)
    return 1 if any(verdict.findings for verdict in verdicts.values()) else 0


def _public_keys(path: Path) -> list[bytes]:
    """Every key of the file, 32 octets each."""
    try:
        blocks = _PEM.findall(path.read_bytes())
        keys = [load_pem_public_key(block) for block in blocks]
    except OSError as error:
        cannot(f"{path}: {error.strerror}; give --state, or the keys to trust with --public-key")
    except ValueError:
        keys = []
    known = [key.public_bytes_raw() for key in keys if isinstance(key, Ed25519PublicKey)]
    if not known:
        cannot(f"{path}: holds no Ed25519 public key in PEM")
    return known


def _verdict(path: Path, heads: Heads, keys: list[bytes]) -> Verdict:
    """Of one file. Its chain is the one it is named after, else the one that it names."""
    try:
        with path.open("rb") as file:
            name, key = named_in(file.readline(LONGEST_LINE))
            file.seek(0)
            known = heads.get(path.stem) or heads.get(name)
            if known is not None:
                key = known[1]
            signed = [known[0]] if known else []
            return verify(_lines(file, path), signed, key if key in keys else keys[0])
    except OSError as error:
        cannot(f"{path}: {error.strerror}")


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    if not sys.stderr.isatty() or size < 16 * _STEP:
        yield from iter(lambda: file.readline(LONGEST_LINE), b"")
        return
    with click.progressbar(length=size, label=path.name, file=sys.stderr) as bar:
        passed = 0
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            passed += len(line)
            if passed >= _STEP:
                bar.update(passed)
                passed = 0
            yield line


def _missing(folder: Path, heads: Heads, keys: list[bytes]) -> dict[str, Verdict]:
    """A verdict on each file that the folder's key has signed and that is not there."""
    verdicts = {}
    for chain, (signed, key) in heads.items():
        path = folder / f"{chain}.log"
        if key in keys and not path.exists():
            told = f"there is no such file, expected {signed.head.sequence} records"
            gone = (Finding(1, told),)
            verdicts[str(path)] = Verdict(0, 0, 0, False, signed.head.final, gone)
    return verdicts


def _as_text(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    for path, verdict in verdicts.items():
        yield from (f"{path}:{one.line}: {one.what}" for one in verdict.findings)
        if verdict.untold:
            yield f"{path}: and {verdict.untold} findings more"
        if not verdict.findings:
            yield f"{path}: good, {', '.join(_told(verdict))}"


def _told(verdict: Verdict) -> Iterable[str]:
    tail = verdict.records - verdict.signed
    yield f"{verdict.records} record{'' if verdict.records == 1 else 's'}"
    yield "all signed" if not tail else f"{verdict.signed} signed"
    if tail:
        yield f"{tail} behind the newest head, within {verdict.tail_microseconds / 1e6:.3f} s"
    if verdict.unfinished:
        yield "the last line unfinished"
    yield "ended" if verdict.final else "not ended"


def _as_json(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    files = [
        {"file": path, "good": not verdict.findings, **msgspec.to_builtins(verdict)}
        for path, verdict in verdicts.items()
    ]
    good = not any(verdict.findings for verdict in verdicts.values())
    yield msgspec.json.format(msgspec.json.encode({"good": good, "files": files})).decode()
