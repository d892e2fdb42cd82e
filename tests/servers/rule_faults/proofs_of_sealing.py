"""What shows each fault of `rule_faults.sealing`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from starwire.protocol.frames import NEED_DATA
from starwire.protocol.sealing import LinkKeys, SealedLink, SealError, load_link_keys
from starwire.servers.configuration import Links

from .chain import PROFILE, WIRE, Chain
from .proofs_of_frames import BAD
from .proofs_of_messages import PLAIN
from .proving import Proof

KEY_FILE = Path(__file__).with_name("link_keys.toml")
KEYS: LinkKeys = load_link_keys(KEY_FILE.read_text("utf-8"))
SEALED = replace(PLAIN, links=Links(key_file=str(KEY_FILE)))


def sealed(*, spoilt: bool = False) -> Any:
    """The statuses that come in records, or None, and whether the connection is closed."""

    def probe(chain: Chain) -> Any:
        line = chain.line("rm")
        link = SealedLink(KEYS.proxy, bytes(32), opens=True, longest=PROFILE.frame_octets)
        link.feed(line.send(link.greeting))
        if not link.ready:
            return None, line.closed
        record = link.seal(chain.request(BAD))
        if spoilt:
            record = record[:-1] + bytes([record[-1] ^ 1])
        link.feed(line.send(record))
        try:
            frame = link.pull()
        except SealError:
            return "no record", line.closed
        status = None if frame is NEED_DATA else WIRE.common.decode(frame).status
        return status, line.closed

    return probe


def proof(broken: tuple[Any, bool], *, spoilt: bool = False) -> Proof:
    sound = (None, True) if spoilt else (100, False)
    return Proof(sealed(spoilt=spoilt), sound, broken, configuration=SEALED)


PROOFS = {
    "links-not-encrypted": Proof(
        lambda chain: chain.ask("rm", BAD)[0], -1, 100, configuration=SEALED
    ),
    "link-keys-exchanged": proof((None, True)),
    "nonce-from-1": proof((None, True)),
    "salt-from-the-acceptor": proof((None, True)),
    "directions-exchanged": proof((None, True)),
    "bad-record-answered": proof((102, True), spoilt=True),
    "bad-record-passed-over": proof((None, False), spoilt=True),
}
