"""The wire without I/O: octets in, events out; events in, octets out.

The room has three storeys, and each knows only those below it.

*Octets.* `profile` reads a wire from a TOML file; `layout` says how the fields of its `headers`
lie, and `packing` compiles a codec for each. `frames` and `native` cut a stream, held in a
`buffer`, into frames or bare messages: pulled one at a time, the same however the stream was
chopped, with three results (an event, NEED_DATA, an error that stays). `status` names the numbers.

*Messages.* `catalogue` is the one table of messages, parameters and checks, `codes` that of the
error codes. `validation` judges a received message by the catalogue and makes the ready refusal;
`messages` builds one. Their language is `starwire.grammar`'s.

*Conversations.* The state machines of the transports: `sealing` for links whose frames are
encrypted, `bulk` for transfers of any size.

Nothing here opens a socket or a file, reads a clock, or draws a random number: time, entropy and
octets come in as arguments. What the wire leaves open is never a constant here but a value of the
Profile (docs/protocol.md, HDR-10).

    >>> from starwire.protocol import CommonHeader, FrameReader, shipped
    >>> profile = shipped("default")
    >>> reader = FrameReader(profile.wire.common, profile)
    >>> reader.feed(profile.wire.common.frame(CommonHeader(1, serial=7), b"GPL<PL_LANG>"))
    >>> frame = reader.next_frame()
    >>> frame.header.length, frame.header.serial, frame.data
    (61, 7, b'GPL<PL_LANG>')
"""

from .frames import NEED_DATA, Frame, FrameError, FrameReader, NeedData
from .headers import (
    BulkHeader,
    CommonHeader,
    DispatcherHeader,
    WebHeader,
    Wire,
    mismatch_frame,
    reply_frame,
)
from .native import NativeReader
from .packing import HeaderCodec, HeaderError
from .profile import Profile, ProfileError, load_profile, shipped, split_address
from .status import MessageType, Operation, Status, Transaction

__all__ = [
    "NEED_DATA",
    "BulkHeader",
    "CommonHeader",
    "DispatcherHeader",
    "Frame",
    "FrameError",
    "FrameReader",
    "HeaderCodec",
    "HeaderError",
    "MessageType",
    "NativeReader",
    "NeedData",
    "Operation",
    "Profile",
    "ProfileError",
    "Status",
    "Transaction",
    "WebHeader",
    "Wire",
    "load_profile",
    "mismatch_frame",
    "reply_frame",
    "shipped",
    "split_address",
]
