"""A bundle: one file with all that a run needs to be understood and run again (docs/recording.md).

It is a zip archive: anybody can open one without starwire, its parts can be read without the rest,
and it may be written to something that cannot seek. Files come in as arguments; nothing here opens
any, or asks what time it is.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any, TypeVar

import msgspec
from msgspec import Struct

from starwire.grammar import __version__

from .profile import Profile, translated
from .recording import rfc3339

_T = TypeVar("_T")

FORMAT = 1
MANIFEST = "bundle.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, the earliest that a zip archive knows: the same content gives the same
octets."""
_PIECE = 1 << 16
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
"""What zipfile raises for an archive that is damaged, or that uses what no bundle does."""
_LONGEST_MANIFEST = 64 * 1024 * 1024
_MEMBER = re.compile(r"traffic/[1-9][0-9]*/[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""Names that are safe to extract anywhere."""


class BundleError(Exception):
    """The file is no bundle, or none that can be read; the text names member and key."""


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """A file in the archive."""

    name: str
    octets: int
    sha256: str

    def __post_init__(self) -> None:
        if not _MEMBER.fullmatch(self.name):
            raise ValueError("name: is not traffic/NUMBER/FILE")


class Manifest(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="bundle", kw_only=True
):
    """`bundle.json`."""

    format: int
    starwire: str
    """The version of the program that wrote it."""
    made: str
    """Wall clock, RFC 3339, UTC."""
    versions: dict[str, str]
    """Of what the run stood on: python, twisted, the target's if it is known."""
    seed: int | None
    """Of whatever was drawn in the run; None if nothing was."""
    faults: list[dict[str, Any]]
    """In the order in which they were set, each as the control API takes it."""
    profile: dict[str, Any]
    """The wire profile, whole."""
    note: str = ""
    """What the bundle shows, in words."""
    traffic: list[list[Member]]
    """The recordings, each by its files in their order."""


Files = Iterable[tuple[str, IO[bytes]]]
"""One recording: its files by name, in order."""


def pack(
    target: IO[bytes],
    recordings: Iterable[Files],
    *,
    seed: int | None,
    faults: Sequence[dict[str, Any]],
    profile: Profile,
    made: datetime,
    versions: dict[str, str],
    note: str = "",
) -> Manifest:
    """Write a bundle to a file that is open for writing. Files are copied as far as they go now."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        traffic = [
            [_add(archive, f"traffic/{number}/{name}", source) for name, source in files]
            for number, files in enumerate(recordings, 1)
        ]
        manifest = Manifest(
            format=FORMAT,
            starwire=__version__,
            made=rfc3339(made),
            versions=versions,
            seed=seed,
            faults=list(faults),
            profile=msgspec.to_builtins(profile),
            note=note,
            traffic=traffic,
        )
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
        archive.writestr(_info(MANIFEST), text)
    return manifest


def unpack(archive: zipfile.ZipFile) -> Manifest:
    """The manifest of an archive that is open for reading. Raises BundleError."""
    try:
        if archive.getinfo(MANIFEST).file_size > _LONGEST_MANIFEST:
            raise BundleError(f"{MANIFEST}: is longer than {_LONGEST_MANIFEST} octets")
        text = archive.read(MANIFEST)
    except KeyError:
        raise BundleError(f"is no bundle: it has no {MANIFEST}") from None
    except DAMAGE as error:
        raise BundleError(f"{MANIFEST}: is damaged: {error}") from None
    beginning = _decoded(text, _Beginning)
    if beginning.format > FORMAT:
        raise BundleError(
            f"{MANIFEST}: format: is {beginning.format}, written by starwire {beginning.starwire};"
            f" this starwire reads up to {FORMAT}: read it with a newer one"
        )
    if beginning.format < 1:
        raise BundleError(f"{MANIFEST}: format: is {beginning.format}; the first format is 1")
    return _decoded(text, Manifest)


def pieces(archive: zipfile.ZipFile, member: Member) -> Iterator[bytes]:
    """The octets of a member, checked when the last piece is out. Raises BundleError."""
    digest, octets = hashlib.sha256(), 0
    try:
        with archive.open(member.name) as source:
            while piece := source.read(_PIECE):
                digest.update(piece)
                octets += len(piece)
                yield piece
    except KeyError:
        raise BundleError(f"{member.name}: is missing") from None
    except DAMAGE as error:
        raise BundleError(f"{member.name}: is damaged: {error}") from None
    if (octets, digest.hexdigest()) != (member.octets, member.sha256):
        raise BundleError(f"{member.name}: is not what the manifest says: {octets} octets")


class _Beginning(Struct, tag_field="kind", tag="bundle"):
    """What of a manifest is the same in every format."""

    format: int
    starwire: str = "of a later version"


def _decoded(text: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        wrong = translated(str(error), "")
        place = f"{MANIFEST}: {wrong.key}" if wrong.key else MANIFEST
        raise BundleError(f"{place}: {wrong.reason}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{MANIFEST}: is no JSON: {error}") from None


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".zst") else zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _add(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> Member:
    digest, octets = hashlib.sha256(), 0
    with archive.open(_info(name), "w", force_zip64=True) as member:
        while piece := source.read(_PIECE):
            digest.update(piece)
            octets += len(piece)
            member.write(piece)
    return Member(name, octets, digest.hexdigest())
