"""`starwire bundle show`: what a bundle holds, and whether it is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from starwire.protocol.recording import End, Header, Opened

from .bundles import Bundle
from .display import shown
from .recordings import Recording


def bundle_lines(bundle: Bundle) -> Iterator[str]:
    """The bundle in words. Raises NoRecording."""
    manifest = bundle.manifest
    yield f"bundle of starwire {shown(manifest.starwire)}, made {shown(manifest.made)}"
    if manifest.note:
        yield f"note: {shown(manifest.note)}"
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    yield f"versions: {shown(versions)}"
    yield f"profile: {shown(bundle.profile.name)}"
    yield f"seed: {'none' if manifest.seed is None else manifest.seed}"
    yield f"faults: {len(manifest.faults) or 'none'}"
    for number, fault in enumerate(manifest.faults, 1):
        yield f"  {number}. {shown(msgspec.json.encode(fault).decode('utf-8'))}"
    yield f"recordings: {len(manifest.traffic) or 'none'}"
    for number, (files, recording) in enumerate(
        zip(manifest.traffic, bundle.recordings(), strict=True), 1
    ):
        octets = sum(member.octets for member in files)
        count = "1 file" if len(files) == 1 else f"{len(files)} files"
        yield f"  {number}. {count}, {octets} octets; {_counted(recording)}"
        yield from (f"     {cut}" for cut in recording.cuts)


def _counted(recording: Recording) -> str:
    """How many events there are, and the connections by hop."""
    events, hops = 0, Counter[str]()
    for event in recording:
        if isinstance(event, Opened):
            hops[event.hop] += 1
        events += not isinstance(event, Header | End)
    told = ", ".join(f"{hop} {count}" for hop, count in sorted(hops.items()))
    return f"{events} events; connections: {told or 'none'}"
