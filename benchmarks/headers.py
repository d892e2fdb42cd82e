"""What the header codecs and the frame reader cost, against bare `struct` calls.

    python benchmarks/headers.py

Each line is the median of the ratios of interleaved rounds of one run. The bare side packs values
that are octets already and joins them to the data, or unpacks and slices the data off; it checks
nothing. "seen" is traffic whose keys and users the codec has met; "new" never repeats one. Exits 1
if a ratio is above its stated figure by more than a quarter.
"""

import gc
import struct
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import SHIPPED, Profile, shipped

ROUNDS = 9
FRAMES = 2_000
SESSIONS = 500
NEW = 6_000
"""More than a codec remembers of one field."""
DATA = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>" * 7

STATED = {"frame": 3.0, "decode": 3.0, "read": 8.0}
"""The figures: times the bare call, for traffic of sessions that are seen again."""

FORMATS = {
    ("default", "common"): ">BIB32sBQH",
    ("default", "dispatcher"): ">BI8sB20s8s32sH",
    ("little", "common"): "<BIB16sBIB",
    ("little", "dispatcher"): "<BI8sB20s8s16sB",
}

Header = CommonHeader | DispatcherHeader
Work = Callable[[], None]
Works = dict[str, tuple[Work, Work]]


def headers(kind: str, width: int, first: int, count: int) -> list[Header]:
    keys = [f"{number:0{width}x}" for number in range(first, first + count)]
    if kind == "common":
        return [CommonHeader(1, 0, 0, key, 0, serial) for serial, key in enumerate(keys)]
    return [
        DispatcherHeader(1, 0, "RM", 0, f"USER{number}", f"{number:08}", key)
        for number, key in enumerate(keys, first)
    ]


def works(profile: Profile, kind: str, first: int, sessions: int) -> Works:
    """For each name: the work, and the bare work that it is measured against."""
    codec = getattr(profile.wire, kind)
    bare = struct.Struct(FORMATS[profile.name, kind])
    width = profile.common.session_key.width
    pool = headers(kind, width, first, sessions)
    values = pool * (FRAMES // sessions or 1)
    frames = [codec.frame(header, DATA) for header in values]
    packed = [bare.unpack_from(frame) for frame in frames]
    size, encode, decode = codec.size, codec.frame, codec.decode
    pack, unpack = bare.pack, bare.unpack_from

    def frame() -> None:
        for header in values:
            encode(header, DATA)

    def bare_frame() -> None:
        for fields in packed:
            pack(*fields) + DATA

    def whole() -> None:
        for octets in frames:
            decode(octets), octets[size:]

    def bare_whole() -> None:
        for octets in frames:
            unpack(octets), octets[size:]

    def read() -> None:
        reader = FrameReader(codec, profile)
        for octets in frames:
            reader.feed(octets)
            while (found := reader.next_frame()) is not NEED_DATA:
                found.data  # noqa: B018 - the slice is a part of the work

    return {
        "frame": (frame, bare_frame),
        "decode": (whole, bare_whole),
        "read": (read, bare_whole),
    }


def ratio(work: Work, bare: Work) -> float:
    return median(seconds(work) / seconds(bare) for _ in range(ROUNDS))


def seconds(work: Work) -> float:
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> int:
    failed = False
    for name in SHIPPED:
        for kind in ("common", "dispatcher"):
            seen = works(shipped(name), kind, 0, SESSIONS)
            new = works(shipped(name), kind, SESSIONS, NEW)
            for what, (work, bare) in seen.items():
                got = ratio(work, bare)
                failed |= got > STATED[what] / 0.8
                print(
                    f"{name:8} {kind:11} {what:7} seen {got:5.2f} (stated {STATED[what]:.0f})"
                    f"   new {ratio(*new[what]):5.2f}"
                )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
