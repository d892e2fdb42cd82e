"""The ports of the chain: their names, and where each listens unless told otherwise."""

from .profile import TARGETS

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

PROXY_OF_TARGET = {target: target.lower() for target in TARGETS}
"""The endpoint of each target's proxy (DSP-02)."""
