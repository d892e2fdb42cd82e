"""The ports of the chain: their names, and where each listens unless told otherwise."""

from typing import Literal, TypeAlias

from .profile import TARGETS

Spoken: TypeAlias = Literal["web", "dispatcher", "common", "native"]
"""What travels on a port: HTTP bodies, frames of either header, or bare messages."""

DEFAULT_PORTS = {
    "web": 8443,
    "dispatcher": 8401,
    "jar": 8402,
    "staroe": 8411,
    "rm": 8412,
    "rs": 8413,
    "inbox": 8414,
    "rm-native": 8422,
    "inbox-native": 8424,
    "control": 8400,
}
"""Every endpoint that `starwire serve` can run, and its default port."""

SHAREABLE = tuple(name for name in DEFAULT_PORTS if name not in ("jar", "control"))
"""The endpoints that several processes may serve on one port. A cookie jar is not among them, since
it keeps its sessions in memory, nor is the control API, which is that of one process."""

PROXY_OF_TARGET = {target: target.lower() for target in TARGETS}
"""The endpoint of each target's proxy (DSP-02)."""


def spoken_at(port: str) -> Spoken:
    """What is spoken at the port of that name."""
    if port in ("web", "dispatcher"):
        return port  # type: ignore[return-value]
    return "native" if port == "jar" or port.endswith("-native") else "common"
